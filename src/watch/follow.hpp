// SPDX-License-Identifier: Apache-2.0
// Keeps what was copied once in step from then on.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "base/limits.hpp"
#include "base/world.hpp"
#include "watch/board.hpp"
#include "watch/settle.hpp"
#include "watch/source_watch.hpp"
#include "watch/standing.hpp"

namespace syncline::watch {

struct FollowOptions {
  std::chrono::milliseconds rescan = limits::watch_rescan;
};

struct FollowHooks {
  std::function<Attempt()> copy;
  std::function<void(const Standing&)> tell;  ///< each time that it changes
  std::function<bool()> cancelled;
  /// Asked once a second between two copies: is there another reason for one?
  std::function<bool()> is_stirred = {};
  std::function<void()> on_overflow = {};  ///< events were lost; once until a copy has begun after that
  Board* board = nullptr;  ///< where it writes down what it does, and looks for what is asked of it
};

/// Copies at once, then whenever something has changed and settled, whenever a failure may have passed,
/// every `rescan` in any case, and when a round is asked for on the board. Returns the exit code of what
/// ended it; 0 when that was the person, between two copies.
int follow(Clock& clock, SourceWatch& source, const FollowOptions& options, const FollowHooks& hooks);

}  // namespace syncline::watch
