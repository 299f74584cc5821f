// SPDX-License-Identifier: Apache-2.0
// The questions of a Selector.
#include "sync/selector.hpp"

#include <algorithm>
#include <mutex>

namespace syncline::sync {

bool Selector::excluded(const std::string& path, bool is_dir) const {
  if (std::ranges::find(reserved, path) != reserved.end()) return true;
  if (listed && !listed->contains(path) && !(is_dir && listed->descends(path))) return true;
  if (!filters.empty() && filters.excluded(prefix + path, is_dir)) return true;
  if (!use_gitignore) return false;
  std::shared_lock lock(mutex_);
  return gitignore_.ignored(path, is_dir);
}

bool Selector::excluded_with_parents(const std::string& path, bool is_dir) const {
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
    if (excluded(path.substr(0, slash), true)) return true;
  return excluded(path, is_dir);
}

void Selector::push_gitignore(const std::string& dir, std::string_view content) const {
  std::unique_lock lock(mutex_);
  gitignore_.push(dir, content);
}

}  // namespace syncline::sync
