// SPDX-License-Identifier: Apache-2.0
// Files that several rounds gave other content, counted as one.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "syncline/copy.hpp"

namespace syncline::watch {

/// What spoils a tree goes from file to file, and each of them may be a round of its own: they count together
/// over limits::guarded_span, and for as long as something is held. By name, for a file that is written to
/// all the time is one file. New files, at most limits::guarded_created_max of them, do not count while they
/// grow.
class RecentChanges {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  /// As of RecentDeletes.
  void hold() { is_held_ = is_holding_ = true; }
  /// What the rounds before leave to this one. What is held stays so, however few others there are.
  void count_into(CopyOptions& options, Moment now);
  /// Of a round that goes on.
  void note(const ChangeEvent& event);
  /// After a round, also one that failed: whether changes are held, or whatever is, and whether a person had
  /// allowed them, which begins the count anew.
  struct Round {
    bool is_held = false;
    bool is_holding = false;
    bool is_approved = false;
  };
  void end_round(const Round& round, Moment now);

 private:
  struct Made {
    Moment when;
    std::string path;
    bool is_new;
  };

  std::shared_ptr<RecentFiles> files_ = std::make_shared<RecentFiles>();
  std::deque<Made> made_;
  std::vector<Made> in_round_;  ///< not counted yet: the round looks at those before it
  std::size_t created_in_round_ = 0;
  bool is_held_ = false;
  bool is_holding_ = false;
};

}  // namespace syncline::watch
