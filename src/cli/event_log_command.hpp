// SPDX-License-Identifier: Apache-2.0
// The command `syncline log`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/console.hpp"
#include "fs/fs.hpp"

namespace syncline::cli {

/// Runs the command behind `syncline log ARGS`; with -f until `cancelled`. Returns the exit code; everything
/// to be said was said: records on console.out, messages on console.err.
int run_log(const std::vector<std::string>& args, Console& console, const std::function<bool()>& cancelled,
            fs::Fs& files = fs::linux_fs());

/// The text of `syncline log --help`.
std::string log_help();

}  // namespace syncline::cli
