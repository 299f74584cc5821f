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

using Outputs = std::vector<std::unique_ptr<Output>>;

CopyObserver observer_for(const Outputs& outputs, const std::function<bool()>& cancelled) {
  CopyObserver observer;
  observer.on_change = [&](const ChangeEvent& event) {
    for (const auto& output : outputs) output->change(event);
  };
  observer.on_error = [&](const ErrorEvent& event) {
    for (const auto& output : outputs) output->error(event);
  };
  observer.on_progress = [&](const ProgressEvent& event) {
    for (const auto& output : outputs) output->progress(event);
  };
  observer.on_notice = [&](const std::string& text) {
    for (const auto& output : outputs) output->notice(text);
  };
  observer.cancelled = cancelled;
  return observer;
}

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

/// Says once that the output did not get out, be it a full disk or a closed pipe.
int checked_output(Console& console, int code) {
  console.out.flush();
  if (console.out.good() || code != exit_code::success) return code;
  console.err << failure_line({"standard output", "cannot be written", "the copy itself is complete",
                               exit_code::file_io})
              << std::endl;
  return exit_code::file_io;
}

}  // namespace

int run_copy(const std::vector<std::string>& args, Console& console, const CopyFunction& copy,
             const std::function<bool()>& cancelled) {
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
    json = command.output.json;
    if (json) outputs.push_back(json_output(console));
    else outputs.push_back(text_output(console, command.output, command.options.dry_run));
    if (command.output.log_file) outputs.push_back(log_output(console.clock, *command.output.log_file));
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
