// SPDX-License-Identifier: Apache-2.0
// What the other side has and we no longer: moved (a rename) or deleted.
#include <algorithm>

#include "patch/conflict_name.hpp"
#include "sync/planner.hpp"

namespace syncline::sync {

void Planner::add_gone(const state::StoredEntry& stored, DirNode* live, Gone* parent) {
  const bool is_dir = stored.stat.type == fs::FileType::directory;
  const auto id_of = [&](const auto& entry) { return dir_id(entry.stat, replica_.tree().root_stat.device); };
  for (const Gone* at = is_dir ? parent : nullptr; at != nullptr; at = at->gone_parent)
    if (id_of(at->stored) == id_of(stored)) {
      is_tangled_ = true;
      return;
    }
  gone_.push_back({live, parent, stored});
  Gone* self = &gone_.back();
  gone_by_inode_.emplace(stored.stat.inode, self);
  if (!is_dir) return;
  const auto id = id_of(stored);
  if (live_dirs_.contains(id)) return;  // moved as a whole: its entries are compared at the new place
  if (const auto record = record_of(id))
    for (const auto& below : record->entries) add_gone(below, nullptr, self);
}

/// Records of one moment make a tree. Such as were made of a tree in which directories were moved meanwhile
/// may have each of two in the other: then nothing can be said from them.
bool Planner::is_tangled() const {
  const auto above = [&](const Gone& gone) -> const Gone* {
    if (gone.gone_parent != nullptr) return gone.gone_parent;
    for (const DirNode* node = gone.live_parent; node != nullptr; node = node->parent)
      if (const Gone* old = old_place(*node)) return old;
    return nullptr;
  };
  return is_tangled_ || std::ranges::any_of(gone_, [&](const Gone& gone) {
           std::size_t steps = 0;
           for (const Gone* at = &gone; at != nullptr; at = above(*at))
             if (++steps > gone_.size()) return true;
           return false;
         });
}

void Planner::find_gone(DirNode& node) {
  if (node.recorded || node.unreadable) return;
  const auto record = record_of(node.id);
  if (!record) return;
  for (const auto& stored : record->entries) {
    const Entry* present = node.find(stored.name);
    const bool unknown = std::ranges::find(node.unknown, stored.name) != node.unknown.end();
    if (unknown || (present != nullptr && present->type == stored.stat.type)) continue;
    if (present == nullptr) {
      add_gone(stored, &node, nullptr);
    } else if (stored.stat.type == fs::FileType::directory) {
      gone_.push_back({&node, nullptr, stored});
      gone_.back().replaced = true;
      gone_by_inode_.emplace(stored.stat.inode, &gone_.back());
    }
  }
}

/// Where the other side has a directory that moved here, as long as no rename of it is planned.
const Gone* Planner::old_place(const DirNode& node) const {
  const auto found = gone_by_inode_.find(static_cast<std::uint64_t>(node.id));
  if (found == gone_by_inode_.end()) return nullptr;
  const Gone& gone = *found->second;
  return !gone.moved && gone.stored.stat.type == fs::FileType::directory ? &gone : nullptr;
}

/// Of what our record has in the directory, wherever the directory itself is by now: its number may serve
/// another one, which was made anew over there.
std::string Planner::contents_path(const DirNode& node) const {
  const Gone* old = old_place(node);
  return old != nullptr ? remote_path(*old) : remote_path(node);
}

/// Of the directory itself.
std::string Planner::remote_path(const DirNode& node) const {
  if (node.parent == nullptr) return {};
  const Gone* old = settled_.contains(&node) ? nullptr : old_place(node);
  if (old != nullptr) return remote_path(*old);
  std::string out = remote_path(*node.parent);
  if (!out.empty()) out += '/';
  return out += node.name;
}

std::string Planner::remote_path(const Gone& gone) const {
  std::string out =
      gone.live_parent != nullptr ? contents_path(*gone.live_parent) : remote_path(*gone.gone_parent);
  if (!out.empty()) out += '/';
  return out += gone.stored.name;
}

bool Planner::contents_are_replaced(const DirNode& node) const {
  const Gone* old = old_place(node);
  return old != nullptr ? is_replaced(*old) : is_replaced(node);
}

/// Whether the other side still has it in a directory that makes way for something of another type.
bool Planner::is_replaced(const DirNode& node) const {
  if (node.parent == nullptr) return false;
  const Gone* old = settled_.contains(&node) ? nullptr : old_place(node);
  return old != nullptr ? is_replaced(*old) : is_replaced(*node.parent);
}

bool Planner::is_replaced(const Gone& gone) const {
  if (gone.replaced) return true;
  return gone.live_parent != nullptr ? contents_are_replaced(*gone.live_parent)
                                     : is_replaced(*gone.gone_parent);
}

bool Planner::try_rename(DirNode& node, std::uint32_t index) {
  if (!options_.from_records || !options_.copy->delete_extra || options_.copy->backup_dir) return false;
  Entry& entry = node.entries[index];
  const auto found = gone_by_inode_.find(entry.inode);
  if (found == gone_by_inode_.end() || found->second->moved) return false;
  Gone& gone = *found->second;
  const fs::Stat& old = gone.stored.stat;
  if (old.type != entry.type || (old.link_count > 1 && entry.type == fs::FileType::regular)) return false;
  if (entry.type == fs::FileType::regular &&
      (old.size_bytes != entry.size_bytes || old.mtime_ns != entry.mtime_ns))
    return false;
  if (entry.type != fs::FileType::regular && entry.type != fs::FileType::directory) return false;
  if (is_replaced(gone)) return false;
  const std::string from = remote_path(gone);
  const auto parent = RelPath::parse(from).parent().text();
  if (const auto drift = remote_.find(parent); drift != remote_.end())
    return false;  // edited over there: no shortcut
  if (gone_there_too(from)) return false;
  const std::string to = node.path_of(node.name_of(entry));
  const auto local = entry_info(node, entry, options_.rules);
  auto remote = stored_info(gone.stored, options_.rules);
  const Difference difference = compare(local, remote, options_.rules.attributes);
  emit(node, entry, 'c', false, difference, false, from);
  plan_.structure.emplace_back(PlannedRename{from, to});
  ++plan_.rename_count;
  gone.moved = true;
  touch(node);
  if (gone.live_parent != nullptr) touch(*gone.live_parent);
  if (entry.type == fs::FileType::directory) {
    DirNode* child = node.child(node.name_of(entry));
    if (child == nullptr) return true;
    settled_.insert(child);
    if (difference.attributes()) touch(*child);
    visit(*child, {true, child->id});
    return true;
  }
  if (gone.stored.content) {
    Content content;
    content.single = gone.stored.only_chunk.has_value() || entry.size_bytes == 0;
    content.id = gone.stored.only_chunk ? gone.stored.only_chunk->id : *gone.stored.content;
    if (gone.stored.only_chunk) content.quick = gone.stored.only_chunk->quick;
    content.manifest_id = gone.stored.manifest_id;
    node.set_content(entry, content);
    entry.edited = false;
  }
  if (difference.attributes()) plan_.metas.push_back({&node, index, -1});
  return true;
}

/// Something the other side has and we do not.
void Planner::extra(const DirNode& node, const wire::EntryInfo& remote, const RemoteRef& ref) {
  const std::string path = node.path_of(remote.name);
  const bool is_unknown = std::ranges::find(node.unknown, remote.name) != node.unknown.end();
  const bool is_kept = remote.drifted && patch::is_conflict_name(remote.name);
  if (!options_.copy->delete_extra || incomplete_ || is_unknown || is_kept) return leave(path);
  state::DirId id = 0;
  if (options_.from_records) {
    // After the renames remove_gone() decides of what is where our record of this directory has it.
    const bool is_elsewhere = ref.id != node.id && old_place(node) != nullptr;
    if (!is_elsewhere && stored_entry(node.id, remote.name)) return;
    // Recorded of a directory that this one has replaced under its name.
    const auto stored = stored_entry(ref.id, remote.name);
    if (stored && stored->stat.type == fs::FileType::directory)
      id = dir_id(stored->stat, replica_.tree().root_stat.device);
  }
  const bool is_dir = remote.type == fs::FileType::directory;
  if (options_.selector != nullptr && options_.selector->excluded(path, is_dir)) return leave(path);
  if (spare(path, nullptr, remote, ref)) return;
  touch(const_cast<DirNode&>(node));
  if (remove_tree(path, remote, id, plan_.removes) != Rest::none) leave(path);
}

/// What the other side has in a directory: our record of it (id not 0) under what was told.
std::vector<std::pair<wire::EntryInfo, state::DirId>> Planner::remote_children(const std::string& path,
                                                                               state::DirId id,
                                                                               bool& unknown) {
  std::vector<std::pair<wire::EntryInfo, state::DirId>> out;
  const auto told = remote_.find(path);
  if (told != remote_.end()) {
    for (const auto& entry : told->second.entries) out.emplace_back(entry, 0);
    unknown = !told->second.unknown.empty();
  }
  if (id == 0) return out;
  const auto record = record_of(id);
  if (!record) return out;
  for (const auto& stored : record->entries) {
    const bool gone = told != remote_.end() && told->second.is_gone(stored.name);
    const bool is_dir = stored.stat.type == fs::FileType::directory;
    const auto below = is_dir ? dir_id(stored.stat, replica_.tree().root_stat.device) : 0;
    const auto* known = told == remote_.end() ? nullptr : told->second.find(stored.name);
    if (known != nullptr) out[static_cast<std::size_t>(known - told->second.entries.data())].second = below;
    else if (!gone) out.emplace_back(stored_info(stored, options_.rules), below);
  }
  return out;
}

/// Someone removed it (or a directory above it) on the other side as well.
bool Planner::gone_there_too(const std::string& path) const {
  if (remote_.empty()) return false;
  for (auto at = RelPath::parse(path); !at.is_root(); at = at.parent()) {
    const auto told = remote_.find(at.parent().text());
    if (told != remote_.end() && told->second.is_gone(at.name())) return true;
  }
  return false;
}

/// It is in a directory there that cannot be looked into: our records do not tell what is in that by now.
bool Planner::is_closed_there(const std::string& path) const {
  if (remote_.empty()) return false;
  for (auto at = RelPath::parse(path); !at.is_root(); at = at.parent()) {
    const auto told = remote_.find(at.parent().text());
    if (told != remote_.end() && (told->second.is_unknown(".") || told->second.is_unknown(at.name())))
      return true;
  }
  return false;
}

/// The entry as the other side told it, if it did: someone may have put another in its place.
wire::EntryInfo Planner::told_entry(const std::string& path, const wire::EntryInfo& recorded) const {
  const auto at = RelPath::parse(path);
  const auto told = remote_.find(at.parent().text());
  if (told == remote_.end()) return recorded;
  const auto* found = told->second.find(recorded.name);
  return found == nullptr ? recorded : *found;
}

void Planner::remove_gone() {
  // A directory that was taken for moved, but was not (its inode serves a new one): its entries go too.
  for (std::size_t i = 0; i < gone_.size(); ++i) {
    Gone& gone = gone_[i];
    if (gone.moved || gone.replaced || gone.stored.stat.type != fs::FileType::directory) continue;
    const auto id = dir_id(gone.stored.stat, replica_.tree().root_stat.device);
    if (!live_dirs_.contains(id)) continue;
    if (const auto record = record_of(id))
      for (const auto& below : record->entries) add_gone(below, nullptr, &gone_[i]);
  }
  // Children were added after their parents: backwards gives children first.
  std::unordered_map<const Gone*, bool> kept;
  for (auto gone = gone_.rbegin(); gone != gone_.rend(); ++gone) {
    if (gone->moved || is_replaced(*gone)) continue;
    const bool is_dir = gone->stored.stat.type == fs::FileType::directory;
    const std::string path = remote_path(*gone);
    if (!options_.copy->delete_extra || incomplete_) {
      if (gone->live_parent != nullptr) leave(path);
      continue;
    }
    if (gone_there_too(path) || is_closed_there(path)) continue;
    if (kept.contains(&*gone) || withheld_.contains(gone->stored.stat.inode) ||
        (options_.selector != nullptr && options_.selector->excluded_with_parents(path, is_dir))) {
      if (gone->gone_parent != nullptr) kept[gone->gone_parent] = true;
      leave(path);
      continue;
    }
    if (gone->live_parent != nullptr) touch(*gone->live_parent);
    const auto there = told_entry(path, stored_info(gone->stored, options_.rules));
    Rest rest = Rest::blocked;
    if (there.drifted && options_.copy->drift == Drift::report) tell_drift(path, false), leave(path);
    else rest = remove_tree(path, there, gone_by_themselves, plan_.removes);
    if (rest != Rest::none && gone->gone_parent != nullptr) kept[gone->gone_parent] = true;
    if (rest != Rest::none) leave(path);
    if (rest != Rest::blocked) plan_.dropped_manifests.push_back(gone->stored.manifest_id);
  }
}

bool has_new_names(Replica& replica) {
  const auto reader = replica.database().reader();
  bool found = false;
  for_each_dir(*replica.tree().root, [&](DirNode& node) {
    if (found || node.recorded || node.unreadable) return;
    const auto record = reader->dir(node.id);
    found = !record || std::ranges::any_of(node.entries, [&](const Entry& entry) {
      return record->find(node.name_of(entry)) == nullptr;
    });
  });
  return found;
}

bool has_replaced_dirs(Replica& replica) {
  const auto reader = replica.database().reader();
  const auto device = replica.tree().root_stat.device;
  bool found = false;
  for_each_dir(*replica.tree().root, [&](DirNode& node) {
    if (found || node.recorded || node.unreadable) return;
    const auto record = reader->dir(node.id);
    if (!record) return;
    found = std::ranges::any_of(node.children, [&](const auto& child) {
      const auto* stored = record->find(child->name);
      return stored != nullptr && stored->stat.type == fs::FileType::directory &&
             dir_id(stored->stat, device) != child->id;
    });
  });
  return found;
}

bool is_in_place(Replica& replica, const RemoteDirs& drift) {
  const auto reader = replica.database().reader();
  const auto device = replica.tree().root_stat.device;
  const auto stands = [&](const RelPath& path, const RemoteDir& told) {
    DirNode* node = replica.tree().root.get();
    bool is_new = false;
    for (const auto name : path.components()) {
      DirNode* child = node->child(name);
      const auto record = reader->dir(node->id);
      const auto* stored = record ? record->find(name) : nullptr;
      const bool was_dir = stored != nullptr && stored->stat.type == fs::FileType::directory;
      // New over there; unless we moved one here, or below it, that our records know under another name.
      if (!was_dir) {
        if (child == nullptr) return true;
        if (reader->dir(child->id)) return false;
      } else if (child == nullptr || child->id != dir_id(stored->stat, device)) {
        return false;
      }
      is_new = !was_dir;
      node = child;
    }
    return is_new || !told.whole;
  };
  return std::ranges::all_of(drift,
                             [&](const auto& dir) { return stands(RelPath::parse(dir.first), dir.second); });
}

}  // namespace syncline::sync
