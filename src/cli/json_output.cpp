// SPDX-License-Identifier: Apache-2.0
// Output for programs: one JSON object a line, version 1.
#include <chrono>
#include <optional>
#include <ostream>

#include "cli/json_records.hpp"
#include "cli/progress.hpp"
#include "cli/report_output.hpp"

namespace syncline::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto progress_interval = 1s;

class JsonOutput final : public Output {
 public:
  JsonOutput(Console& console, const OutputPlace& place) : console_(console), place_(place) {}

  void change(const ChangeEvent& event) override {
    auto record = begin("change");
    put_change(record, event);
    write(record);
  }
  void error(const ErrorEvent& event) override {
    auto record = begin("error");
    put_error(record, event);
    record["fatal"] = false;
    write(record);
    complain(error_line(event));
  }
  void notice(const std::string& text) override {
    auto record = begin("notice");
    record["text"] = text;
    write(record);
    console_.out.flush();
  }
  void progress(const ProgressEvent& event) override {
    const auto now = console_.clock.steady();
    if (last_progress_ && now - *last_progress_ < progress_interval) return;
    last_progress_ = now;
    auto record = begin("progress");
    record["phase"] = phase_name(event.phase);
    record["files_scanned"] = event.files_scanned;
    record["files_done"] = event.files_done;
    record["files_total"] = event.files_total;
    record["bytes_done"] = event.bytes_done;
    record["bytes_total"] = event.bytes_total;
    record["sent_bytes"] = event.sent_bytes;
    record["matched_bytes"] = event.matched_bytes;
    write(record);
    console_.out.flush();
  }
  void summary(const CopyReport& report) override {
    auto record = begin("summary");
    put_summary(record, report);
    write(record);
    console_.out.flush();
  }
  void standing(const std::string& word, const std::string& sentence) override {
    auto record = begin("standing");
    record["standing"] = word;
    record["text"] = sentence;
    write(record);
    console_.out.flush();
  }
  void failure(const Failure& failure) override {
    auto record = begin("error");
    put_error(record, {failure.subject, "", failure.cause, failure.next, failure.code});
    record["fatal"] = true;
    write(record);
    complain(failure_line(failure));
  }

 private:
  Json begin(const char* type) const {
    auto record = begin_record(type, console_.clock.now_ns());
    if (!place_.source.empty()) put_name(record, "source", place_.source);
    if (!place_.destination.empty()) put_name(record, "destination", place_.destination);
    return record;
  }
  void write(const Json& record) { console_.out << record_line(record) << '\n'; }

  /// What goes to standard error is for people.
  void complain(const std::string& line) {
    console_.out.flush();
    console_.err << labelled(place_, line) << std::endl;
  }

  Console& console_;
  const OutputPlace place_;
  std::optional<std::chrono::steady_clock::time_point> last_progress_;
};

}  // namespace

std::unique_ptr<Output> json_output(Console& console, const OutputPlace& place) {
  return std::make_unique<JsonOutput>(console, place);
}

}  // namespace syncline::cli
