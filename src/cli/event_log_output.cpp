// SPDX-License-Identifier: Apache-2.0
// From events to records of the log.
#include "cli/event_log_output.hpp"

#include <unistd.h>

#include <array>

#include "cli/event_log_places.hpp"
#include "cli/event_log_writer.hpp"
#include "cli/numbers.hpp"
#include "sync/places.hpp"
#include "syncline/version.hpp"

namespace syncline::cli {
namespace {

std::string new_run_id() {
  std::array<std::byte, 8> random{};
  system_random().fill(random);
  std::string out;
  for (const auto byte : random)
    for (const int shift : {4, 0}) out += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> shift & 15];
  return out;
}

class EventLogOutput final : public Output {
 public:
  EventLogOutput(Clock& clock, const CopyOptions& options, Output& messages, const EventLogRun& run)
      : begun_(format_moment(clock.now_ns())),
        is_durable_(options.durability != Durable::none),
        log_(clock, {run.files, event_log_directory(sync::state_directory(options)), run.bounds},
             new_run_id(),
             {[this](bool is_again) { return heading(is_again); },
              [&messages](const std::string& text) { messages.notice(text); }}) {
    put_places(run_, run.files, options);
    command_ = run.command;
    log_.start();
  }
  EventLogOutput(const EventLogOutput&) = delete;
  EventLogOutput& operator=(const EventLogOutput&) = delete;
  ~EventLogOutput() override {
    try {
      log_.add(log_.begin("run_ended"));
      log_.flush();
    } catch (const std::exception&) {
      // Out of memory: the run looks like one that was killed.
    }
  }

  void change(const ChangeEvent& event) override {
    auto record = log_.begin("change");
    put_change(record, event);
    log_.add(record);
  }
  void error(const ErrorEvent& event) override {
    auto record = log_.begin("error");
    put_error(record, event);
    log_.add(record);
    log_.flush();
  }
  void notice(const std::string& text) override {
    auto record = log_.begin("notice");
    record["text"] = text;
    log_.add(record);
  }
  /// Comes several times a second during a copy.
  void progress(const ProgressEvent&) override { log_.tick(); }
  void summary(const CopyReport& report) override {
    auto record = log_.begin("summary");
    put_summary(record, report);
    log_.add(record);
    end_round();
  }
  void standing(const std::string& word, const std::string& sentence) override {
    auto record = log_.begin("standing");
    record["standing"] = word;
    record["text"] = sentence;
    log_.add(record);
    log_.flush();
  }
  void failure(const Failure& failure) override {
    auto record = log_.begin("failure");
    record["subject"] = failure.subject;
    record["cause"] = failure.cause;
    record["next"] = failure.next;
    record["exit_code"] = failure.code;
    log_.add(record);
    end_round();
  }

 private:
  void end_round() { is_durable_ ? log_.flush_and_sync() : log_.flush(); }

  Json heading(bool is_again) const {
    auto record = log_.begin("run_began");
    record["command"] = command_;
    record["began"] = begun_;
    if (is_again) record["again"] = true;
    record["pid"] = ::getpid();
    record["version"] = SYNCLINE_VERSION;
    record.update(run_);
    return record;
  }

  std::string begun_;
  bool is_durable_;
  Json run_ = Json::object();
  std::string command_;
  EventLogWriter log_;
};

}  // namespace

std::unique_ptr<Output> event_log_output(Clock& clock, const CopyOptions& options, Output& messages,
                                         const EventLogRun& run) {
  return std::make_unique<EventLogOutput>(clock, options, messages, run);
}

}  // namespace syncline::cli
