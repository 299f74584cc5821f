// SPDX-License-Identifier: Apache-2.0
// CopyOptions to wire::PullOptions and back.
#include "sync/pull_options.hpp"

#include <array>
#include <memory>
#include <unordered_set>
#include <utility>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace syncline::sync {
namespace {

struct Switch {
  wire::PullFlag flag;
  bool CopyOptions::*option;
};

constexpr auto switches = std::to_array<Switch>({
    {wire::pull_recursive, &CopyOptions::recursive},
    {wire::pull_links, &CopyOptions::links},
    {wire::pull_perms, &CopyOptions::perms},
    {wire::pull_times, &CopyOptions::times},
    {wire::pull_group, &CopyOptions::group},
    {wire::pull_owner, &CopyOptions::owner},
    {wire::pull_devices, &CopyOptions::devices},
    {wire::pull_hard_links, &CopyOptions::hard_links},
    {wire::pull_acls, &CopyOptions::acls},
    {wire::pull_xattrs, &CopyOptions::xattrs},
    {wire::pull_sparse, &CopyOptions::sparse},
    {wire::pull_update_only, &CopyOptions::update_only},
    {wire::pull_checksum, &CopyOptions::checksum},
    {wire::pull_delete, &CopyOptions::delete_extra},
    {wire::pull_gitignore, &CopyOptions::gitignore},
    {wire::pull_numeric_ids, &CopyOptions::numeric_ids},
    {wire::pull_synclineignore, &CopyOptions::synclineignore},
});

/// As many of them as fit; how many do not.
std::uint64_t take_names(std::vector<std::string>& out, const std::unordered_set<std::string>& names,
                         std::size_t& bytes) {
  for (const auto& name : names) {
    if (bytes + name.size() > limits::round_names_bytes_max) break;
    bytes += name.size();
    out.push_back(name);
  }
  return names.size() - out.size();
}

void take_round(CopyOptions& out, const wire::PullRound& round) {
  out.guard_deletes = round.guards_deletes;
  out.guard_changes = round.guards_changes;
  out.recent_deletes = round.deleted;
  auto files = std::make_shared<RecentFiles>();
  files->changed.insert(round.changed.begin(), round.changed.end());
  files->changed_more = round.changed_more;
  files->created.insert(round.created.begin(), round.created.end());
  out.recent_files = std::move(files);
}

}  // namespace

wire::PullRound pull_round(const CopyOptions& options, const wire::SourceId& source) {
  wire::PullRound out;
  out.guards_deletes = options.guard_deletes;
  out.guards_changes = options.guard_changes;
  out.deleted = options.recent_deletes;
  out.source = source;
  if (options.mounts) out.mounts = *options.mounts;
  if (!options.recent_files) return out;
  std::size_t bytes = 0;
  out.changed_more =
      options.recent_files->changed_more + take_names(out.changed, options.recent_files->changed, bytes);
  take_names(out.created, options.recent_files->created, bytes);  // what is not named counts
  return out;
}

void check_round(const wire::PullRound& round) {
  std::size_t bytes = 0;
  for (const auto* list : {&round.changed, &round.created})
    for (const auto& name : *list) bytes += name.size();
  if (bytes > limits::round_names_bytes_max) throw Error(Errc::limit_exceeded, "names of recent files");
  bytes = 0;
  for (const auto& path : round.mounts) bytes += path.size();
  if (bytes > limits::mount_names_bytes_max) throw Error(Errc::limit_exceeded, "paths of mounts");
}

wire::PullOptions pull_options(const CopyOptions& options, const IdentityRules& owners, std::int64_t now_ns) {
  wire::PullOptions out;
  for (const auto& one : switches)
    if (options.*one.option) out.flags |= one.flag;
  if (options.drift == Drift::keep) out.flags |= wire::pull_drift_keep;
  if (options.drift == Drift::report) out.flags |= wire::pull_drift_report;
  if (options.drift_keep == DriftKeep::beside) out.flags |= wire::pull_keep_beside;
  if (options.drift_keep == DriftKeep::area) out.flags |= wire::pull_keep_area;
  if (options.chown) out.flags |= wire::pull_owner | wire::pull_group;
  out.uid = owners.uid;
  out.gid = owners.gid;
  out.max_delete = options.max_delete;
  for (const auto& rule : options.filters) out.filters.push_back({rule.include, rule.pattern});
  out.files_from = options.files_from;
  out.backup_dir = options.backup_dir.value_or("");
  if (options.compress_level) out.level = static_cast<std::uint32_t>(*options.compress_level);
  for (const auto& slot : options.bwlimit) out.rates.push_back({slot.week_minute, slot.bytes_per_second});
  if (!out.rates.empty()) out.week_second = static_cast<std::uint32_t>(wire::local_week_second(now_ns));
  return out;
}

CopyOptions copy_options(const wire::Open& open, IdentityRules& owners) {
  const wire::PullOptions pull = open.pull.value_or(wire::PullOptions{});
  CopyOptions out;
  for (const auto& one : switches) out.*one.option = (pull.flags & one.flag) != 0;
  const auto has = [&](wire::PullFlag flag) { return (pull.flags & flag) != 0; };
  if (has(wire::pull_drift_keep)) out.drift = Drift::keep;
  if (has(wire::pull_drift_report)) out.drift = Drift::report;
  if (has(wire::pull_keep_beside)) out.drift_keep = DriftKeep::beside;
  if (has(wire::pull_keep_area)) out.drift_keep = DriftKeep::area;
  owners.uid = pull.uid;
  owners.gid = pull.gid;
  out.max_delete = pull.max_delete;
  for (const auto& rule : pull.filters) out.filters.push_back({rule.include, rule.pattern});
  out.files_from = pull.files_from;
  if (!pull.backup_dir.empty()) out.backup_dir = pull.backup_dir;
  if (pull.level) out.compress_level = static_cast<int>(*pull.level);
  out.dry_run = (open.flags & wire::open_dry_run) != 0;
  out.one_file_system = (open.flags & wire::open_one_file_system) != 0;
  take_round(out, pull.round);
  if ((open.flags & wire::open_round) != 0 && (open.features & wire::open_far_mounts) != 0)
    out.mounts = pull.round.mounts;
  return out;
}

}  // namespace syncline::sync
