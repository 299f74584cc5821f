// SPDX-License-Identifier: Apache-2.0
// The questions of a Selector.
#include "sync/selector.hpp"

#include <algorithm>
#include <mutex>

namespace syncline::sync {

bool Selector::excluded_by_rules(const std::string& path, bool is_dir) const {
  if (std::ranges::find(reserved, path) != reserved.end()) return true;
  if (listed && !listed->contains(path) && !(is_dir && listed->descends(path))) return true;
  return !filters.empty() && filters.excluded(prefix + path, is_dir);
}

bool Selector::excluded(const std::string& path, bool is_dir, std::uint16_t origin) const {
  if (excluded_by_rules(path, is_dir)) return true;
  if (!use_gitignore) return false;
  std::shared_lock lock(mutex_);
  const auto found = gitignore_.find(origin);
  return (found == gitignore_.end() ? no_gitignore_ : found->second).ignored(path, is_dir);
}

bool Selector::excluded(const std::string& path, bool is_dir) const {
  if (excluded_by_rules(path, is_dir)) return true;
  if (!use_gitignore) return false;
  std::shared_lock lock(mutex_);
  return no_gitignore_.ignored(path, is_dir) ||
         std::ranges::any_of(gitignore_, [&](const auto& one) { return one.second.ignored(path, is_dir); });
}

bool Selector::excluded_with_parents(const std::string& path, bool is_dir) const {
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
    if (excluded(path.substr(0, slash), true)) return true;
  return excluded(path, is_dir);
}

void Selector::push_gitignore(const std::string& dir, std::uint16_t origin, std::string_view content) const {
  std::unique_lock lock(mutex_);
  gitignore_[origin].push(dir, content);
}

}  // namespace syncline::sync
