// SPDX-License-Identifier: Apache-2.0
// From the first argument to a command.
#include "cli/dispatch.hpp"

#include <algorithm>
#include <array>
#include <ostream>

#include "base/error.hpp"
#include "cli/copy_command.hpp"
#include "cli/exit_codes.hpp"
#include "cli/report_output.hpp"
#include "syncline/version.hpp"

namespace syncline::cli {
namespace {

constexpr auto planned = std::to_array<std::string_view>(
    {"sync", "link", "monitor", "plan", "apply", "conflicts", "history", "restore", "undo", "verify"});

int refuse(Console& console, const std::string& cause, const std::string& next) {
  console.err << failure_line({"", cause, next, exit_code::usage}) << std::endl;
  return exit_code::usage;
}

bool means_copy(const std::string& first) {
  return first.starts_with('-') || first.find_first_of("/:") != first.npos;
}

}  // namespace

int dispatch(const std::vector<std::string>& args, Console& console, const Commands& commands) {
  if (args.empty()) {
    console.err << general_help();
    return exit_code::usage;
  }
  const auto& first = args.front();
  const bool alone = args.size() == 1;
  if (first == "--help" || first == "help" || (first == "-h" && alone)) {
    console.out << general_help() << std::flush;
    return exit_code::success;
  }
  if (first == "--version" || (first == "-V" && alone)) {
    console.out << "syncline " SYNCLINE_VERSION "\n" << std::flush;
    return exit_code::success;
  }
  const std::vector<std::string> rest(args.begin() + 1, args.end());
  if (first == "copy") return commands.copy(rest);
  if (first == "watch") return commands.watch(rest);
  if (first == "status") return commands.status(rest);
  if (first == "wait") return commands.wait(rest);
  if (first == "why") return commands.why(rest);
  if (first == "approve") return commands.approve(rest);
  if (first == "log") return commands.log(rest);
  if (first == "check-ignore") return commands.check_ignore(rest);
  if (first == "manifest") return commands.manifest(rest);
  if (first == "config") return commands.config(rest);
  if (first == "serve") return commands.serve(rest);
  if (first == "id") return commands.id(rest);
  if (first == "pair") return commands.pair(rest);
  if (first == "grants") return commands.grants(rest);
  if (means_copy(first)) return commands.copy(args);
  if (std::ranges::find(planned, first) != planned.end())
    return refuse(console, "'" + first + "' is not in this version", "see 'syncline --help'");
  return refuse(console, "unknown command '" + escape_name(first) + "'",
                "to copy a path without a slash, write 'syncline copy " + escape_name(first) + " DST'");
}

}  // namespace syncline::cli
