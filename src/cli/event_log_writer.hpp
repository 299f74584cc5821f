// SPDX-License-Identifier: Apache-2.0
// Records on their way to the event log: gathered, written in time, and kept for a while when they cannot be.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/world.hpp"
#include "cli/event_log_file.hpp"
#include "cli/json_records.hpp"

namespace syncline::cli {

/// Never throws for what the file system says: the log must not stop what it tells of. For one thread at a
/// time.
class EventLogWriter {
 public:
  struct Hooks {
    /// Of the run, for the beginning of every file; `is_again` in all but the first.
    std::function<Json(bool is_again)> heading;
    std::function<void(const std::string&)> notice;  ///< for the person: once for each time that it fails
  };

  EventLogWriter(Clock& clock, EventLogFile file, std::string run_id, Hooks hooks);
  EventLogWriter(const EventLogWriter&) = delete;
  EventLogWriter& operator=(const EventLogWriter&) = delete;

  /// Writes the heading, before anything else is known.
  void start();
  /// With version, type, time and run in it.
  Json begin(const char* type) const;
  void add(const Json& record);
  /// Writes what has waited for limits::event_log_delay_max.
  void tick();
  void flush();
  /// Also to the disk.
  void flush_and_sync();

 private:
  bool write_pending();
  void failed(const std::exception& error);

  Clock& clock_;
  EventLogFile file_;
  std::string run_id_;
  Hooks hooks_;
  std::string pending_;
  std::uint64_t lost_ = 0;  ///< records that found no room in it
  std::chrono::steady_clock::time_point written_at_;
  bool is_failing_ = false;
};

}  // namespace syncline::cli
