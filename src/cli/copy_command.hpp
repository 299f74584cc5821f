// SPDX-License-Identifier: Apache-2.0
// The command `syncline copy`.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/console.hpp"
#include "syncline/copy.hpp"

namespace syncline::cli {

class Output;

using CopyFunction = std::function<CopyReport(const CopyOptions&, const CopyObserver&)>;

/// Makes the output that --event-log asks for; `messages` is told when it cannot be written.
using MakeEventLog = std::function<std::unique_ptr<Output>(const CopyOptions&, Output& messages)>;

/// Runs the command behind `syncline copy ARGS`. `copy` does the work (syncline::copy but in
/// tests); `cancelled` is polled by it. Returns the exit code; everything to be said was said.
int run_copy(const std::vector<std::string>& args, Console& console, const CopyFunction& copy,
             const std::function<bool()>& cancelled, const MakeEventLog& make_event_log = {});

/// The text of `syncline copy --help`.
std::string copy_help();

/// The text of `syncline --help`.
std::string general_help();

}  // namespace syncline::cli
