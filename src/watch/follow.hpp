// SPDX-License-Identifier: Apache-2.0
// Keeps what was copied once in step from then on.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "base/limits.hpp"
#include "base/world.hpp"
#include "watch/settle.hpp"
#include "watch/tree_watch.hpp"

namespace syncline::watch {

/// What a copy came to.
struct Attempt {
  enum class Result {
    in_step,
    partly,  ///< single entries failed
    held,    ///< a guard keeps a part back until a person has looked
    failed,  ///< nothing could be done now; trying again may help
    ended,   ///< trying again does not help, or the person stopped it
  };
  Result result = Result::ended;
  int exit_code = 0;
};

/// Where things stand.
struct Standing {
  enum class State {
    copying,
    in_step,
    behind,   ///< some or all of it is tried again by itself
    holding,  ///< a guard keeps a part back
    blocked,  ///< the source is not there
  };
  State state = State::copying;
  std::optional<std::chrono::milliseconds> retry_in;  ///< where nothing has to happen first
  bool is_degraded = false;                           ///< not everything can be watched
};

struct FollowOptions {
  std::chrono::milliseconds rescan = limits::watch_rescan;
};

struct FollowHooks {
  std::function<Attempt()> copy;
  std::function<void(const Standing&)> tell;  ///< each time that it changes
  std::function<bool()> cancelled;
  /// Asked once a second between two copies: is there another reason for one?
  std::function<bool()> is_stirred = {};
};

/// Copies at once, then whenever something has changed and settled, whenever a failure may have passed, and
/// every `rescan` in any case. Returns the exit code of what ended it; 0 when that was the person, between
/// two copies.
int follow(Clock& clock, TreeWatch& tree, const FollowOptions& options, const FollowHooks& hooks);

}  // namespace syncline::watch
