// SPDX-License-Identifier: Apache-2.0
// The command `syncline check-ignore`.
#pragma once

#include <string>
#include <vector>

#include "cli/console.hpp"
#include "sync/replica.hpp"

namespace syncline::cli {

/// Runs the command behind `syncline check-ignore ARGS`. Returns the exit code, which is one of git's: 0, 1
/// or 128; everything to be said was said.
int run_check_ignore(const std::vector<std::string>& args, Console& console, const sync::World& world = {});

}  // namespace syncline::cli
