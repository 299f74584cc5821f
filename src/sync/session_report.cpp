// SPDX-License-Identifier: Apache-2.0
#include "sync/session_report.hpp"

#include <algorithm>
#include <utility>

namespace syncline::sync {

void count_guards(Counters& counters, std::uint64_t held_count, bool delete_limit_reached) {
  if (held_count != 0 && counters.worst_exit_code == 0) counters.worst_exit_code = 41;
  if (delete_limit_reached && counters.worst_exit_code == 0) counters.worst_exit_code = 25;
}

void add_to_report(CopyReport& report, Counters& counters, SenderResult result, const Tree& tree) {
  report.files_total = tree.file_count;
  report.bytes_total = tree.byte_count;
  report.files_changed += result.files_changed;
  report.files_deleted += result.files_deleted;
  report.files_renamed += result.files_renamed;
  report.bytes_changed += result.bytes_changed;
  report.disk_written_bytes += result.receiver_written_bytes;
  report.content_read_bytes += result.receiver_read_bytes;
  report.root = result.receiver_root.hex();
  report.is_alike = result.is_alike;
  report.deletions_held = result.deletions_held;
  report.changes_held = result.changes_held;
  report.held = std::move(result.held);
  report.mounts = std::move(result.mounts);
  report.missing_mount = std::move(result.missing_mount);
  count_guards(counters, report.deletions_held + report.changes_held, result.delete_limit_reached);
}

void prepare_another(Events& events, CopyOptions& options, const CopyReport& report) {
  if (options.max_delete) *options.max_delete -= std::min(*options.max_delete, report.files_deleted);
  options.recent_deletes += report.files_deleted;
  events.notice("DST is not as this run should have left it; it is compared once more, entry by entry");
}

}  // namespace syncline::sync
