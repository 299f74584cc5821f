// SPDX-License-Identifier: Apache-2.0
// All outputs of a command together.
#include <ostream>

#include "cli/report_output.hpp"

namespace syncline::cli {

Outputs make_outputs(Console& console, const OutputOptions& options, bool dry_run) {
  Outputs out;
  out.push_back(options.json ? json_output(console) : text_output(console, options, dry_run));
  if (options.log_file) out.push_back(log_output(console.clock, *options.log_file));
  return out;
}

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

int checked_output(Console& console, int code) {
  console.out.flush();
  if (console.out.good() || code != exit_code::success) return code;
  console.err << failure_line({"standard output", "cannot be written", "the copy itself is complete",
                               exit_code::file_io})
              << std::endl;
  return exit_code::file_io;
}

}  // namespace syncline::cli
