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
  options.recent_deletes = is_held_ ? limits::guarded_until_approved : count;
  if (options.max_delete) *options.max_delete -= std::min(*options.max_delete, options.recent_deletes);
}

void RecentDeletes::note(const Round& round, Moment now) {
  is_held_ = round.is_held;
  is_holding_ = round.is_holding;
  if (round.is_approved) return made_.clear();
  if (round.deleted != 0) made_.emplace_back(now, round.deleted);
}

}  // namespace syncline::watch
