// SPDX-License-Identifier: Apache-2.0
// Comparison of two trees: creations, changes, attributes, hard links.
#include "sync/plan.hpp"

#include <algorithm>

#include "patch/conflict_name.hpp"
#include "sync/planner.hpp"

namespace syncline::sync {
namespace {

bool has(const std::vector<std::string>& sorted, std::string_view name) {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), name);
  return at != sorted.end() && *at == name;
}

}  // namespace

const wire::EntryInfo* RemoteDir::find(std::string_view name) const {
  const auto at = std::lower_bound(
      entries.begin(), entries.end(), name,
      [](const wire::EntryInfo& entry, std::string_view wanted) { return entry.name < wanted; });
  return at != entries.end() && at->name == name ? &*at : nullptr;
}

const wire::EntryInfo* RemoteDir::find_absent(std::string_view name) const {
  const auto at =
      std::ranges::find(absent, name, [](const auto& entry) { return std::string_view(entry.name); });
  return at == absent.end() ? nullptr : &*at;
}

bool RemoteDir::is_gone(std::string_view name) const { return has(gone, name); }
bool RemoteDir::is_unknown(std::string_view name) const { return has(unknown, name); }

void Planner::fail(const std::string& path, const std::string& cause, const std::string& next) {
  if (options_.on_error) options_.on_error({path, "destination", cause, next, 23});
}

ChangeEvent Planner::change_event(DirNode& node, const Entry& entry, char update, bool is_new,
                                  const Difference& difference, bool edited) const {
  ChangeEvent event;
  event.itemized = itemize(update, entry.type, is_new, difference, options_.rules.attributes);
  event.path = node.path_of(node.name_of(entry));
  if (entry.type == fs::FileType::directory) event.path += '/';
  event.link_target = node.extra_of(entry).link_target;
  event.edited_in_destination = edited;
  return event;
}

void Planner::emit(DirNode& node, const Entry& entry, char update, bool is_new, const Difference& difference,
                   bool edited, const std::string& renamed_from, const std::string& link) {
  if (!options_.on_change) return;
  auto event = change_event(node, entry, update, is_new, difference, edited);
  if (!link.empty()) event.link_target = link;
  event.renamed_from = renamed_from;
  options_.on_change(event);
}

/// The first path of every group of hard links, in the order of visit(), stands for the file.
void Planner::find_leaders(const DirNode& node) {
  for (const Entry& entry : node.entries) {
    if (entry.type == fs::FileType::regular && entry.link_count > 1)
      leaders_.try_emplace({entry.device, entry.inode}, node.path_of(node.name_of(entry)));
    if (entry.type == fs::FileType::directory)
      if (const DirNode* child = node.child(node.name_of(entry))) find_leaders(*child);
  }
}

RemoteDir Planner::remote_dir(const DirNode&, const RemoteRef& ref, const std::string& path) {
  RemoteDir out;
  const auto told = remote_.find(path);
  if (!options_.from_records) return told == remote_.end() ? RemoteDir{} : told->second;
  if (ref.id != 0) {
    if (const auto record = record_of(ref.id))
      for (const auto& stored : record->entries) out.entries.push_back(stored_info(stored, options_.rules));
  }
  if (told == remote_.end()) return out;
  std::erase_if(out.entries, [&](const wire::EntryInfo& entry) {
    const RemoteDir& now = told->second;
    return now.is_gone(entry.name) || now.is_unknown(entry.name) || now.find(entry.name) != nullptr;
  });
  out.entries.insert(out.entries.end(), told->second.entries.begin(), told->second.entries.end());
  std::ranges::sort(out.entries, {}, &wire::EntryInfo::name);
  out.unknown = told->second.unknown;
  out.absent = told->second.absent;
  return out;
}

/// What is there in the destination and cannot be examined is neither equal nor absent: it is left alone and
/// told. False when that is the directory itself.
bool Planner::tell_unknown(DirNode& node, const RemoteDir& remote) {
  if (!remote.unknown.empty() && opened_.contains(&node)) {  // what is in it is the next session's affair
    withhold(node);
    return false;
  }
  for (const std::string& name : remote.unknown) {
    const bool itself = name == ".";
    const bool wanted = itself || options_.copy->delete_extra || node.find(name) != nullptr;
    if (!wanted || (options_.selector != nullptr && options_.selector->excluded(node.path_of(name), false)))
      continue;
    fail(itself ? node.path().text() : node.path_of(name),
         itself ? "the directory cannot be read there" : "it cannot be examined there",
         "left as it is; the next run tries again");
    if (itself) {
      withhold(node);
      return false;
    }
    if (const Entry* entry = node.find(name)) withheld_.insert(entry->inode);
    if (DirNode* child = node.child(name)) withhold(*child);
  }
  return true;
}

/// Whoever owns the directory and takes our mode for it.
bool Planner::will_be_open(const wire::EntryInfo& local, const wire::EntryInfo& remote) const {
  return options_.may_open && (options_.rules.attributes & wire::attr_mode) != 0 &&
         may_look_into(local.mode) && !may_look_into(remote.mode);
}

void Planner::withhold(DirNode& top) {
  for_each_dir(top, [&](DirNode& node) {
    for (const Entry& entry : node.entries) withheld_.insert(entry.inode);
  });
}

/// What went away may only have moved to where the source could not be read: as in rsync nothing is deleted
/// then.
void Planner::find_incomplete(DirNode& root) {
  incomplete_ = options_.incomplete;
  for_each_dir(root, [&](DirNode& node) { incomplete_ |= node.unreadable || !node.unknown.empty(); });
  if (!incomplete_ || !options_.copy->delete_extra || !options_.on_error) return;
  options_.on_error({"", "source", "a part of it could not be read", "nothing is deleted in this run", 23});
}

void Planner::visit(DirNode& node, const RemoteRef& ref) {
  if (node.unreadable) return;
  const std::string path = node.path().text();
  const bool told = remote_.contains(path);
  if (told) visited_.insert(path);
  if (ref.exists && !told && (options_.from_records ? node.recorded && ref.id == node.id : true)) {
    // Nothing moved in this directory itself; in the told form nothing below it either.
    if (options_.from_records) {
      relink(node);
      for (const auto& child : node.children) visit(*child, {true, child->id});
    } else {
      for_each_dir(node, [&](DirNode& below) { relink(below); });
    }
    return;
  }
  replica_.load_details(node);
  const RemoteDir remote = ref.exists ? remote_dir(node, ref, path) : RemoteDir{};
  if (!tell_unknown(node, remote)) return;
  auto other = remote.entries.begin();
  for (std::uint32_t i = 0; i < node.entries.size(); ++i) {
    const auto name = node.name_of(node.entries[i]);
    if (remote.is_unknown(name)) continue;
    for (; other != remote.entries.end() && other->name < name; ++other) extra(node, *other, ref);
    if (other != remote.entries.end() && other->name == name) {
      both(node, i, *other++, ref);
      continue;
    }
    const auto* absent = remote.find_absent(name);
    if (absent == nullptr || !spare(node, node.entries[i], *absent, ref)) create(node, i, nullptr);
  }
  for (; other != remote.entries.end(); ++other) extra(node, *other, ref);
}

/// Neither digests nor times of directories say anything of hard links: names in an equal one whose leader is
/// new elsewhere must be linked to it.
void Planner::relink(DirNode& node) {
  if (leader_groups_.empty()) return;
  for (const Entry& entry : node.entries) {
    if (entry.type != fs::FileType::regular || entry.link_count < 2) continue;
    const auto group = leader_groups_.find({entry.device, entry.inode});
    if (group == leader_groups_.end() || group->second != 0) continue;
    const std::string& leader = leaders_.at(group->first);
    const std::string path = node.path_of(node.name_of(entry));
    if (leader.empty() || leader == path) continue;
    emit(node, entry, 'h', false, {}, false, {}, leader);
    plan_.links.push_back({path, leader});
    touch(node);
  }
}

/// The entry cannot come to its place.
void Planner::keep_out(const Entry& entry, const std::string& path, const std::string& cause,
                       const std::string& next) {
  fail(path, cause, next);
  pass_on(entry, path);
}

/// Another of its names stands for the file then.
void Planner::pass_on(const Entry& entry, const std::string& path) {
  const auto leader = leaders_.find({entry.device, entry.inode});
  if (leader != leaders_.end() && leader->second == path) leader->second.clear();
}

/// Removes what is of another type than what must come there. False where it cannot: that is told, unless it
/// comes to that in the next session.
bool Planner::make_way(const Entry& entry, const std::string& path, const wire::EntryInfo& remote,
                       const RemoteRef& ref) {
  const bool was_dir = remote.type == fs::FileType::directory;
  const bool may_delete = options_.copy->delete_extra || (remote.drifted && keeps());
  if (was_dir && (!may_delete || incomplete_)) {
    leave(path);
    keep_out(entry, path, "a directory stands where a file must come",
             incomplete_ ? "left as it is; nothing is deleted in this run"
                         : "left as it is; use --delete to replace it");
    return false;
  }
  state::DirId id = 0;
  if (const auto stored = stored_entry(ref.id, remote.name); options_.from_records && stored && was_dir)
    id = dir_id(stored->stat, replica_.tree().root_stat.device);
  std::vector<PlannedRemove> removes;
  const auto closed_before = plan_.closed.size();
  const auto rest = remove_tree(path, remote, id, removes, Removal::makes_way);
  tell_removes(removes);
  plan_.make_way_count += removes.size();
  for (auto& one : removes) plan_.structure.emplace_back(std::move(one));
  if (rest == Rest::none) return true;
  leave(path);
  if (plan_.closed.size() != closed_before) {  // the next session knows what is in it
    pass_on(entry, path);
    return false;
  }
  keep_out(entry, path, "a directory with something that a rule protects stands where a file must come",
           "left as it is");
  return false;
}

void Planner::both(DirNode& node, std::uint32_t index, const wire::EntryInfo& remote, const RemoteRef& ref) {
  const Entry& entry = node.entries[index];
  const std::string name(node.name_of(entry));
  const std::string path = node.path_of(name);
  const bool is_dir = entry.type == fs::FileType::directory;
  const bool was_dir = remote.type == fs::FileType::directory;
  if (is_dir != was_dir) {
    if (!spare(node, entry, remote, ref) && make_way(entry, path, remote, ref)) create(node, index, nullptr);
    return;
  }
  const wire::EntryInfo local = entry_info(node, entry, options_.rules);
  if (is_dir) {
    const Difference difference = compare(local, remote, options_.rules.attributes);
    DirNode* child = node.child(name);
    if (difference.attributes()) {
      emit(node, entry, '.', false, difference, false);
      if (child != nullptr) touch(*child);
    }
    if (child == nullptr) return;
    settled_.insert(child);
    if (will_be_open(local, remote)) opened_.insert(child);
    RemoteRef below{true, 0};
    if (options_.from_records) {
      if (const auto stored = stored_entry(ref.id, name))
        below.id = dir_id(stored->stat, replica_.tree().root_stat.device);
    }
    visit(*child, below);
    return;
  }
  if (entry.type == fs::FileType::regular && remote.type == fs::FileType::regular) {
    both_regular(node, index, local, remote, ref);
    return;
  }
  const Difference difference = compare(local, remote, options_.rules.attributes);
  if (difference.content) {
    if (!spare(node, entry, remote, ref)) create(node, index, &remote);
  } else if (difference.attributes()) {
    emit(node, entry, '.', false, difference, remote.edited);
    plan_.metas.push_back({&node, index, -1});
  }
}

/// Of contents under the same size and time: whether nothing makes these tell less than they do otherwise.
bool Planner::is_proven(const wire::EntryInfo& local, const wire::EntryInfo& remote) const {
  if (remote.deviates && local.content == 0) return false;  // it came in a session that broke off
  return !options_.is_content_hidden || (local.content != 0 && remote.content != 0);
}

void Planner::both_regular(DirNode& node, std::uint32_t index, const wire::EntryInfo& local,
                           const wire::EntryInfo& remote, const RemoteRef& ref) {
  const Entry& entry = node.entries[index];
  Difference difference = compare(local, remote, options_.rules.attributes);
  const bool is_unproven = !difference.content && !is_proven(local, remote);
  difference.content |= is_unproven;
  const bool transfer = difference.content || (!options_.copy->checksum && local.mtime_ns != remote.mtime_ns);
  if (transfer && spare(node, entry, remote, ref)) return;
  if (linked(node, index, &remote, transfer && !is_unproven)) return;
  if (transfer) {
    if (options_.copy->update_only && remote.mtime_ns > local.mtime_ns)
      return leave(node.path_of(node.name_of(entry)));
    if (local.mtime_ns != remote.mtime_ns) difference.time = true;
    touch(node);  // the new file takes the old one's name, which moves the directory's time
    const bool is_untold = is_unproven && !difference.attributes();
    if (is_untold) ++plan_.untold_count, plan_.untold_bytes += entry.size_bytes;
    else if (is_guarded(node.path_of(node.name_of(entry)), difference, local, remote))
      rewrites_.push_back(
          {plan_.files.size(), change_event(node, entry, '>', false, difference, remote.edited)});
    else emit(node, entry, '>', false, difference, remote.edited);
    plan_.bases.push_back(make_base(node, remote, ref));
    plan_.bases.back().attributes_differ = difference.attributes();
    if (is_untold)
      plan_.bases.back().untold =
          std::make_unique<ChangeEvent>(change_event(node, entry, '>', false, difference, false));
    plan_.files.push_back({&node, index, static_cast<std::int32_t>(plan_.bases.size() - 1)});
    plan_.file_bytes += entry.size_bytes;
  } else if (difference.attributes()) {
    emit(node, entry, '.', false, difference, remote.edited);
    plan_.metas.push_back({&node, index, -1});
  }
}

std::optional<state::StoredEntry> Planner::stored_entry(state::DirId id, const std::string& name) {
  if (cached_id_ != id) {
    cached_record_ = record_of(id);
    cached_id_ = id;
  }
  if (!cached_record_) return std::nullopt;
  const auto* stored = cached_record_->find(name);
  return stored == nullptr ? std::nullopt : std::optional(*stored);
}

Base Planner::make_base(const DirNode& node, const wire::EntryInfo& remote, const RemoteRef& ref) {
  Base base;
  base.size_bytes = remote.size_bytes;
  base.content = remote.content;
  auto stored = stored_entry(options_.from_records && ref.id != 0 ? ref.id : node.id, remote.name);
  if (stored && stored->content && remote.content != 0 && stored->content->prefix() == remote.content)
    base.stored = std::move(stored);
  return base;
}

/// True when the entry is a further name of a file that stands for it (and is dealt with here).
bool Planner::linked(DirNode& node, std::uint32_t index, const wire::EntryInfo* remote, bool changed) {
  const Entry& entry = node.entries[index];
  if (entry.link_count < 2) return false;
  const auto leader = leaders_.find({entry.device, entry.inode});
  if (leader == leaders_.end()) return false;
  const std::string path = node.path_of(node.name_of(entry));
  if (leader->second.empty()) leader->second = path;
  if (leader->second == path) {
    leader_groups_[leader->first] = changed || remote == nullptr ? 0 : remote->link_group;
    return false;
  }
  const auto group = leader_groups_.find(leader->first);
  const bool leader_known = group != leader_groups_.end();
  // A leader in a directory that was not looked at is as recorded: its group is its own inode there.
  const std::uint64_t leader_group = leader_known ? group->second : options_.from_records ? entry.inode : 0;
  const bool together =
      remote != nullptr && !changed && remote->link_group != 0 && remote->link_group == leader_group;
  if (together) return true;
  emit(node, entry, 'h', remote == nullptr, {}, remote != nullptr && remote->edited, {}, leader->second);
  plan_.links.push_back({path, leader->second});
  touch(node);
  return true;
}

void Planner::create(DirNode& node, std::uint32_t index, const wire::EntryInfo* replaced) {
  const Entry& entry = node.entries[index];
  touch(node);
  if (entry.type == fs::FileType::regular && linked(node, index, nullptr, true)) return;
  if (replaced == nullptr && try_rename(node, index)) return;
  const bool edited = replaced != nullptr && replaced->edited;
  switch (entry.type) {
    case fs::FileType::directory: {
      emit(node, entry, 'c', true, {}, edited);
      plan_.structure.emplace_back(Item{&node, index, -1});
      DirNode* child = node.child(node.name_of(entry));
      if (child == nullptr) break;  // a mount point under --one-file-system: the directory alone
      touch(*child);
      settled_.insert(child);
      visit(*child, {});
      break;
    }
    case fs::FileType::regular:
      emit(node, entry, '>', true, {}, edited);
      plan_.files.push_back({&node, index, -1});
      plan_.file_bytes += entry.size_bytes;
      break;
    default: {
      Difference difference;
      if (replaced != nullptr)
        difference = compare(entry_info(node, entry, options_.rules), *replaced, options_.rules.attributes);
      emit(node, entry, 'c', replaced == nullptr, difference, edited);
      plan_.others.push_back({&node, index, -1});
    }
  }
}

/// A directory that we have not and that stays over there, as something is kept in it, is compared with
/// nothing. If another one was told that nothing was concluded about, or one that goes with what is removed,
/// what our records say of the other side is not what is there.
void Planner::leave_unvisited() {
  std::unordered_set<std::string_view> left;  // or kept elsewhere, as a whole
  std::unordered_set<std::string_view> removed;
  for (const auto& one : plan_.left) left.insert(one.path);
  for (const auto& one : plan_.removes) (one.keep ? left : removed).insert(one.path);
  for (const auto& one : plan_.structure)
    if (const auto* remove = std::get_if<PlannedRemove>(&one); remove != nullptr && remove->keep)
      left.insert(remove->path);
  const auto is_left = [&](const RelPath& path) {
    for (auto at = path; !at.is_root(); at = at.parent())
      if (left.contains(at.text()) || patch::is_conflict_name(at.name())) return true;
    return false;
  };
  const auto is_removed = [&](const RelPath& path) {
    for (auto at = path.parent(); !at.is_root(); at = at.parent())
      if (removed.contains(at.text())) return true;
    return false;
  };
  const auto is_kept = [](const wire::EntryInfo& entry) {
    return entry.absent ||
           (entry.drifted && (patch::is_conflict_name(entry.name) || entry.left_version == no_version));
  };
  std::vector<std::string> out;
  for (const auto& [text, dir] : remote_) {
    if (visited_.contains(text)) continue;
    const auto path = RelPath::parse(text);
    const bool is_ruled_out =
        !options_.copy->delete_extra || incomplete_ ||
        (options_.selector != nullptr && options_.selector->excluded_with_parents(text, true));
    const bool is_clear = is_ruled_out || is_left(path) || std::ranges::all_of(dir.entries, is_kept);
    if (options_.from_records && (!is_clear || is_removed(path))) {
      plan_.needs_listings = true;
      return;
    }
    // With the directories above it that we have not either.
    auto top = path;
    while (!top.is_root() && replica_.tree().find_dir(top.parent()) == nullptr) top = top.parent();
    out.push_back(top.text());
  }
  for (auto& path : out) leave(path);
}

Plan Planner::run(const wire::EntryInfo& remote_root) {
  DirNode& root = *replica_.tree().root;
  if ((options_.rules.attributes & wire::attr_links) != 0) find_leaders(root);
  find_incomplete(root);
  if (options_.from_records) {
    for_each_dir(root, [&](DirNode& node) { live_dirs_.emplace(node.id, &node); });
    for_each_dir(root, [&](DirNode& node) { find_gone(node); });
    plan_.needs_listings = is_tangled();
    if (plan_.needs_listings) return std::move(plan_);
  }
  wire::EntryInfo own;
  own.type = fs::FileType::directory;
  own.mode = replica_.tree().root_stat.mode;
  own.uid = options_.rules.uid_there(replica_.tree().root_stat.uid);
  own.gid = options_.rules.gid_wanted(replica_.tree().root_stat.gid);
  own.mtime_ns = replica_.tree().root_stat.mtime_ns;
  own.xattr_digest = replica_.tree().root_xattrs;
  const bool has_own_root = !replica_.tree().is_partial;
  if (has_own_root && compare(own, remote_root, options_.rules.attributes).attributes()) touch(root);
  visit(root, {!options_.remote_is_empty, root.id});
  if (options_.from_records) remove_gone();
  hold_removes();
  limit_removes();
  tell_removes(plan_.removes);
  hold_rewrites();
  leave_unvisited();
  if (plan_.needs_listings) return std::move(plan_);
  // Deepest first, so that setting a parent's time is never undone by a child.
  for_each_dir(root, [&](DirNode& node) {
    if (!touched_.contains(&node) || (!has_own_root && &node == &root)) return;
    if (node.parent != nullptr) replica_.load_details(*node.parent);  // where its attributes stand
    plan_.dir_metas.push_back(&node);
  });
  std::ranges::reverse(plan_.dir_metas);
  return std::move(plan_);
}

Plan make_plan(Replica& replica, const RemoteDirs& remote, const wire::EntryInfo& remote_root,
               const PlanOptions& options) {
  return Planner(replica, remote, options).run(remote_root);
}

}  // namespace syncline::sync
