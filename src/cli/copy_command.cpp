// SPDX-License-Identifier: Apache-2.0
// Parse, copy, report.
#include "cli/copy_command.hpp"

#include <algorithm>
#include <memory>
#include <ostream>

#include "base/error.hpp"
#include "cli/copy_command_line.hpp"
#include "cli/exit_codes.hpp"
#include "cli/report_output.hpp"

namespace syncline::cli {
namespace {

int copy_and_report(const CopyCommand& command, const Outputs& outputs, const CopyFunction& copy,
                    const std::function<bool()>& cancelled) {
  CopyReport report;
  try {
    report = copy(command.options, observer_for(outputs, cancelled));
  } catch (const std::exception& error) {
    auto failure = explain(error);
    // Where the engine was at that moment is no news to the person who stopped it.
    if (failure.code == exit_code::interrupted && cancelled()) failure.subject.clear();
    for (const auto& output : outputs) output->failure(failure);
    return failure.code;
  }
  for (const auto& output : outputs) output->summary(report);
  return report.exit_code;
}

void add_event_log(const CopyCommand& command, Outputs& outputs, const MakeEventLog& make_event_log) {
  if (command.options.dry_run)
    throw Error(Errc::usage,
                "--event-log does not go with --dry-run, which does nothing that could be noted");
  if (make_event_log) outputs.push_back(make_event_log(command.options, *outputs.front()));
}

}  // namespace

int run_copy(const std::vector<std::string>& args, Console& console, const CopyFunction& copy,
             const std::function<bool()>& cancelled, const MakeEventLog& make_event_log) {
  // Looked for by hand: a command line that cannot be understood is to be answered in JSON too.
  bool json = std::ranges::find(args, "--json") != args.end();
  CopyCommand command;
  Outputs outputs;
  try {
    command = parse_copy(args, console.in);
    if (command.help) {
      console.out << copy_help();
      return checked_output(console, exit_code::success);
    }
    if (!command.watch.named.empty())
      throw Error(Errc::usage, command.watch.named + " is an option of 'syncline watch'");
    json = command.output.json;
    outputs = make_outputs(console, command.output, command.options.dry_run);
    if (command.output.event_log) add_event_log(command, outputs, make_event_log);
  } catch (const std::exception& error) {
    auto failure = explain(error);
    // A file named by an option is no source: rsync calls this a file error too.
    if (failure.code == exit_code::selection) failure.code = exit_code::file_io;
    const auto output = json ? json_output(console) : text_output(console, {}, false);
    output->failure(failure);
    return failure.code;
  }
  return checked_output(console, copy_and_report(command, outputs, copy, cancelled));
}

}  // namespace syncline::cli
