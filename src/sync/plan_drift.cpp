// SPDX-License-Identifier: Apache-2.0
// What others made of the other side: whether it stays, and what is kept of what goes.
#include <algorithm>

#include "patch/conflict_name.hpp"
#include "sync/planner.hpp"

namespace syncline::sync {
namespace {

/// Tells apart versions of one entry. Not what is below a directory: that has versions of its own.
std::uint64_t version_of(const wire::EntryInfo& entry) {
  Bytes coded;
  ByteWriter out(coded);
  out.u8(static_cast<std::uint8_t>(entry.type));
  if (entry.type != fs::FileType::directory) {
    out.u64(entry.size_bytes);
    out.u64(static_cast<std::uint64_t>(entry.mtime_ns));
    out.text(entry.link_target);
    out.u32(entry.device_major);
    out.u32(entry.device_minor);
  }
  return hash::blake3(coded).prefix() | 2;  // neither 0 nor no_version
}

}  // namespace

/// Without what was there in its time only because others had removed it over here.
std::optional<state::DirRecord> Planner::record_of(state::DirId id) {
  auto out = reader_->dir(id);
  if (out)
    std::erase_if(out->entries, [](const auto& stored) { return stored.drift && stored.drift->absent; });
  return out;
}

void Planner::tell_drift(const std::string& path, bool is_removed) {
  fail(path, is_removed ? "was removed in DST (drift)" : "was changed in DST (drift)",
       "left as it is; put it right there, or use --drift=heal to replace it");
}

/// Is our version another one than that which theirs was left beside, or which it was made from?
bool Planner::has_changed(const wire::EntryInfo* local, const wire::EntryInfo& remote, const RemoteRef& ref) {
  const auto version = local != nullptr ? version_of(*local) : no_version;
  if (remote.left_version != 0) return remote.left_version != version;
  if (!options_.from_records) return false;  // nobody knows
  const auto stored = stored_entry(ref.id, remote.name);
  return version != (stored ? version_of(stored_info(*stored, options_.rules)) : no_version);
}

/// Whether an entry of theirs that is not ours stays. `local`: what we have under its name, if anything.
bool Planner::spare(const std::string& path, const wire::EntryInfo* local, const wire::EntryInfo& remote,
                    const RemoteRef& ref) {
  if (!remote.drifted || options_.copy->drift == Drift::heal) return false;
  if (options_.copy->drift == Drift::report) {
    tell_drift(path, remote.absent);
    leave(path);
    return true;
  }
  if (has_changed(local, remote, ref)) return false;
  if (remote.left_version == 0 && options_.on_change) {
    ChangeEvent event;
    event.itemized = "*drifted   ";
    event.path = remote.type == fs::FileType::directory ? path + '/' : path;
    event.edited_in_destination = true;
    options_.on_change(event);
  }
  leave(path, local != nullptr ? version_of(*local) : no_version);
  return true;
}

bool Planner::spare(DirNode& node, const Entry& entry, const wire::EntryInfo& remote, const RemoteRef& ref) {
  if (!remote.drifted || options_.copy->drift == Drift::heal) return false;
  const std::string path = node.path_of(node.name_of(entry));
  const auto local = entry_info(node, entry, options_.rules);
  if (!spare(path, &local, remote, ref)) return false;
  pass_on(entry, path);
  return true;
}

/// Nothing in it is protected by a rule, or not known.
bool Planner::may_go_whole(const std::string& path, const wire::EntryInfo& entry, state::DirId id) {
  const bool is_dir = entry.type == fs::FileType::directory;
  if (options_.selector != nullptr && options_.selector->excluded(path, is_dir)) return false;
  if (!is_dir) return true;
  bool unknown = false;
  const auto children = remote_children(path, id, unknown);
  return !unknown && std::ranges::all_of(children, [&](const auto& child) {
    return may_go_whole(path + '/' + child.first.name, child.first, child.second);
  });
}

/// Plans the removal of an entry and of all that is known below it, children first.
Planner::Rest Planner::remove_tree(const std::string& path, const wire::EntryInfo& entry, state::DirId id,
                                   std::vector<PlannedRemove>& out, Removal removal) {
  const bool is_dir = entry.type == fs::FileType::directory;
  if (options_.selector != nullptr && options_.selector->excluded(path, is_dir)) return Rest::blocked;
  // Told, and in our record of the same directory: it may come up twice.
  if (entry.drifted && !removed_.insert(path).second) return Rest::none;
  if (entry.drifted && keeps() && may_go_whole(path, entry, id)) {
    if (removal == Removal::inside_of_kept) return Rest::kept;
    out.push_back({path, is_dir, true, true, entry.edited});
    return removal == Removal::plain && options_.keep == DriftKeep::beside ? Rest::kept : Rest::none;
  }
  const auto rest = is_dir ? remove_below(path, entry, id, out, removal) : Rest::none;
  const bool is_kept_whole = rest == Rest::kept && removal == Removal::makes_way && keeps();
  if (rest != Rest::none && !is_kept_whole) return rest;
  out.push_back({path, is_dir, is_kept_whole, entry.drifted, entry.edited});
  return Rest::none;
}

Planner::Rest Planner::remove_below(const std::string& path, const wire::EntryInfo& entry, state::DirId id,
                                    std::vector<PlannedRemove>& out, Removal removal) {
  bool unknown = false;
  Rest rest = Rest::none;
  const auto inside = removal == Removal::plain ? removal : Removal::inside_of_kept;
  if (remote_.contains(path)) visited_.insert(path);
  // It is there since a session before this one, and has not moved: nobody told what is in it.
  else if (options_.from_records && id == 0) plan_.needs_listings = true;
  for (const auto& [below, below_id] : remote_children(path, id, unknown)) {
    const auto below_path = path + "/" + below.name;
    Rest one = Rest::kept;
    if (below.drifted && options_.copy->drift == Drift::report) {
      tell_drift(below_path, false);
      leave(below_path);
      one = Rest::blocked;
    } else if (below.drifted && patch::is_conflict_name(below.name)) {
      leave(below_path);
    } else if (removal != Removal::plain || !spare(below_path, nullptr, below, {true, id})) {
      one = remove_tree(below_path, below, below_id, out, inside);
    }
    rest = std::max(rest, one);
  }
  if (!unknown) return rest;
  if (options_.may_open && !may_look_into(entry.mode)) {
    plan_.closed.push_back(path);
    return Rest::blocked;
  }
  fail(path, "something below it cannot be examined there", "kept; the next run tries again");
  return Rest::blocked;
}

}  // namespace syncline::sync
