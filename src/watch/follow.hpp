// SPDX-License-Identifier: Apache-2.0
// Keeps what was copied once in step from then on.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/world.hpp"
#include "watch/board.hpp"
#include "watch/settle.hpp"
#include "watch/standing.hpp"
#include "watch/tree_watch.hpp"

namespace syncline::watch {

struct FollowOptions {
  std::string root;  ///< the source's directory
  std::chrono::milliseconds rescan = std::chrono::hours(1);
};

struct FollowHooks {
  std::function<Attempt()> copy;
  std::function<void(const Standing&)> tell;  ///< each time that it changes
  std::function<bool()> cancelled;
  Board* board = nullptr;  ///< where it writes down what it does, and looks for what is asked of it
};

/// Copies at once, then whenever something has changed and settled, whenever a failure may have passed,
/// every `rescan` in any case, and when a round is asked for on the board. Returns the exit code of what
/// ended it; 0 when that was the person, between two copies. Throws Error where the root cannot be watched.
int follow(fs::Fs& files, Clock& clock, std::unique_ptr<fs::DirWatch> events, const FollowOptions& options,
           const FollowHooks& hooks);

}  // namespace syncline::watch
