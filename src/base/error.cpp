// SPDX-License-Identifier: Apache-2.0
// Error category, exception and printable names.
#include "base/error.hpp"

#include <cerrno>
#include <cstdio>

namespace syncline {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "syncline"; }
  std::string message(int value) const override {
    switch (static_cast<Errc>(value)) {
      case Errc::malformed: return "malformed data";
      case Errc::truncated: return "data ends too early";
      case Errc::limit_exceeded: return "limit exceeded";
      case Errc::unsupported: return "not supported by this version";
      case Errc::corrupt: return "checksum does not match";
      case Errc::changed: return "file changed while it was read";
      case Errc::foreign: return "changed by someone else since the last run";
      case Errc::protocol: return "message not allowed here";
      case Errc::usage: return "wrong usage";
      case Errc::cancelled: return "stopped";
      case Errc::delete_limit: return "deletion limit reached";
      case Errc::locked: return "in use by another syncline process";
      case Errc::disconnected: return "the connection ended early";
      case Errc::untrusted: return "not trusted";
      case Errc::unresolved: return "host name without an address";
      case Errc::replaced: return "not the directory that it was";
      case Errc::shell: return "the remote shell has ended";
      case Errc::rules: return "file of rules that cannot be used";
    }
    return "unknown error";
  }
};

/// Length in bytes of the valid UTF-8 sequence at `pos`, 0 if there is none (RFC 3629).
std::size_t utf8_length(std::string_view text, std::size_t pos) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[pos + k]); };
  const unsigned char lead = byte(0);
  std::size_t length = 0;
  if (lead >= 0xC2 && lead <= 0xDF) length = 2;
  else if (lead >= 0xE0 && lead <= 0xEF) length = 3;
  else if (lead >= 0xF0 && lead <= 0xF4) length = 4;
  if (length == 0 || pos + length > text.size()) return 0;
  for (std::size_t k = 1; k < length; ++k)
    if ((byte(k) & 0xC0) != 0x80) return 0;
  const unsigned char second = byte(1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
      (lead == 0xF4 && second > 0x8F))
    return 0;
  // C1 controls (U+0080..U+009F) can drive a terminal as escape sequences do.
  if (lead == 0xC2 && second < 0xA0) return 0;
  return length;
}

}  // namespace

const std::error_category& syncline_category() noexcept {
  static const Category category;
  return category;
}

std::error_code make_error_code(Errc code) noexcept { return {static_cast<int>(code), syncline_category()}; }

Error::Error(Errc code, const std::string& context)
    : std::system_error(make_error_code(code), context), context_(context) {}

Error::Error(int error_number, const std::string& context)
    : std::system_error(error_number, std::generic_category(), context), context_(context) {}

Error::Error(Errc code, const std::string& context, std::uint64_t offset_bytes)
    : std::system_error(make_error_code(code), context + " at byte " + std::to_string(offset_bytes)),
      context_(context),
      offset_bytes_(offset_bytes) {}

bool Error::is_errno(int error_number) const noexcept {
  return code().category() == std::generic_category() && code().value() == error_number;
}

void throw_errno(const std::string& context) { throw Error(errno, context); }

std::string escape_name(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size();) {
    const auto byte = static_cast<unsigned char>(raw[i]);
    if (byte >= 0x20 && byte < 0x7F && byte != '\\') {
      out += raw[i++];
      continue;
    }
    if (const std::size_t length = byte < 0x80 ? 0 : utf8_length(raw, i); length != 0) {
      out.append(raw, i, length);
      i += length;
      continue;
    }
    char buffer[8];
    std::snprintf(buffer, sizeof buffer, "\\%03o", byte);
    out += buffer;
    ++i;
  }
  return out;
}

}  // namespace syncline
