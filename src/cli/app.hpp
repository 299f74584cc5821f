// SPDX-License-Identifier: Apache-2.0
// Command lines by CLI11: what each command needs of it besides add_option() and add_flag().
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/console.hpp"

namespace syncline::cli {

/// Nobody but these functions makes, parses or prints a CLI::App: what is wrong is said in one way, and the
/// code behind it, of which CLI11 is one header, is in one file.
std::unique_ptr<CLI::App> new_app(const std::string& description, const std::string& name);

/// Lives as long as `app`.
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description);

/// `args` as they were typed. Throws Error(usage) that says what is wrong. For commands that have --help as a
/// flag of their own.
void parse_args(CLI::App& app, std::vector<std::string> args);

/// Nothing where they were parsed; else the exit code: help was asked for and printed, or what is wrong was
/// said.
std::optional<int> take_args(CLI::App& app, std::vector<std::string> args, Console& console);

}  // namespace syncline::cli
