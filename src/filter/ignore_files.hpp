// SPDX-License-Identifier: Apache-2.0
// IgnoreFiles: nested files of patterns with git's own meaning.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "filter/glob.hpp"

namespace syncline::filter {

/// The files of one name (.gitignore, .synclineignore) in a tree, as gitignore(5) says: the file nearest to
/// an entry that has a matching pattern decides, in one file the last matching pattern does, '!' takes an
/// entry in again, and nothing below an ignored directory can be taken in.
///
/// The files of a nested repository count like those of any directory. $GIT_DIR/info/exclude and
/// core.excludesFile are not looked at: the result depends on the tree alone. Nor is anything known here of
/// the directory .git, which git itself never offers for adding.
///
/// push() is not thread-safe against any other call; concurrent questions alone are safe.
class IgnoreFiles {
 public:
  /// The pattern that decides about an entry. The views hold until the file is replaced or forgotten.
  struct Decision {
    bool ignored = false;
    std::string_view dir;      ///< whose file has it
    std::size_t line = 0;      ///< there, from 1
    std::string_view pattern;  ///< as it stands there, without what git does not read
  };

  /// Adds the file of directory `dir` (relative to the root of the tree, "" for the root; no trailing slash).
  /// A second push for one directory replaces the first. To be called before anything below `dir` is asked
  /// for, and not for an ignored directory: git does not read a file there. A malformed line matches nothing.
  /// False, and no pattern of it counts, where there are more than limits::ignore_patterns_max.
  bool push(std::string_view dir, std::string_view content);

  /// Forgets the file of `dir`, to bound memory in a walk that has left it.
  void pop(std::string_view dir);

  /// Which pattern decides about this entry, given that none of its parents is ignored (a walker does not
  /// descend into those). `path` as in push(); about the root none does.
  /// Cost: one look-up per parent and the patterns found there.
  std::optional<Decision> decision(std::string_view path, bool is_dir) const;

  /// Whether git would ignore it.
  bool ignored(std::string_view path, bool is_dir) const;

  /// The same without the condition: true too when a parent is ignored.
  bool ignored_with_parents(std::string_view path, bool is_dir) const;

  bool empty() const { return files_.empty(); }

 private:
  struct Pattern {
    Pattern(std::string_view text, std::size_t line);
    bool matches(std::string_view path_below, std::string_view name, bool is_dir) const;

    std::string text;
    std::size_t line = 0;
    bool negated = false;
    bool directories_only = false;
    bool name_only = true;  // no slash: a name at any depth
    bool whole_literal = false;
    std::string literal;  // what comes before the first special byte
    Glob rest;

   private:
    struct Split;
    Pattern(std::string_view text, std::size_t line, const Split& split);
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  static std::optional<std::vector<Pattern>> parse(std::string_view content);

  std::unordered_map<std::string, std::vector<Pattern>, Hash, std::equal_to<>> files_;
};

}  // namespace syncline::filter
