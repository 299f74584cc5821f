// SPDX-License-Identifier: Apache-2.0
// RelPath: the only form in which a path below a root travels inside the program.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace syncline {

/// Throws Error(malformed) unless `name` is one path component: 1..255 bytes, no '/', no NUL,
/// not "." or "..".
void check_name(std::string_view name);

/// A validated path below a root: zero or more components joined by '/', no leading or trailing
/// slash. The empty path is the root itself. Bytes are kept as they are; no encoding is assumed.
class RelPath {
 public:
  RelPath() = default;
  /// Throws Error(malformed) for a bad component and Error(limit_exceeded) past
  /// limits::path_bytes_max or limits::path_depth_max.
  static RelPath parse(std::string_view text);

  /// Throws as check_name and parse do.
  RelPath child(std::string_view name) const;
  RelPath parent() const;         ///< of the root: the root
  std::string_view name() const;  ///< last component, empty for the root
  bool is_root() const { return text_.empty(); }
  bool is_inside(const RelPath& ancestor) const;  ///< a path is inside itself
  const std::string& text() const { return text_; }
  std::vector<std::string_view> components() const;
  std::size_t depth() const;

  /// By bytes, which is not the order of a tree walk: "a.b" stands before "a/b".
  auto operator<=>(const RelPath&) const = default;

 private:
  std::string text_;
};

}  // namespace syncline
