// SPDX-License-Identifier: Apache-2.0
// Where the events of a copy go: text, JSON records, a log file.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cli/console.hpp"
#include "cli/copy_command_line.hpp"
#include "cli/exit_codes.hpp"
#include "cli/live_area.hpp"
#include "syncline/copy.hpp"

namespace syncline::cli {

/// Receives what happens in one copy, from one thread at a time. Exactly one of summary() and
/// failure() comes last. Of a directory that is watched: in many, and where things stand between them.
class Output {
 public:
  virtual ~Output() = default;
  virtual void change(const ChangeEvent& event) = 0;
  virtual void error(const ErrorEvent& event) = 0;
  virtual void notice(const std::string& text) = 0;
  virtual void progress(const ProgressEvent& event) = 0;
  virtual void summary(const CopyReport& report) = 0;
  /// Where a watched directory stands: a word for programs and a sentence for people, which may be empty.
  virtual void standing(const std::string& word, const std::string& sentence) = 0;
  virtual void failure(const Failure& failure) = 0;
};

/// What the outputs of one pair of SRC and DST are told of it. Without: those of a copy that has the console
/// for itself.
struct OutputPlace {
  std::string source, destination;  ///< not empty: fields of every record
  std::string label;                ///< what lines begin with, escaped; empty: it is the only pair
  LiveArea* area = nullptr;         ///< of all pairs, for bars; nothing: one of its own
  std::size_t row = 0;              ///< in that
};

/// Names on standard output as rsync prints them, messages and progress on standard error.
std::unique_ptr<Output> text_output(Console& console, const OutputOptions& options, bool dry_run,
                                    const OutputPlace& place = {});

/// NDJSON on standard output (docs: syncline-copy(1), JSON RECORDS).
std::unique_ptr<Output> json_output(Console& console, const OutputPlace& place = {});

/// A line for each change, error and notice, and one for the end, each with the time, appended to
/// a file. Throws Error(errno) when the file cannot be opened.
std::unique_ptr<Output> log_output(Clock& clock, const std::string& path, const OutputPlace& place = {});

/// The same output for several threads. `mutex` lives longer, and is that of all which share a stream.
std::unique_ptr<Output> guarded(std::unique_ptr<Output> output, std::mutex& mutex);

using Outputs = std::vector<std::unique_ptr<Output>>;

/// Those that `options` ask for: text or JSON, and the log file. Throws as log_output().
Outputs make_outputs(Console& console, const OutputOptions& options, bool dry_run,
                     const OutputPlace& place = {});
/// Ends them, the last one first: it may have something to tell the first one.
void close_outputs(Outputs& outputs);
/// Tells all of them. `outputs` lives longer.
CopyObserver observer_for(const Outputs& outputs, const std::function<bool()>& cancelled);

/// Says once that the output did not get out, be it a full disk or a closed pipe; returns the exit code of
/// that where `code` is success.
int checked_output(Console& console, int code);

/// A change in one line, with names escaped: rsync's "%i %n%L" when `itemize`, else "%n%L".
std::string change_line(const ChangeEvent& event, bool itemize);

/// "LABEL: line", or "syncline: LABEL: line" of one that begins with the program's name; as it is without a
/// label.
std::string labelled(const OutputPlace& place, const std::string& line);

/// "syncline: SUBJECT: CAUSE; NEXT"
std::string failure_line(const Failure& failure);

/// "syncline: PATH: CAUSE (SIDE); NEXT"
std::string error_line(const ErrorEvent& event);

}  // namespace syncline::cli
