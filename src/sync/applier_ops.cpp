// SPDX-License-Identifier: Apache-2.0
// Operations without content: directories, links, nodes, attributes, renames, removals.
#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "sync/applier.hpp"
#include "sync/file_state.hpp"
#include "sync/held_bytes.hpp"
#include "sync/session.hpp"

namespace syncline::sync {
namespace {

constexpr std::uint32_t new_dir_mode = 0700;  ///< until its attributes are set at the end

bool same_file(const fs::Stat& known, const fs::Stat& found) {
  if (known.type != found.type || known.device != found.device || known.inode != found.inode) return false;
  if (known.type == fs::FileType::directory) return true;
  // A further name that came or went moved the ctime of all others.
  const bool linked = known.link_count > 1 || found.link_count > 1;
  return known.size_bytes == found.size_bytes && known.mtime_ns == found.mtime_ns &&
         (linked || known.ctime_ns == found.ctime_ns);
}

}  // namespace

/// One failing entry is told and does not stop the others.
template <class F>
void Applier::guarded(const std::string& path, F&& action, std::uint64_t needed_bytes) {
  try {
    action();
  } catch (const Error& error) {
    if (ends_session(error)) throw;
    send_failure(path, error, needed_bytes);
  }
}

void Applier::apply(wire::Batch batch) {
  wait_for_commits();
  announce(batch);
  std::vector<wire::WriteFile> files;
  std::size_t bytes = 0;
  for (auto& op : batch.ops) {
    if (auto* write = std::get_if<wire::WriteFile>(&op)) {
      bytes += held_bytes(*write);
      files.push_back(std::move(*write));
      continue;
    }
    if (auto* dir = std::get_if<wire::MakeDir>(&op)) guarded(dir->path, [&] { make_dir(*dir); });
    else if (auto* symlink = std::get_if<wire::MakeSymlink>(&op))
      guarded(symlink->path, [&] { make_symlink(*symlink); });
    else if (auto* node = std::get_if<wire::MakeNode>(&op)) guarded(node->path, [&] { make_node(*node); });
    else if (auto* link = std::get_if<wire::MakeLink>(&op)) guarded(link->path, [&] { make_link(*link); });
    else if (auto* meta = std::get_if<wire::SetMeta>(&op)) guarded(meta->path, [&] { set_meta(*meta); });
    else if (auto* renamed = std::get_if<wire::Rename>(&op)) guarded(renamed->to, [&] { rename(*renamed); });
    else if (auto* removed = std::get_if<wire::Remove>(&op))
      guarded(removed->path, [&] { remove(*removed); });
  }
  if (files.empty()) return;
  const std::size_t worker = next_worker_++ % workers_.size();
  post(worker, bytes, [this, shared = std::make_shared<std::vector<wire::WriteFile>>(std::move(files))] {
    for (const auto& file : *shared)
      guarded(
          file.path, [&] { write_file(file); }, file.content.size());
  });
}

/// The tree takes over what the disk says of an entry after one of our operations.
void Applier::refresh(const RelPath& path, fs::FileType type, const hash::Digest* xattrs) {
  if (path.is_root()) {
    std::lock_guard lock(replica_.mutex());
    replica_.tree().root_stat = replica_.root().stat();
    if (xattrs != nullptr) replica_.tree().root_xattrs = *xattrs;
    return;
  }
  const std::string name(path.name());
  const auto stat = dir_of(path.parent())->stat_at(name);
  if (!stat || stat->type != type) throw Error(Errc::foreign, path.text());
  std::lock_guard lock(replica_.mutex());
  DirNode* node = replica_.tree().find_dir(path.parent());
  if (node == nullptr) return;
  replica_.load_details(*node);
  Entry& entry = node->put(name, *stat);
  if (xattrs != nullptr && (*xattrs != hash::Digest{} || entry.extra != 0))
    node->make_extra(entry).xattr_digest = *xattrs;
  if (type == fs::FileType::directory) {
    DirNode& child = node->add_child(name);
    child.id = dir_id(*stat, replica_.tree().root_stat.device);
  }
}

void Applier::make_dir(const wire::MakeDir& op) {
  const auto path = path_to_change(op.path);
  try {
    dir_of(path.parent())->make_dir(std::string(path.name()), new_dir_mode);
  } catch (const Error& error) {
    if (!error.is_errno(EEXIST)) throw;  // a directory of that name that nobody knew of is as good
  }
  refresh(path, fs::FileType::directory, nullptr);
}

void Applier::make_symlink(const wire::MakeSymlink& op) {
  const auto path = path_to_change(op.path);
  const auto expected = known_stat(path);
  Pending pending;
  const auto keep = keep_of(path, expected, pending.kept_in);
  pending.path = path;
  pending.type = fs::FileType::symlink;
  pending.link_target = op.target;
  pending.xattr_digest = xattr_digest(op.meta.xattrs, rules_.attributes);
  const auto metadata = metadata_of(op.meta);
  const auto make = [target = op.target, metadata](fs::Dir& dir, const std::string& name) {
    dir.make_symlink(name, target);
    fs::apply_metadata_at(dir, name, fs::FileType::symlink, metadata, nullptr);
  };
  submit(std::move(pending), [&](std::uint64_t token) {
    area_->place(dir_of(path.parent()), path, expected, make, token, keep);
  });
}

void Applier::make_node(const wire::MakeNode& op) {
  const auto path = path_to_change(op.path);
  const auto expected = known_stat(path);
  Pending pending;
  const auto keep = keep_of(path, expected, pending.kept_in);
  pending.path = path;
  pending.type = op.type;
  pending.xattr_digest = xattr_digest(op.meta.xattrs, rules_.attributes);
  const auto metadata = metadata_of(op.meta);
  const auto make = [op, metadata](fs::Dir& dir, const std::string& name) {
    dir.make_node(name, op.type, op.meta.mode, op.device_major, op.device_minor);
    fs::apply_metadata_at(dir, name, op.type, metadata, nullptr);
  };
  submit(std::move(pending), [&](std::uint64_t token) {
    area_->place(dir_of(path.parent()), path, expected, make, token, keep);
  });
}

void Applier::make_link(const wire::MakeLink& op) {
  const auto path = path_to_change(op.path);
  const auto existing = path_to_change(op.existing);
  const auto expected = known_stat(path);
  links_moved_ = true;
  Pending pending;
  const auto keep = keep_of(path, expected, pending.kept_in);
  pending.path = path;
  pending.like = op.existing;
  {
    std::lock_guard lock(replica_.mutex());
    if (DirNode* node = replica_.tree().find_dir(existing.parent())) {
      replica_.load_details(*node);
      const Entry* entry = node->find(existing.name());
      if (entry == nullptr || entry->type != fs::FileType::regular)
        throw Error(ENOENT, "link to '" + escape_name(op.existing) + "'");
      pending.xattr_digest = node->extra_of(*entry).xattr_digest;
    }
  }
  const auto make = [from = dir_of(existing.parent()), from_name = std::string(existing.name())](
                        fs::Dir& dir, const std::string& name) { dir.make_link(*from, from_name, name); };
  submit(std::move(pending), [&](std::uint64_t token) {
    area_->place(dir_of(path.parent()), path, expected, make, token, keep);
  });
}

void Applier::set_dir_meta(fs::Dir& parent, const RelPath& path, fs::Metadata wanted) {
  if ((rules_.attributes & wire::attr_dir_times) == 0) wanted.mtime_ns.reset();
  const std::string name(path.name());
  fs::apply_metadata(*parent.open_dir(name), wanted, nullptr);
  has_opened_ = has_opened_ || (wanted.mode && may_look_into(*wanted.mode) && is_closed(path));
}

/// Nothing, or not all, of what is in it is known.
bool Applier::is_closed(const RelPath& path) {
  std::lock_guard lock(replica_.mutex());
  const DirNode* node = replica_.tree().find_dir(path);
  return node != nullptr && (node->unreadable || !node->unknown.empty());
}

void Applier::set_meta(const wire::SetMeta& op) {
  wait_committed();
  const auto path = path_to_change(op.path);
  const auto metadata = metadata_of(op.meta);
  const auto digest = xattr_digest(op.meta.xattrs, rules_.attributes);
  if (path.is_root()) {
    fs::Metadata wanted = metadata;
    if ((rules_.attributes & wire::attr_dir_times) == 0) wanted.mtime_ns.reset();
    fs::apply_metadata(*root_, wanted, nullptr);
    return refresh(path, fs::FileType::directory, &digest);
  }
  const std::string name(path.name());
  const auto parent = dir_of(path.parent());
  const auto known = known_stat(path);
  const auto found = parent->stat_at(name);
  if (!known || !found || !same_file(*known, *found)) throw Error(Errc::foreign, path.text());
  if (found->type == fs::FileType::directory) {
    set_dir_meta(*parent, path, metadata);
  } else if (found->type == fs::FileType::regular) {
    announce_change(path, *found);
    const auto file = parent->open_read(name);
    fs::apply_metadata(*file, metadata, nullptr);
  } else {
    fs::apply_metadata_at(*parent, name, found->type, metadata, nullptr);
  }
  refresh(path, found->type, &digest);
  if (found->type != fs::FileType::directory && found->link_count > 1) refresh_names_of(*found);
}

/// A change of one name's attributes shows under all names of the file.
void Applier::refresh_names_of(const fs::Stat& stat) {
  std::lock_guard lock(replica_.mutex());
  for_each_dir(*replica_.tree().root, [&](DirNode& node) {
    for (std::size_t i = 0; i < node.entries.size(); ++i) {
      if (node.entries[i].inode != stat.inode || node.entries[i].device != stat.device) continue;
      const std::string name(node.name_of(node.entries[i]));
      replica_.load_details(node);
      if (const auto now = replica_.open_dir(node)->stat_at(replica_.disk_name(node, name)))
        node.put(name, *now);
    }
  });
}

void Applier::rename(const wire::Rename& op) {
  wait_idle();
  const auto from = path_to_change(op.from);
  const auto to = path_to_change(op.to);
  const std::string from_name(from.name());
  const std::string to_name(to.name());
  const auto from_dir = dir_of(from.parent());
  const auto to_dir = dir_of(to.parent());
  const auto known = known_stat(from);
  const auto found = from_dir->stat_at(from_name);
  if (!known || !found || !same_file(*known, *found)) throw Error(Errc::foreign, from.text());
  announce_rename(from, to);
  from_dir->rename_new(from_name, *to_dir, to_name);
  forget_dirs();
  const auto now = to_dir->stat_at(to_name);
  if (!now) throw Error(Errc::foreign, to.text());
  move_entry(from, to, *now);
}

/// In the tree, with all that is known of it.
void Applier::move_entry(const RelPath& from, const RelPath& to, const fs::Stat& now) {
  const std::string from_name(from.name());
  std::lock_guard lock(replica_.mutex());
  DirNode* old_node = replica_.tree().find_dir(from.parent());
  DirNode* new_node = replica_.tree().find_dir(to.parent());
  if (old_node == nullptr || new_node == nullptr) throw Error(Errc::foreign, to.text());
  replica_.load_details(*old_node);
  replica_.load_details(*new_node);
  const Entry entry = *old_node->find(from_name);
  const Extra extra = old_node->extra_of(entry);
  const Content* content = old_node->content_of(entry);
  const std::optional<Content> kept = content != nullptr ? std::optional(*content) : std::nullopt;
  auto child = old_node->take_child(from_name);
  old_node->erase(from_name);
  Entry& placed = new_node->put(to.name(), now);
  placed.drifted = entry.drifted;
  if (!extra.empty()) new_node->make_extra(placed) = extra;
  if (kept) new_node->set_content(placed, *kept);
  if (child) new_node->put_child(std::move(child), to.name());
}

/// Names that came and went moved the ctime of the files' other names: the tree must know, or they would
/// look like edits in the next run.
void Applier::refresh_links() {
  if (!links_moved_) return;
  std::lock_guard lock(replica_.mutex());
  for_each_dir(*replica_.tree().root, [&](DirNode& node) {
    std::unique_ptr<fs::Dir> dir;
    for (std::size_t i = 0; i < node.entries.size(); ++i) {
      const Entry entry = node.entries[i];
      if (entry.type != fs::FileType::regular || entry.link_count < 2) continue;
      replica_.load_details(node);
      if (!dir) dir = replica_.open_dir(node);
      const std::string name(node.name_of(entry));
      const auto stat = dir->stat_at(replica_.disk_name(node, name));
      if (stat && stat->inode == entry.inode && stat->size_bytes == entry.size_bytes &&
          stat->mtime_ns == entry.mtime_ns && stat->ctime_ns != entry.ctime_ns)
        node.put(name, *stat);
    }
  });
}

/// Under --one-file-system: what is mounted there was not looked at.
bool Applier::is_mount_point(const fs::Stat& dir) const {
  return options_.one_file_system && dir.device != replica_.tree().root_stat.device;
}

/// What is in a directory that is to go must be known first: with all that is closed below it, so that one
/// more session is enough.
void Applier::open_up(const RelPath& top, const fs::Stat& closed) {
  constexpr std::uint32_t owner = 0700;
  std::vector<std::pair<RelPath, fs::Stat>> todo{{top, closed}};
  while (!todo.empty()) {
    const auto [path, before] = std::move(todo.back());
    todo.pop_back();
    const auto parent = dir_of(path.parent());
    const std::string name(path.name());
    // By its name, which another directory may have taken by now: that must not be opened to anybody else.
    if (!may_look_into(before.mode)) parent->set_mode_at(name, (before.mode & ~0077U) | owner);
    const auto dir = parent->open_dir(name);
    const auto now = dir->stat();
    if (now.inode != before.inode || now.device != before.device) throw Error(Errc::foreign, path.text());
    if (now.mode != before.mode) dir->set_mode(before.mode | owner);
    for (const auto& entry : dir->list().entries)
      if (entry.stat.type == fs::FileType::directory && entry.stat.device == before.device)
        todo.emplace_back(path.child(entry.name), entry.stat);
  }
}

void Applier::remove(const wire::Remove& op) {
  wait_idle();
  const auto path = path_to_change(op.path);
  const std::string name(path.name());
  const auto known = known_stat(path);
  if (!known) return;  // what is not there need not be removed
  const auto parent = dir_of(path.parent());
  const auto found = parent->stat_at(name);
  if (found) {
    if (!options_.may_delete) throw Error(EPERM, "delete '" + escape_name(op.path) + "': not granted");
    if (!same_file(*known, *found)) throw Error(Errc::foreign, path.text());
    if (op.directory && is_mount_point(*found)) {
      if (options_.notice) options_.notice("'" + escape_name(op.path) + "' is a mount point: not deleted");
      set_apart(op.path);
      return;
    }
    if (op.directory && is_closed(path)) {
      open_up(path, *found);
      has_opened_ = true;
      return refresh(path, fs::FileType::directory, nullptr);
    }
    if (!op.directory && found->link_count > 1) links_moved_ = true;
    if (set_aside(op, path, found->type)) return;
    if (op.directory) {
      parent->remove_dir(name);
      forget_dirs();
    } else if (std::optional<RelPath> nowhere; const auto keep = keep_of(path, known, nowhere)) {
      patch::keep_moved(*parent, name, *keep);
    } else {
      parent->unlink(name);
    }
  }
  std::lock_guard lock(replica_.mutex());
  DirNode* node = replica_.tree().find_dir(path.parent());
  if (node == nullptr) return;
  replica_.load_details(*node);
  if (const Entry* entry = node->find(name))
    if (const Content* content = node->content_of(*entry)) replica_.drop_manifest(content->manifest_id);
  node->erase(name);
}

}  // namespace syncline::sync
