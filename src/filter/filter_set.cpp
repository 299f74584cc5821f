// SPDX-License-Identifier: Apache-2.0
// How rsync reads a pattern and which part of a path it holds it against.
#include "filter/filter_set.hpp"

#include <algorithm>

namespace syncline::filter {
namespace {

std::string_view last_component(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

/// The last `count` components, or nothing when the path has fewer.
std::optional<std::string_view> last_components(std::string_view path, std::size_t count) {
  for (auto end = path.size(); count > 0; --count) {
    const auto slash = path.substr(0, end).rfind('/');
    if (slash == path.npos) {
      if (count == 1) return path;
      return std::nullopt;
    }
    if (count == 1) return path.substr(slash + 1);
    end = slash;
  }
  return std::nullopt;
}

}  // namespace

void FilterSet::add(bool include, std::string_view pattern) {
  auto& rule = rules_.emplace_back();
  rule.include = include;
  if (pattern.size() > 1 && pattern.ends_with('/')) {
    rule.directories_only = true;
    pattern.remove_suffix(1);
  }
  const bool wild = pattern.find_first_of("*[?") != pattern.npos;
  const bool two_stars = pattern.find("**") != pattern.npos;
  const bool stars_first = pattern.starts_with("**");
  const bool anchored = pattern.starts_with('/');
  const auto slashes = static_cast<std::size_t>(std::ranges::count(pattern, '/'));
  if (anchored) pattern.remove_prefix(1);

  rule.slash_before = stars_first;
  rule.slash_after_directory = two_stars && pattern.ends_with("***");
  if (anchored || stars_first) {
    rule.against = Against::whole_path;
  } else if (two_stars) {
    rule.against = Against::after_any_slash;
  } else if (slashes > 0) {
    rule.against = Against::last_components;
    rule.components = slashes + 1;
  }
  if (wild) rule.glob.emplace(pattern, Glob::Dialect::rsync);
  else rule.literal = pattern;
}

bool FilterSet::matches(const Rule& rule, std::string_view path, bool is_dir) {
  if (rule.directories_only && !is_dir) return false;
  auto text = path;
  if (rule.against == Against::name) text = last_component(path);
  if (rule.against == Against::last_components) {
    const auto tail = last_components(path, rule.components);
    if (!tail) return false;
    text = *tail;
  }
  if (!rule.glob) return text == rule.literal;
  const auto begin =
      rule.against == Against::after_any_slash ? Glob::Begin::after_any_slash : Glob::Begin::front;
  const bool slash_after = is_dir && rule.slash_after_directory;
  if (!rule.slash_before && !slash_after) return rule.glob->matches(text, begin);
  return rule.glob->matches_between(rule.slash_before, text, slash_after, begin);
}

std::optional<std::size_t> FilterSet::deciding_rule(std::string_view path, bool is_dir) const {
  if (path.empty()) return std::nullopt;
  for (std::size_t index = 0; index < rules_.size(); ++index)
    if (matches(rules_[index], path, is_dir)) return index;
  return std::nullopt;
}

bool FilterSet::excluded(std::string_view path, bool is_dir) const {
  const auto index = deciding_rule(path, is_dir);
  return index && !rules_[*index].include;
}

bool FilterSet::excluded_with_parents(std::string_view path, bool is_dir) const {
  for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
    if (excluded(path.substr(0, slash), true)) return true;
  return excluded(path, is_dir);
}

}  // namespace syncline::filter
