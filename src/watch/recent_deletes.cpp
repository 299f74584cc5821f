// SPDX-License-Identifier: Apache-2.0
// A window in time that stands still while something is held.
#include "watch/recent_deletes.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace syncline::watch {

void RecentDeletes::count_into(CopyOptions& options, Moment now) {
  while (!is_holding_ && !made_.empty() && made_.front().first + limits::guarded_span < now)
    made_.pop_front();
  std::uint64_t count = 0;
  for (const auto& [when, deleted] : made_) count += deleted;
  options.recent_deletes = count;
  if (options.max_delete) *options.max_delete -= std::min(*options.max_delete, count);
}

void RecentDeletes::note(std::uint64_t deleted, bool is_holding, bool is_approved, Moment now) {
  is_holding_ = is_holding;
  if (is_approved) return made_.clear();
  if (deleted != 0) made_.emplace_back(now, deleted);
}

}  // namespace syncline::watch
