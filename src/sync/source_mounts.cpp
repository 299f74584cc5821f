// SPDX-License-Identifier: Apache-2.0
#include "sync/source_mounts.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"

namespace syncline::sync {

SourceMounts::SourceMounts(Replica& replica, std::vector<std::string> before)
    : replica_(replica), before_(std::move(before)) {
  is_whole();
}

bool SourceMounts::is_whole() {
  now_ = table_.below(replica_.root());
  const auto gone = std::ranges::find_if(
      before_, [&](const auto& path) { return !std::ranges::binary_search(now_, path); });
  if (missing_.empty() && gone != before_.end()) missing_ = *gone;
  return missing_.empty();
}

std::vector<std::string> SourceMounts::mounted(const Selector* selector) const {
  std::vector<std::string> out;
  std::size_t bytes = 0;
  for (const auto& path : now_) {
    if (selector != nullptr && selector->excluded_with_parents(path, true)) continue;
    out.push_back(path);
    bytes += path.size();
  }
  if (bytes > limits::mount_names_bytes_max) out.clear();
  return out;
}

}  // namespace syncline::sync
