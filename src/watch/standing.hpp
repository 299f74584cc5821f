// SPDX-License-Identifier: Apache-2.0
// What a copy came to, and where things stand after it.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace syncline::watch {

/// What a copy came to.
struct Attempt {
  enum class Result {
    in_step,
    partly,   ///< single entries failed
    held,     ///< a guard keeps a part back until a person has looked
    failed,   ///< nothing could be done now; trying again may help
    blocked,  ///< the source is not the directory that it was
    ended,    ///< trying again does not help, or the person stopped it
  };
  Result result = Result::ended;
  int exit_code = 0;
  bool is_about_source = false;  ///< of a failure: a change there may mend it
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
  bool is_away = false;  ///< blocked: nothing is there that could be taken for what it was
  bool operator==(const Standing&) const = default;
};

/// For programs: "in-step".
constexpr std::string_view state_word(Standing::State state) {
  switch (state) {
    case Standing::State::copying: return "copying";
    case Standing::State::in_step: return "in-step";
    case Standing::State::behind: return "behind";
    case Standing::State::holding: return "holding";
    case Standing::State::blocked: return "blocked";
  }
  return "";
}

}  // namespace syncline::watch
