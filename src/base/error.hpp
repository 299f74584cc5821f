// SPDX-License-Identifier: Apache-2.0
// The one exception type of syncline and its error codes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace syncline {

/// What went wrong, in terms a caller may branch on. System failures keep their errno in
/// std::generic_category instead and are carried by Error all the same.
enum class Errc {
  malformed = 1,   ///< bytes that no correct writer produces
  truncated,       ///< the input ended before the value did
  limit_exceeded,  ///< a named limit of base/limits.hpp was passed
  unsupported,     ///< a version, algorithm or feature this build does not have
  corrupt,         ///< a checksum or digest does not match its data
  changed,         ///< a file changed while it was read or patched
  foreign,         ///< a target is not what the state says it is
  protocol,        ///< a message that is not allowed in this state
  usage,           ///< a wrong argument from the person
  cancelled,       ///< the person stopped the work
  delete_limit,    ///< --max-delete was reached
  locked,          ///< another process works on the same root
  disconnected,    ///< the other side of a session went away
  untrusted,       ///< a key that is not accepted, or a file of keys that must not be relied on
  unresolved,      ///< a host name without an address
  replaced,        ///< a source is not the directory that it was
  rules,           ///< a file of rules in a source that passes a limit
  shell,           ///< a program that should lead to the other side has ended
};

const std::error_category& syncline_category() noexcept;
std::error_code make_error_code(Errc code) noexcept;

/// Base of everything syncline throws. `what()` reads "context: cause"; context names the
/// object (an escaped path, a message, a file format) and the side where that matters.
class Error : public std::system_error {
 public:
  Error(Errc code, const std::string& context);
  /// An errno of the operating system; `error_number` as in errno(3).
  Error(int error_number, const std::string& context);
  /// For decoders: `offset_bytes` counts from the start of the decoded buffer.
  Error(Errc code, const std::string& context, std::uint64_t offset_bytes);

  const std::string& context() const noexcept { return context_; }
  std::optional<std::uint64_t> offset_bytes() const noexcept { return offset_bytes_; }
  bool is(Errc code) const noexcept { return this->code() == make_error_code(code); }
  bool is_errno(int error_number) const noexcept;

 private:
  std::string context_;
  std::optional<std::uint64_t> offset_bytes_;
};

/// Throws Error(errno, context). Call it directly after the failing system call.
[[noreturn]] void throw_errno(const std::string& context);

/// `raw` with control bytes, backslashes and invalid UTF-8 as \ooo, safe to print on a terminal.
std::string escape_name(std::string_view raw);

}  // namespace syncline

template <>
struct std::is_error_code_enum<syncline::Errc> : std::true_type {};
