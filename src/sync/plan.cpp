// SPDX-License-Identifier: Apache-2.0
// Comparison of two trees: creations, changes, renames found by inode, deletions.
#include "sync/plan.hpp"

#include <algorithm>
#include <deque>

namespace syncline::sync {
namespace {

/// An entry of our record that is no longer under its name: moved or deleted.
struct Gone {
  DirNode* live_parent = nullptr;  ///< exactly one of the two parents is set
  Gone* gone_parent = nullptr;
  state::StoredEntry stored;
  bool moved = false;  ///< a rename of it was planned
};

/// Where the other side keeps a directory's entries, in our terms.
struct RemoteRef {
  bool exists = false;
  state::DirId id = 0;  ///< from_records: the record that describes it
};

class Planner {
 public:
  Planner(Replica& replica, const RemoteDirs& remote, const PlanOptions& options)
      : replica_(replica), remote_(remote), options_(options), reader_(replica.database().reader()) {}

  Plan run(const wire::EntryInfo& remote_root);

 private:
  void find_leaders(const DirNode& node);
  void find_gone(DirNode& node);
  void add_gone(const state::StoredEntry& stored, DirNode* live, Gone* gone);
  std::string remote_path(const DirNode& node) const;
  std::string remote_path(const Gone& gone) const;

  RemoteDir remote_dir(const DirNode& node, const RemoteRef& ref, const std::string& path);
  void visit(DirNode& node, const RemoteRef& ref);
  void both(DirNode& node, std::uint32_t index, const wire::EntryInfo& remote, const RemoteRef& ref);
  void both_regular(DirNode& node, std::uint32_t index, const wire::EntryInfo& local,
                    const wire::EntryInfo& remote, const RemoteRef& ref);
  void create(DirNode& node, std::uint32_t index, const wire::EntryInfo* replaced);
  bool try_rename(DirNode& node, std::uint32_t index);
  bool linked(DirNode& node, std::uint32_t index, const wire::EntryInfo* remote, bool changed);
  void relink_below(DirNode& top);
  void extra(const DirNode& node, const wire::EntryInfo& remote);
  bool remove_tree(const std::string& path, const wire::EntryInfo& entry, state::DirId id,
                   std::vector<PlannedRemove>& out);
  std::vector<std::pair<wire::EntryInfo, state::DirId>> remote_children(const std::string& path,
                                                                        state::DirId id, bool& unknown);
  void remove_gone();
  bool gone_there_too(const std::string& path) const;
  wire::EntryInfo told_entry(const std::string& path, const wire::EntryInfo& recorded) const;
  void limit_removes();
  std::optional<state::StoredEntry> stored_entry(state::DirId id, const std::string& name);
  Base make_base(const DirNode& node, const wire::EntryInfo& remote, const RemoteRef& ref);
  void touch(DirNode& node) { touched_.insert({&node, true}); }
  void emit(DirNode& node, const Entry& entry, char update, bool is_new, const Difference& difference,
            bool edited, const std::string& renamed_from = {}, const std::string& link = {});
  void fail(const std::string& path, const std::string& cause, const std::string& next);

  Replica& replica_;
  const RemoteDirs& remote_;
  const PlanOptions& options_;
  std::unique_ptr<state::Reader> reader_;
  Plan plan_;
  std::deque<Gone> gone_;
  std::unordered_map<std::uint64_t, Gone*> gone_by_inode_;
  std::unordered_map<state::DirId, DirNode*> live_dirs_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> leaders_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t>
      leader_groups_;  ///< remote link group of the leader
  std::unordered_map<const DirNode*, bool> touched_;
  state::DirId cached_id_ = -1;
  std::optional<state::DirRecord> cached_record_;
};

void Planner::fail(const std::string& path, const std::string& cause, const std::string& next) {
  if (options_.on_error) options_.on_error({path, "destination", cause, next, 23});
}

void Planner::emit(DirNode& node, const Entry& entry, char update, bool is_new, const Difference& difference,
                   bool edited, const std::string& renamed_from, const std::string& link) {
  if (!options_.on_change) return;
  ChangeEvent event;
  event.itemized = itemize(update, entry.type, is_new, difference, options_.rules.attributes);
  event.path = node.path_of(node.name_of(entry));
  if (entry.type == fs::FileType::directory) event.path += '/';
  event.link_target = link.empty() ? node.extra_of(entry).link_target : link;
  event.renamed_from = renamed_from;
  event.edited_in_destination = edited;
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

void Planner::add_gone(const state::StoredEntry& stored, DirNode* live, Gone* parent) {
  gone_.push_back({live, parent, stored, false});
  Gone* self = &gone_.back();
  gone_by_inode_.emplace(stored.stat.inode, self);
  if (stored.stat.type != fs::FileType::directory) return;
  const auto id = dir_id(stored.stat, replica_.tree().root_stat.device);
  if (live_dirs_.contains(id)) return;  // moved as a whole: its entries are compared at the new place
  if (const auto record = reader_->dir(id))
    for (const auto& below : record->entries) add_gone(below, nullptr, self);
}

void Planner::find_gone(DirNode& node) {
  if (node.recorded || node.unreadable) return;
  const auto record = reader_->dir(node.id);
  if (!record) return;
  for (const auto& stored : record->entries) {
    const Entry* present = node.find(stored.name);
    const bool unknown = std::ranges::find(node.unknown, stored.name) != node.unknown.end();
    if (present != nullptr && present->type == stored.stat.type) continue;
    if (present == nullptr && !unknown) add_gone(stored, &node, nullptr);
  }
}

std::string Planner::remote_path(const DirNode& node) const {
  if (node.parent == nullptr) return {};
  const auto moved = gone_by_inode_.find(static_cast<std::uint64_t>(node.id));
  std::string out;
  std::string_view name = node.name;
  if (moved != gone_by_inode_.end() && !moved->second->moved &&
      moved->second->stored.stat.type == fs::FileType::directory)
    return remote_path(*moved->second);
  out = remote_path(*node.parent);
  if (!out.empty()) out += '/';
  return out += name;
}

std::string Planner::remote_path(const Gone& gone) const {
  std::string out =
      gone.live_parent != nullptr ? remote_path(*gone.live_parent) : remote_path(*gone.gone_parent);
  if (!out.empty()) out += '/';
  return out += gone.stored.name;
}

RemoteDir Planner::remote_dir(const DirNode&, const RemoteRef& ref, const std::string& path) {
  RemoteDir out;
  const auto told = remote_.find(path);
  if (!options_.from_records) return told == remote_.end() ? RemoteDir{} : told->second;
  if (ref.id != 0) {
    if (const auto record = reader_->dir(ref.id))
      for (const auto& stored : record->entries) out.entries.push_back(stored_info(stored, options_.rules));
  }
  if (told == remote_.end()) return out;
  std::erase_if(out.entries, [&](const wire::EntryInfo& entry) {
    const auto same = [&](const auto& other) { return other.name == entry.name; };
    return std::ranges::find(told->second.gone, entry.name) != told->second.gone.end() ||
           std::ranges::any_of(told->second.entries, same);
  });
  out.entries.insert(out.entries.end(), told->second.entries.begin(), told->second.entries.end());
  std::ranges::sort(out.entries, {}, &wire::EntryInfo::name);
  out.unknown = told->second.unknown;
  return out;
}

void Planner::visit(DirNode& node, const RemoteRef& ref) {
  if (node.unreadable) return;
  const std::string path = node.path().text();
  const bool told = remote_.contains(path);
  if (ref.exists && !told && (options_.from_records ? node.recorded && ref.id == node.id : true)) {
    // Nothing moved in this directory itself; in the told form nothing below it either.
    if (options_.from_records)
      for (const auto& child : node.children) visit(*child, {true, child->id});
    else relink_below(node);
    return;
  }
  replica_.load_details(node);
  const RemoteDir remote = ref.exists ? remote_dir(node, ref, path) : RemoteDir{};
  auto other = remote.entries.begin();
  for (std::uint32_t i = 0; i < node.entries.size(); ++i) {
    const auto name = node.name_of(node.entries[i]);
    for (; other != remote.entries.end() && other->name < name; ++other) extra(node, *other);
    if (other != remote.entries.end() && other->name == name) both(node, i, *other++, ref);
    else create(node, i, nullptr);
  }
  for (; other != remote.entries.end(); ++other) extra(node, *other);
}

/// Digests of directories say nothing of hard links: names in an equal subtree whose leader is new
/// elsewhere must be linked to it.
void Planner::relink_below(DirNode& top) {
  if (leaders_.empty()) return;
  for_each_dir(top, [&](DirNode& node) {
    for (const Entry& entry : node.entries) {
      if (entry.type != fs::FileType::regular || entry.link_count < 2) continue;
      const auto group = leader_groups_.find({entry.device, entry.inode});
      if (group == leader_groups_.end() || group->second != 0) continue;
      const std::string& leader = leaders_.at(group->first);
      const std::string path = node.path_of(node.name_of(entry));
      emit(node, entry, 'h', false, {}, false, {}, leader);
      plan_.links.push_back({path, leader});
      touch(node);
    }
  });
}

void Planner::both(DirNode& node, std::uint32_t index, const wire::EntryInfo& remote, const RemoteRef& ref) {
  const Entry& entry = node.entries[index];
  const std::string name(node.name_of(entry));
  const std::string path = node.path_of(name);
  const bool is_dir = entry.type == fs::FileType::directory;
  const bool was_dir = remote.type == fs::FileType::directory;
  if (is_dir != was_dir) {
    if (was_dir && !options_.copy->delete_extra) {
      fail(path, "a directory stands where a file must come", "left as it is; use --delete to replace it");
      return;
    }
    state::DirId id = 0;
    if (const auto stored = stored_entry(ref.id, name); options_.from_records && stored && was_dir)
      id = dir_id(stored->stat, replica_.tree().root_stat.device);
    std::vector<PlannedRemove> make_way;
    if (!remove_tree(path, remote, id, make_way)) return;
    plan_.make_way_count += make_way.size();
    for (auto& one : make_way) plan_.structure.emplace_back(std::move(one));
    create(node, index, nullptr);
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
    create(node, index, &remote);
  } else if (difference.attributes()) {
    emit(node, entry, '.', false, difference, remote.edited);
    plan_.metas.push_back({&node, index, -1});
  }
}

void Planner::both_regular(DirNode& node, std::uint32_t index, const wire::EntryInfo& local,
                           const wire::EntryInfo& remote, const RemoteRef& ref) {
  const Entry& entry = node.entries[index];
  Difference difference = compare(local, remote, options_.rules.attributes);
  const bool transfer = difference.content || (!options_.copy->checksum && local.mtime_ns != remote.mtime_ns);
  if (linked(node, index, &remote, transfer)) return;
  if (transfer) {
    if (options_.copy->update_only && remote.mtime_ns > local.mtime_ns) return;
    if (local.mtime_ns != remote.mtime_ns) difference.time = true;
    touch(node);  // the new file takes the old one's name, which moves the directory's time
    emit(node, entry, '>', false, difference, remote.edited);
    plan_.bases.push_back(make_base(node, remote, ref));
    plan_.files.push_back({&node, index, static_cast<std::int32_t>(plan_.bases.size() - 1)});
    plan_.file_bytes += entry.size_bytes;
  } else if (difference.attributes()) {
    emit(node, entry, '.', false, difference, remote.edited);
    plan_.metas.push_back({&node, index, -1});
  }
}

std::optional<state::StoredEntry> Planner::stored_entry(state::DirId id, const std::string& name) {
  if (cached_id_ != id) {
    cached_record_ = reader_->dir(id);
    cached_id_ = id;
  }
  if (!cached_record_) return std::nullopt;
  const auto& entries = cached_record_->entries;
  const auto at = std::ranges::lower_bound(entries, name, {}, &state::StoredEntry::name);
  if (at == entries.end() || at->name != name) return std::nullopt;
  return *at;
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
  const std::string from = remote_path(gone);
  const auto parent = RelPath::parse(from).parent().text();
  if (const auto drift = remote_.find(parent); drift != remote_.end())
    return false;  // edited over there: no shortcut
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

void Planner::create(DirNode& node, std::uint32_t index, const wire::EntryInfo* replaced) {
  const Entry& entry = node.entries[index];
  touch(node);
  if (replaced == nullptr && try_rename(node, index)) return;
  const bool edited = replaced != nullptr && replaced->edited;
  switch (entry.type) {
    case fs::FileType::directory: {
      emit(node, entry, 'c', true, {}, edited);
      plan_.structure.emplace_back(Item{&node, index, -1});
      DirNode* child = node.child(node.name_of(entry));
      if (child == nullptr) break;  // a mount point under --one-file-system: the directory alone
      touch(*child);
      visit(*child, {});
      break;
    }
    case fs::FileType::regular:
      if (linked(node, index, nullptr, true)) break;
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

/// Something the other side has and we do not.
void Planner::extra(const DirNode& node, const wire::EntryInfo& remote) {
  if (!options_.copy->delete_extra) return;
  if (std::ranges::find(node.unknown, remote.name) != node.unknown.end()) return;
  if (options_.from_records) {
    if (stored_entry(node.id, remote.name)) return;  // recorded: remove_gone() decides, after the renames
  }
  touch(const_cast<DirNode&>(node));
  remove_tree(node.path_of(remote.name), remote, 0, plan_.removes);
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
  const auto record = reader_->dir(id);
  if (!record) return out;
  for (const auto& stored : record->entries) {
    const auto same = [&](const auto& other) { return other.first.name == stored.name; };
    const bool gone =
        told != remote_.end() && std::ranges::find(told->second.gone, stored.name) != told->second.gone.end();
    const bool is_dir = stored.stat.type == fs::FileType::directory;
    const auto below = is_dir ? dir_id(stored.stat, replica_.tree().root_stat.device) : 0;
    if (const auto at = std::ranges::find_if(out, same); at != out.end()) at->second = below;
    else if (!gone) out.emplace_back(stored_info(stored, options_.rules), below);
  }
  return out;
}

/// Plans the removal of an entry and of all that is known below it, children first. False when
/// something below is protected by a rule: then the directory stays.
bool Planner::remove_tree(const std::string& path, const wire::EntryInfo& entry, state::DirId id,
                          std::vector<PlannedRemove>& out) {
  const bool is_dir = entry.type == fs::FileType::directory;
  if (options_.selector != nullptr && options_.selector->excluded(path, is_dir)) return false;
  bool all = true;
  if (is_dir) {
    bool unknown = false;
    for (const auto& [below, below_id] : remote_children(path, id, unknown))
      all = remove_tree(path + "/" + below.name, below, below_id, out) && all;
    if (unknown) all = false;
  }
  if (!all) return false;
  if (options_.on_change) {
    ChangeEvent event;
    event.itemized = "*deleting  ";
    event.path = is_dir ? path + "/" : path;
    event.edited_in_destination = entry.edited;
    options_.on_change(event);
  }
  out.push_back({path, is_dir});
  return true;
}

/// Someone removed it (or a directory above it) on the other side as well.
bool Planner::gone_there_too(const std::string& path) const {
  if (remote_.empty()) return false;
  for (auto at = RelPath::parse(path); !at.is_root(); at = at.parent()) {
    const auto told = remote_.find(at.parent().text());
    if (told != remote_.end() && std::ranges::find(told->second.gone, at.name()) != told->second.gone.end())
      return true;
  }
  return false;
}

/// The entry as the other side told it, if it did: someone may have put another in its place.
wire::EntryInfo Planner::told_entry(const std::string& path, const wire::EntryInfo& recorded) const {
  const auto at = RelPath::parse(path);
  const auto told = remote_.find(at.parent().text());
  if (told == remote_.end()) return recorded;
  const auto found = std::ranges::find(told->second.entries, recorded.name, &wire::EntryInfo::name);
  return found == told->second.entries.end() ? recorded : *found;
}

void Planner::remove_gone() {
  // A directory that was taken for moved, but was not (its inode serves a new one): its entries go too.
  for (std::size_t i = 0; i < gone_.size(); ++i) {
    Gone& gone = gone_[i];
    if (gone.moved || gone.stored.stat.type != fs::FileType::directory) continue;
    const auto id = dir_id(gone.stored.stat, replica_.tree().root_stat.device);
    if (!live_dirs_.contains(id)) continue;
    if (const auto record = reader_->dir(id))
      for (const auto& below : record->entries) add_gone(below, nullptr, &gone_[i]);
  }
  // Children were added after their parents: backwards gives children first.
  std::unordered_map<const Gone*, bool> kept;
  for (auto gone = gone_.rbegin(); gone != gone_.rend(); ++gone) {
    if (gone->moved) continue;
    const bool is_dir = gone->stored.stat.type == fs::FileType::directory;
    if (!options_.copy->delete_extra) continue;
    const std::string path = remote_path(*gone);
    if (gone_there_too(path)) continue;
    if (kept.contains(&*gone) ||
        (options_.selector != nullptr && options_.selector->excluded_with_parents(path, is_dir))) {
      if (gone->gone_parent != nullptr) kept[gone->gone_parent] = true;
      continue;
    }
    if (gone->live_parent != nullptr) touch(*gone->live_parent);
    remove_tree(path, told_entry(path, stored_info(gone->stored, options_.rules)), 0, plan_.removes);
    plan_.dropped_manifests.push_back(gone->stored.manifest_id);
  }
}

void Planner::limit_removes() {
  const auto limit = options_.copy->max_delete;
  if (!limit || plan_.removes.size() <= *limit) return;
  plan_.removes.resize(*limit);
  plan_.delete_limit_reached = true;
}

Plan Planner::run(const wire::EntryInfo& remote_root) {
  DirNode& root = *replica_.tree().root;
  if ((options_.rules.attributes & wire::attr_links) != 0) find_leaders(root);
  if (options_.from_records) {
    for_each_dir(root, [&](DirNode& node) { live_dirs_.emplace(node.id, &node); });
    for_each_dir(root, [&](DirNode& node) { find_gone(node); });
  }
  wire::EntryInfo own;
  own.type = fs::FileType::directory;
  own.mode = replica_.tree().root_stat.mode;
  own.uid = options_.rules.uid.value_or(replica_.tree().root_stat.uid);
  own.gid = options_.rules.gid.value_or(replica_.tree().root_stat.gid);
  own.mtime_ns = replica_.tree().root_stat.mtime_ns;
  own.xattr_digest = replica_.tree().root_xattrs;
  const Difference difference = compare(own, remote_root, options_.rules.attributes);
  if (difference.attributes()) touch(root);
  visit(root, {!options_.remote_is_empty, root.id});
  if (options_.from_records) remove_gone();
  limit_removes();
  // Deepest first, so that setting a parent's time is never undone by a child.
  for_each_dir(root, [&](DirNode& node) {
    if (touched_.contains(&node)) plan_.dir_metas.push_back(&node);
  });
  std::ranges::reverse(plan_.dir_metas);
  return std::move(plan_);
}

}  // namespace

Plan make_plan(Replica& replica, const RemoteDirs& remote, const wire::EntryInfo& remote_root,
               const PlanOptions& options) {
  return Planner(replica, remote, options).run(remote_root);
}

}  // namespace syncline::sync
