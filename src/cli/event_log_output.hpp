// SPDX-License-Identifier: Apache-2.0
// The event log as one of the outputs of a copy.
#pragma once

#include <memory>

#include "cli/console.hpp"
#include "cli/event_log_file.hpp"
#include "cli/report_output.hpp"

namespace syncline::cli {

struct EventLogRun {
  const char* command = "copy";
  fs::Fs& files = fs::linux_fs();
  EventLogBounds bounds = {};
};

/// Appends to the log in the state directory of `options` (docs/format/event-log.md), and tells `messages`,
/// which lives longer, when it cannot. Begins the run there, and ends it when destroyed. Throws Error(usage)
/// where there is no state directory.
std::unique_ptr<Output> event_log_output(Clock& clock, const CopyOptions& options, Output& messages,
                                         const EventLogRun& run);

}  // namespace syncline::cli
