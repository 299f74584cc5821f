// SPDX-License-Identifier: Apache-2.0
// The command `syncline config`.
#pragma once

#include <string>
#include <vector>

#include "cli/console.hpp"
#include "config/places.hpp"
#include "fs/fs.hpp"

namespace syncline::cli {

/// Where the command looks; a test puts its own in place.
struct ConfigWorld {
  fs::Fs& files;
  config::Environment environment;
};

/// Runs the command behind `syncline config ARGS`. Returns the exit code; everything to be said
/// was said: the configuration on console.out, problems on console.err, one a line.
int run_config(const std::vector<std::string>& args, Console& console, const ConfigWorld& world);
int run_config(const std::vector<std::string>& args, Console& console);

}  // namespace syncline::cli
