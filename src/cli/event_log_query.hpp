// SPDX-License-Identifier: Apache-2.0
// Which records of the event log answer a question.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/event_log_places.hpp"
#include "cli/json_records.hpp"

namespace syncline::cli {

struct EventLogQuery {
  std::optional<std::int64_t> since_ns, until_ns;  ///< both inclusive
  std::string run;                                 ///< the beginning of a run's id; empty: any
  bool errors = false;                             ///< nothing else
  std::vector<std::string> paths;                  ///< as typed; none: everything
};

/// Sees every record in order and says whether it is asked for.
class EventLogFilter {
 public:
  /// Paths are resolved now. `files` is not kept.
  EventLogFilter(fs::Fs& files, EventLogQuery query);

  bool wants(const Json& record);

 private:
  struct Wanted {
    std::vector<std::string> names;  ///< that the records may have
    std::set<std::string> places;    ///< absolute
  };
  void note_run(const std::string& id, const Json& run_began);
  bool is_about(const Json& record, const std::string& wanted) const;
  bool is_about_wanted(const Json& record) const;

  EventLogQuery query_;
  Wanted wanted_;
  /// What places are called in the records of a run; of the latest limits::event_log_runs_max.
  std::map<std::string, std::vector<std::string>> names_of_run_;
  std::deque<std::string> runs_;
};

}  // namespace syncline::cli
