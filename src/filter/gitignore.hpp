// SPDX-License-Identifier: Apache-2.0
// GitIgnore: nested .gitignore files with git's own meaning.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "filter/glob.hpp"

namespace syncline::filter {

/// The .gitignore files of one tree, as gitignore(5) says: the file nearest to an entry that has a
/// matching pattern decides, in one file the last matching pattern does, '!' takes an entry in
/// again, and nothing below an ignored directory can be taken in.
///
/// An entry named ".git", at any depth, is ignored, as git itself never offers one for adding.
/// The files of a nested repository count like those of any directory. $GIT_DIR/info/exclude and
/// core.excludesFile are not looked at: the result depends on the tree alone.
///
/// push() is not thread-safe against any other call; concurrent questions alone are safe.
class GitIgnore {
 public:
  /// Adds the .gitignore file of directory `dir` (relative to the root of the tree, "" for the
  /// root; no trailing slash). A second push for one directory replaces the first. To be called
  /// before anything below `dir` is asked for, and not for an ignored directory: git does not read
  /// a .gitignore there. Never fails: a malformed line matches nothing.
  void push(std::string_view dir, std::string_view content);

  /// Forgets the file of `dir`, to bound memory in a walk that has left it.
  void pop(std::string_view dir);

  /// Whether git would ignore this entry, given that none of its parents is ignored (a walker does
  /// not descend into those). `path` as in push(); the root is never ignored.
  /// Cost: one look-up per parent and the patterns found there.
  bool ignored(std::string_view path, bool is_dir) const;

  /// The same without the condition: true too when a parent is ignored.
  bool ignored_with_parents(std::string_view path, bool is_dir) const;

  bool empty() const { return files_.empty(); }

 private:
  struct Pattern {
    explicit Pattern(std::string_view line);
    bool matches(std::string_view path_below, std::string_view name, bool is_dir) const;

    bool negated = false;
    bool directories_only = false;
    bool name_only = true;  // no slash: a name at any depth
    bool whole_literal = false;
    std::string literal;  // what comes before the first special byte
    Glob rest;

   private:
    struct Split;
    explicit Pattern(const Split& split);
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  static std::vector<Pattern> parse(std::string_view content);

  std::unordered_map<std::string, std::vector<Pattern>, Hash, std::equal_to<>> files_;
};

}  // namespace syncline::filter
