// SPDX-License-Identifier: Apache-2.0
// The command `syncline serve`.
#pragma once

#include <string>
#include <vector>

#include "cli/console.hpp"

namespace syncline::cli {

/// Serves until a signal stops it (SIGHUP: reads the configuration again). Returns the exit code; the log
/// goes where the configuration says.
int run_serve(const std::vector<std::string>& args, Console& console);

}  // namespace syncline::cli
