// SPDX-License-Identifier: Apache-2.0
// The copies of one watch, one after the other, and what is told of them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/report_output.hpp"
#include "cli/watch_control.hpp"
#include "cli/watch_hook.hpp"
#include "cli/watch_memory.hpp"
#include "sync/standing_copy.hpp"
#include "watch/board.hpp"
#include "watch/recent_changes.hpp"
#include "watch/recent_deletes.hpp"
#include "watch/standing.hpp"

namespace syncline::cli {

/// What the rounds of one watch are made of; all of it lives longer than they.
struct RoundParts {
  const Outputs& outputs;
  sync::StandingCopy& copies;
  const std::function<bool()>& cancelled;
  WatchControl& control;
  Clock& clock;
  WatchHook* hook = nullptr;
  bool has_others = false;  ///< beside it others are followed: a destination that is not there yet may come
  std::string prefix = {};  ///< of the source, which the hook is not told
  bool is_far = false;      ///< the source is on another machine
  WatchMemory& memory;
};

/// For one thread.
class WatchRounds {
 public:
  explicit WatchRounds(RoundParts parts);

  /// Makes a copy, reports it, and says what it came to.
  watch::Attempt attempt();
  /// The last one changed something.
  bool has_changed() const { return has_changed_; }
  /// Says where things stand now.
  void tell(const watch::Standing& standing);

 private:
  void tell_unmounted(const std::string& path);
  void end_round(CopyReport& report, bool is_approved);
  void remember(const CopyReport& report, bool is_settled);
  watch::Attempt failed_attempt(Failure failure, bool is_about_source);
  watch::Attempt blocked_attempt(const Failure& failure);
  std::string approve_words() const;
  std::string sentence_of(const watch::Standing& standing);

  CopyObserver observer();
  void note_for_hook(const std::string& path);

  const RoundParts parts_;
  watch::RecentDeletes recent_;
  std::uint64_t round_ = 0;
  bool has_copied_ = false;
  bool has_changed_ = false;
  bool told_degraded_ = false;
  watch::RecentChanges recent_changes_;
  watch::Held held_;
  bool is_holding_ = false;
  bool holds_deletions_ = false;  ///< a guard does, until that is approved or there is nothing left of it
  bool holds_changes_ = false;
  std::string told_gone_;  ///< what is not where it was mounted, as it was said last
  std::string last_failure_;
  std::string replaced_ = "SRC";  ///< what is not the directory that it was, as messages name it
  std::optional<watch::Standing::State> told_;  ///< but for copying
};

}  // namespace syncline::cli
