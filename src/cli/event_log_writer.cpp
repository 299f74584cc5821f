// SPDX-License-Identifier: Apache-2.0
// Buffering, and what happens when the disk is full.
#include "cli/event_log_writer.hpp"

#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "cli/exit_codes.hpp"

namespace syncline::cli {

EventLogWriter::EventLogWriter(Clock& clock, EventLogFile file, std::string run_id, Hooks hooks)
    : clock_(clock),
      file_(std::move(file)),
      run_id_(std::move(run_id)),
      hooks_(std::move(hooks)),
      written_at_(clock.steady()) {}

void EventLogWriter::start() { write_pending(); }

Json EventLogWriter::begin(const char* type) const {
  auto record = begin_record(type, clock_.now_ns());
  record["run"] = run_id_;
  return record;
}

void EventLogWriter::add(const Json& record) {
  const auto line = record_line(record) + '\n';
  if (line.size() > limits::event_log_line_bytes_max ||
      pending_.size() + line.size() > limits::event_log_pending_bytes_max) {
    ++lost_;
  } else {
    pending_ += line;
  }
  if (pending_.size() >= limits::event_log_buffer_bytes && !is_failing_) flush();
  else tick();
}

void EventLogWriter::tick() {
  if (!pending_.empty() && clock_.steady() - written_at_ >= limits::event_log_delay_max) flush();
}

void EventLogWriter::flush() {
  if (pending_.empty() || !write_pending() || lost_ == 0) return;
  auto record = begin("notice");
  record["text"] = std::to_string(lost_) + " records before this one could not be kept";
  record["records_lost"] = std::exchange(lost_, 0);
  pending_ = record_line(record) + '\n';
  write_pending();
}

void EventLogWriter::flush_and_sync() {
  flush();
  if (is_failing_) return;
  try {
    file_.sync();
  } catch (const std::exception& error) {
    failed(error);
  }
}

/// Whether all of it is written.
bool EventLogWriter::write_pending() {
  written_at_ = clock_.steady();
  const auto heading = [&](bool is_again) { return record_line(hooks_.heading(is_again)) + '\n'; };
  try {
    pending_.erase(0, file_.append(pending_, heading));
    if (!pending_.empty()) throw Error(ENOSPC, "write the log");
    is_failing_ = false;
  } catch (const std::exception& error) {
    failed(error);
  }
  return !is_failing_;
}

void EventLogWriter::failed(const std::exception& error) {
  if (std::exchange(is_failing_, true) || !hooks_.notice) return;
  const auto failure = explain(error);
  hooks_.notice("the log of events cannot be written (" +
                (failure.subject.empty() ? "" : failure.subject + ": ") + failure.cause +
                "); the copy goes on, and so does the log once there is a way");
}

}  // namespace syncline::cli
