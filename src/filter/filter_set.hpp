// SPDX-License-Identifier: Apache-2.0
// FilterSet: include and exclude rules in rsync's pattern language.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "filter/glob.hpp"

namespace syncline::filter {

/// Rules in the order they were given; the first that matches decides, no match includes.
/// The language is that of rsync(1), FILTER RULES, for --include and --exclude:
///   foo       a name at any depth          /foo      at the root of the transfer only
///   a/b       the last components          foo/      directories only
///   ** *** ?  [...] as there               foo/***   the directory and all below it
/// A backslash escapes only in patterns with a wildcard, as in rsync.
///
/// Adding is not thread-safe; asking a finished set from many threads is.
class FilterSet {
 public:
  /// `pattern` without any "+ " or "- " prefix. Never fails: a malformed pattern matches nothing.
  void add(bool include, std::string_view pattern);

  /// Whether the rules leave this entry out. `path` is relative to the root of the transfer (for
  /// a source without a trailing slash that path begins with the source's own name), components
  /// joined by '/', no leading or trailing one. The root itself (empty) is never excluded.
  /// Only this entry is judged: nothing below an excluded directory is in the transfer, whatever
  /// the rules say about it, so a walker does not descend into one. Cost: O(rules x path).
  bool excluded(std::string_view path, bool is_dir) const;

  /// The same for a path whose parents were not asked about: true too when a parent is excluded.
  bool excluded_with_parents(std::string_view path, bool is_dir) const;

  /// Index of the rule that decides, in the order of add().
  std::optional<std::size_t> deciding_rule(std::string_view path, bool is_dir) const;

  /// What the rule at that index does.
  bool includes(std::size_t index) const { return rules_[index].include; }

  bool empty() const { return rules_.empty(); }
  std::size_t size() const { return rules_.size(); }

 private:
  /// What part of the path a pattern is held against.
  enum class Against { name, whole_path, last_components, after_any_slash };
  struct Rule {
    bool include = false;
    bool directories_only = false;
    bool slash_before = false;           // "**..." may match a '/' in front of the path
    bool slash_after_directory = false;  // ".../***" matches the directory itself
    Against against = Against::name;
    std::size_t components = 0;  // for last_components
    std::string literal;         // when there is no glob
    std::optional<Glob> glob;
  };
  static bool matches(const Rule& rule, std::string_view path, bool is_dir);

  std::vector<Rule> rules_;
};

}  // namespace syncline::filter
