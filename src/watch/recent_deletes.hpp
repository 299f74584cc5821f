// SPDX-License-Identifier: Apache-2.0
// Deletions of several rounds, counted as one.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <utility>

#include "syncline/copy.hpp"

namespace syncline::watch {

/// A tree that is removed slowly is removed in many rounds: the limits of one copy count over
/// limits::guarded_span, and for as long as they hold something back.
class RecentDeletes {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  /// What the rounds before leave to this one.
  void count_into(CopyOptions& options, Moment now);
  /// After a round: what it deleted, whether a limit holds more of them, and whether a person had allowed
  /// them, which begins the count anew.
  void note(std::uint64_t deleted, bool is_holding, bool is_approved, Moment now);

 private:
  std::deque<std::pair<Moment, std::uint64_t>> made_;
  bool is_holding_ = false;
};

}  // namespace syncline::watch
