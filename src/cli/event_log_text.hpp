// SPDX-License-Identifier: Apache-2.0
// Records of the event log as a person reads them.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "cli/json_records.hpp"

namespace syncline::cli {

/// "TIME  RUN  WHAT  ...", names escaped, on one line without its end.
std::string event_log_text(const Json& record);

/// Remembers what runs are about, to be told in front of the first of their records that is shown.
class EventLogRuns {
 public:
  /// Of every record, in order.
  void note(const Json& record);
  /// The line of the run of `record`, the first time; empty where it is told or not known.
  std::string take_line(const Json& record);

 private:
  std::map<std::string, std::string> lines_;  ///< by run; of the latest limits::event_log_runs_max
  std::deque<std::string> runs_;
};

}  // namespace syncline::cli
