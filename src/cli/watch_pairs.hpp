// SPDX-License-Identifier: Apache-2.0
// All pairs that one process follows.
#pragma once

#include <functional>
#include <vector>

#include "cli/console.hpp"
#include "cli/watch_pair.hpp"

namespace syncline::cli {

/// Follows each of them by itself, until `cancelled` or until all have ended. Returns the exit code of the
/// first that did not end well; everything to be said was said. Throws Error, before anything is started,
/// where an output cannot be opened.
int follow_all(std::vector<WatchPlan> plans, Console& console, const std::function<bool()>& cancelled);

}  // namespace syncline::cli
