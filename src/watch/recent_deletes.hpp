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

  /// As if the round before had held deletions: it did when this watch was ended, or a part of the source is
  /// gone from where it was mounted.
  void hold() { is_held_ = is_holding_ = true; }
  /// What the rounds before leave to this one. What is held stays so, however little else there is to delete.
  void count_into(CopyOptions& options, Moment now);
  /// After a round: what it deleted, whether a guard or another limit holds more of them, and whether a
  /// person had allowed them, which begins the count anew.
  struct Round {
    std::uint64_t deleted = 0;
    bool is_held = false;     ///< by the guard
    bool is_holding = false;  ///< by whatever
    bool is_approved = false;
  };
  void note(const Round& round, Moment now);

 private:
  std::deque<std::pair<Moment, std::uint64_t>> made_;
  bool is_held_ = false;
  bool is_holding_ = false;
};

}  // namespace syncline::watch
