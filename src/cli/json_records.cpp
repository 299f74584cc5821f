// SPDX-License-Identifier: Apache-2.0
// The fields of each record.
#include "cli/json_records.hpp"

#include "base/text.hpp"
#include "cli/numbers.hpp"

namespace syncline::cli {
namespace {

std::string text_at(const Json& record, const std::string& key) {
  const auto found = record.find(key);
  return found != record.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

Json begin_record(const char* type, std::int64_t now_ns) {
  return {{"v", record_version}, {"type", type}, {"ts", format_moment(now_ns)}};
}

void put_name(Json& record, const std::string& key, const std::string& raw) {
  record[key] = raw;
  if (!is_utf8(raw)) record[key + "_bytes"] = base64(raw);
}

std::string get_name(const Json& record, const std::string& key) {
  const auto exact = from_base64(text_at(record, key + "_bytes"));
  return exact && !exact->empty() ? *exact : text_at(record, key);
}

void put_change(Json& record, const ChangeEvent& event) {
  record["itemized"] = event.itemized;
  put_name(record, "path", event.path);
  if (!event.link_target.empty()) put_name(record, "link_target", event.link_target);
  if (!event.renamed_from.empty()) put_name(record, "renamed_from", event.renamed_from);
  if (!event.kept_as.empty()) put_name(record, "kept_as", event.kept_as);
  record["edited_in_destination"] = event.edited_in_destination;
}

void put_error(Json& record, const ErrorEvent& event) {
  put_name(record, "path", event.path);
  record["side"] = event.side;
  record["cause"] = event.cause;
  record["next"] = event.next;
  record["exit_code"] = event.exit_code;
}

void put_summary(Json& record, const CopyReport& report) {
  record["sent_bytes"] = report.sent_bytes;
  record["received_bytes"] = report.received_bytes;
  record["files_total"] = report.files_total;
  record["files_changed"] = report.files_changed;
  record["files_deleted"] = report.files_deleted;
  record["files_renamed"] = report.files_renamed;
  record["deletions_held"] = report.deletions_held;
  record["changes_held"] = report.changes_held;
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
}

std::string record_line(const Json& record) {
  return record.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace syncline::cli
