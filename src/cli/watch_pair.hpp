// SPDX-License-Identifier: Apache-2.0
// One SRC that is followed to one DST, in a thread of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/console.hpp"
#include "cli/option_values.hpp"
#include "cli/report_output.hpp"
#include "cli/watch_control.hpp"
#include "syncline/copy.hpp"
#include "watch/follow.hpp"

namespace syncline::cli {

class WatchHook;

/// What is followed, and how.
struct WatchPlan {
  CopyOptions options;  ///< with one source
  OutputOptions output;
  watch::FollowOptions follow;
  WatchWith watch_with = WatchWith::automatic;
  std::optional<std::string> hook;  ///< a command, see watch_hook.hpp
  bool hook_null = false;
  std::string label;  ///< of its lines, escaped; empty: it is the only one
};

class WatchPair {
 public:
  struct Hooks {
    std::function<bool()> cancelled;
    std::function<void()> on_news;  ///< from any thread: it stands otherwise than before, or has ended. As of
                                    ///< Board::listen()
  };
  /// Nothing is done before offer() and start().
  WatchPair(WatchPlan plan, Outputs outputs, Clock& clock, Hooks hooks);
  /// Waits for the end, which `cancelled` and wake() bring about.
  ~WatchPair();
  WatchPair(const WatchPair&) = delete;
  WatchPair& operator=(const WatchPair&) = delete;

  const WatchPlan& plan() const { return plan_; }
  /// Others can ask for it from now on. Before any pair is started, so that who finds one finds all.
  void offer();
  void start();

  // From any thread.
  /// `cancelled` may be true by now.
  void wake();
  /// The exit code, once it has ended.
  std::optional<int> ended() const;
  /// Its SRC is watched and its first copy has begun, or it has ended.
  bool has_begun() const { return has_begun_; }
  /// When something was copied the last time.
  std::optional<std::int64_t> changed_ns() const;
  /// Nothing before it has one and after it has ended.
  std::optional<watch::BoardView> view() const;

 private:
  class Shown;
  int run();
  std::unique_ptr<WatchHook> make_hook() const;
  int follow(WatchControl& control);

  const WatchPlan plan_;
  Outputs outputs_;
  Clock& clock_;
  const Hooks hooks_;
  mutable std::mutex mutex_;
  std::unique_ptr<WatchControl> offered_;        ///< before it runs
  WatchControl* control_ = nullptr;              ///< while it runs
  std::unique_ptr<WatchControl> ended_control_;  ///< after an end that nobody has wished for
  std::optional<int> code_;
  std::atomic<bool> has_begun_ = false;
  std::atomic<std::int64_t> changed_ns_ = 0;  ///< 0: never
  std::thread thread_;
};

}  // namespace syncline::cli
