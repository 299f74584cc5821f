// SPDX-License-Identifier: Apache-2.0
// The command `syncline watch`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/console.hpp"
#include "cli/copy_command.hpp"

namespace syncline::cli {

/// Runs the command behind `syncline watch ARGS`, until `cancelled` or until going on makes no sense. Returns
/// the exit code; everything to be said was said.
int run_watch(const std::vector<std::string>& args, Console& console, const std::function<bool()>& cancelled);

/// The text of `syncline watch --help`.
std::string watch_help();

}  // namespace syncline::cli
