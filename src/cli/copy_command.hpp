// SPDX-License-Identifier: Apache-2.0
// The command `syncline copy`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/console.hpp"
#include "syncline/copy.hpp"

namespace syncline::cli {

using CopyFunction = std::function<CopyReport(const CopyOptions&, const CopyObserver&)>;

/// Runs the command behind `syncline copy ARGS`. `copy` does the work (syncline::copy but in
/// tests); `cancelled` is polled by it. Returns the exit code; everything to be said was said.
int run_copy(const std::vector<std::string>& args, Console& console, const CopyFunction& copy,
             const std::function<bool()>& cancelled);

/// The text of `syncline copy --help`.
std::string copy_help();

/// The text of `syncline --help`.
std::string general_help();

}  // namespace syncline::cli
