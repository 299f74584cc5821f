// SPDX-License-Identifier: Apache-2.0
// Output for programs: one JSON object a line, version 1.
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "base/text.hpp"
#include "cli/numbers.hpp"
#include "cli/progress.hpp"
#include "cli/report_output.hpp"

namespace syncline::cli {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

constexpr int schema_version = 1;
constexpr auto progress_interval = 1s;

/// A name need not be UTF-8 but JSON must be: then the exact bytes follow in base 64.
void put_name(Json& record, const std::string& key, const std::string& raw) {
  record[key] = raw;
  if (!is_utf8(raw)) record[key + "_bytes"] = base64(raw);
}

class JsonOutput final : public Output {
 public:
  explicit JsonOutput(Console& console) : console_(console) {}

  void change(const ChangeEvent& event) override {
    auto record = begin("change");
    record["itemized"] = event.itemized;
    put_name(record, "path", event.path);
    if (!event.link_target.empty()) put_name(record, "link_target", event.link_target);
    if (!event.renamed_from.empty()) put_name(record, "renamed_from", event.renamed_from);
    record["edited_in_destination"] = event.edited_in_destination;
    write(record);
  }
  void error(const ErrorEvent& event) override {
    auto record = begin("error");
    put_name(record, "path", event.path);
    record["side"] = event.side;
    record["cause"] = event.cause;
    record["next"] = event.next;
    record["exit_code"] = event.exit_code;
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
    record["sent_bytes"] = report.sent_bytes;
    record["received_bytes"] = report.received_bytes;
    record["files_total"] = report.files_total;
    record["files_changed"] = report.files_changed;
    record["files_deleted"] = report.files_deleted;
    record["files_renamed"] = report.files_renamed;
    record["deletions_held"] = report.deletions_held;
    record["bytes_total"] = report.bytes_total;
    record["bytes_changed"] = report.bytes_changed;
    record["bytes_matched"] = report.bytes_matched;
    record["bytes_literal"] = report.bytes_literal;
    record["disk_written_bytes"] = report.disk_written_bytes;
    record["content_read_bytes"] = report.content_read_bytes;
    record["errors"] = report.errors;
    record["seconds"] = report.seconds;
    record["root"] = report.root;
    record["in_step"] = report.in_step;
    record["exit_code"] = report.exit_code;
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
    put_name(record, "path", failure.subject);
    record["side"] = "";
    record["cause"] = failure.cause;
    record["next"] = failure.next;
    record["exit_code"] = failure.code;
    record["fatal"] = true;
    write(record);
    console_.out.flush();
    console_.err << failure_line(failure) << std::endl;
  }

 private:
  Json begin(const char* type) const {
    return {{"v", schema_version}, {"type", type}, {"ts", format_moment(console_.clock.now_ns())}};
  }
  void write(const Json& record) {
    console_.out << record.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
  }

  Console& console_;
  std::optional<std::chrono::steady_clock::time_point> last_progress_;
};

}  // namespace

std::unique_ptr<Output> json_output(Console& console) { return std::make_unique<JsonOutput>(console); }

}  // namespace syncline::cli
