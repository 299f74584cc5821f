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
  explicit JsonOutput(Console& console) : console_(console) {}

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
    console_.out.flush();
    console_.err << error_line(event) << std::endl;
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
    console_.out.flush();
    console_.err << failure_line(failure) << std::endl;
  }

 private:
  Json begin(const char* type) const { return begin_record(type, console_.clock.now_ns()); }
  void write(const Json& record) { console_.out << record_line(record) << '\n'; }

  Console& console_;
  std::optional<std::chrono::steady_clock::time_point> last_progress_;
};

}  // namespace

std::unique_ptr<Output> json_output(Console& console) { return std::make_unique<JsonOutput>(console); }

}  // namespace syncline::cli
