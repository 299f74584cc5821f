// SPDX-License-Identifier: Apache-2.0
// The command that a person wants to be run after what changed was copied.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "base/limits.hpp"
#include "cli/report_output.hpp"

namespace syncline::cli {

struct HookPlan {
  std::string command;           ///< for /bin/sh
  bool null_ended = false;       ///< NUL bytes behind the paths on its standard input, not newlines
  std::string source = {};       ///< $SYNCLINE_SOURCE
  std::string destination = {};  ///< $SYNCLINE_DESTINATION
};

struct HookBounds {
  std::size_t paths_bytes_max = limits::hook_paths_bytes_max;
  std::chrono::milliseconds slow = limits::hook_slow;
  std::chrono::milliseconds end = limits::hook_end;
};

/// Runs the command in a thread of its own, one at a time: what is handed over meanwhile is gathered for the
/// next one. That it fails or takes long is told, and nothing more comes of it.
class WatchHook {
 public:
  /// `outputs` lives longer and may be told from any thread.
  WatchHook(HookPlan plan, const Outputs& outputs, HookBounds bounds = {});
  /// Waits for the command, and for that of what waits, for HookBounds::end together; one that runs then gets
  /// SIGTERM and, two seconds later, SIGKILL, with all in its process group.
  ~WatchHook();
  WatchHook(const WatchHook&) = delete;
  WatchHook& operator=(const WatchHook&) = delete;

  // Of the thread that copies.
  /// One path of the round, relative to the source.
  void add(const std::string& path);
  /// The command may run with what was added, if anything was.
  void end_round(std::uint64_t round);

 private:
  using Moment = std::chrono::steady_clock::time_point;
  /// What one run of the command is told.
  struct Batch {
    std::set<std::string> paths;
    std::size_t bytes = 0;
    bool is_incomplete = false;  ///< there are others, which found no room or have no place on a line
    std::uint64_t round = 0;
    bool has_news() const { return is_incomplete || !paths.empty(); }
  };

  void put(Batch& batch, const std::string& path) const;
  void run();
  void run_command(const Batch& batch);
  /// When the time at the end is over; nothing before the end.
  std::optional<Moment> deadline() const;
  void tell(const std::string& cause) const;

  const HookPlan plan_;
  const Outputs& outputs_;
  const HookBounds bounds_;
  Batch gathering_;  ///< of the thread that copies
  mutable std::mutex mutex_;
  std::condition_variable news_;
  Batch waiting_;
  std::optional<Moment> deadline_;
  std::thread thread_;
};

}  // namespace syncline::cli
