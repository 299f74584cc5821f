// SPDX-License-Identifier: Apache-2.0
// A window in time that stands still while something is held.
#include "watch/recent_changes.hpp"

#include <utility>

#include "base/limits.hpp"

namespace syncline::watch {

void RecentChanges::count_into(CopyOptions& options, Moment now) {
  if (!options.guard_changes) return;
  while (!is_holding_ && !made_.empty() && made_.front().when + limits::guarded_span < now) {
    const auto& [when, path, is_new] = made_.front();
    (is_new ? files_->created : files_->changed).erase(path);
    made_.pop_front();
  }
  files_->changed_more = is_held_ ? limits::guarded_until_approved : 0;
  options.recent_files = files_;
}

/// Content that came over, as rsync writes it: ">f", and pluses where the file was not there.
void RecentChanges::note(const ChangeEvent& event) {
  if (!event.itemized.starts_with(">f")) return;
  const bool is_new = event.itemized.ends_with('+');
  if (is_new && files_->created.size() + ++created_in_round_ > limits::guarded_created_max) return;
  in_round_.push_back({{}, event.path, is_new});
}

void RecentChanges::end_round(const Round& round, Moment now) {
  is_held_ = round.is_held;
  is_holding_ = round.is_holding;
  created_in_round_ = 0;
  auto made = std::exchange(in_round_, {});
  if (round.is_approved) {
    *files_ = {};
    made_.clear();
    return;
  }
  for (auto& one : made) {
    if (files_->created.contains(one.path)) continue;
    one.when = now;
    if ((one.is_new ? files_->created : files_->changed).insert(one.path).second)
      made_.push_back(std::move(one));
  }
}

}  // namespace syncline::watch
