// SPDX-License-Identifier: Apache-2.0
// The command `syncline manifest`.
#pragma once

#include <string>
#include <vector>

#include "cli/console.hpp"

namespace syncline::cli {

/// Runs the command behind `syncline manifest ARGS`. Returns the exit code; everything to be said
/// was said: data on console.out, messages on console.err.
int run_manifest(const std::vector<std::string>& args, Console& console);

}  // namespace syncline::cli
