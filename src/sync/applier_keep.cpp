// SPDX-License-Identifier: Apache-2.0
// Keeping what others made of the receiving side when the sender's version takes its place.
#include <algorithm>
#include <cerrno>

#include "base/limits.hpp"
#include "chunk/chunker.hpp"
#include "patch/conflict_name.hpp"
#include "sync/file_state.hpp"
#include "sync/session.hpp"

namespace syncline::sync {
namespace {

constexpr std::uint32_t kept_dir_mode = 0700;
const char* const kept_dir_name = "kept";  ///< in our area

RelPath below(RelPath dir, const RelPath& path) {
  for (const auto component : path.components()) dir = dir.child(component);
  return dir;
}

}  // namespace

/// A backup directory takes all that is replaced anyway.
bool Applier::keeps_drift() const {
  return begin_.backup_dir.empty() && (begin_.flags & (wire::begin_keep_beside | wire::begin_keep_area)) != 0;
}

bool Applier::is_drifted(const RelPath& path) {
  std::lock_guard lock(replica_.mutex());
  const DirNode* node = replica_.tree().find_dir(path.parent());
  const Entry* entry = node == nullptr ? nullptr : node->find(path.name());
  return entry != nullptr && entry->drifted;
}

/// One directory for a component of a path; where something else has its name, one of another name.
std::shared_ptr<fs::Dir> Applier::make_kept_dir(fs::Dir& parent, std::string& name) {
  const std::string wanted = name;
  for (unsigned seq = 1;; ++seq) {
    try {
      parent.make_dir(name, kept_dir_mode);
      if (options_.durability != patch::Durability::none) parent.sync();
    } catch (const Error& error) {
      if (!error.is_errno(EEXIST)) throw;
    }
    try {
      return parent.open_dir(name);
    } catch (const Error& error) {
      const bool is_other = error.is_errno(ENOTDIR) || error.is_errno(ELOOP);
      if (!is_other || seq > limits::conflict_seq_max) throw;
    }
    name = patch::conflict_name(wanted, device_, seq);
  }
}

/// `path` is what they are called in the end.
std::shared_ptr<fs::Dir> Applier::make_dirs(RelPath& path) {
  std::shared_ptr<fs::Dir> dir = root_;
  RelPath made;
  for (const auto component : path.components()) {
    std::string name(component);
    dir = make_kept_dir(*dir, name);
    made = made.child(name);
  }
  path = made;
  return dir;
}

/// Where a version of `path` that drifted goes. Beside it, too, where the area is on another file system.
RelPath Applier::keep_dir(const RelPath& path) {
  const bool beside = (begin_.flags & wire::begin_keep_beside) != 0 ||
                      dir_of(path.parent())->stat().device != replica_.tree().root_stat.device;
  if (beside) return path.parent();
  return below(RelPath::parse(std::string(area_name) + '/' + kept_dir_name), path.parent());
}

/// How what is `present` is kept, if it is to be; `kept_in` where that is because it drifted.
std::optional<patch::Keep> Applier::keep_of(const RelPath& path, const std::optional<fs::Stat>& present,
                                            std::optional<RelPath>& kept_in) {
  using Naming = patch::Keep::Naming;
  if (!present) return std::nullopt;
  if (!begin_.backup_dir.empty()) {
    auto dir = below(path_of_peer(begin_.backup_dir), path.parent());
    return patch::Keep{make_dirs(dir), Naming::replacing, ""};
  }
  if (!keeps_drift() || !is_drifted(path)) return std::nullopt;
  kept_in = keep_dir(path);
  const bool beside = *kept_in == path.parent();
  return patch::Keep{beside ? dir_of(*kept_in) : make_dirs(*kept_in), beside ? Naming::beside : Naming::own,
                     device_};
}

/// The old version and the new one, of which all is there, are the same.
bool Applier::is_same_content(const FileState& file) {
  if (file.old) return file.old->root() == file.end->root;
  const fs::File* old = file.write->basis();
  if (old == nullptr || old->stat().size_bytes != file.begin.size_bytes) return false;
  return chunk::import_file(*old, file.begin.size_bytes, file.begin.params, replica_.key(), 1).root() ==
         file.end->root;
}

/// Of a file that is small enough to come in one piece.
bool Applier::has_content(const RelPath& path, const fs::Stat& known, ByteView content) {
  if (known.type != fs::FileType::regular || known.size_bytes != content.size()) return false;
  try {
    const auto file = dir_of(path.parent())->open_read(std::string(path.name()));
    Bytes present(content.size());
    return file->pread(present, 0) == present.size() && std::ranges::equal(present, content);
  } catch (const Error&) {
    return false;  // what cannot be read may be anything
  }
}

/// The version that was kept is an entry of its own from now on, unless it is out of the tree.
void Applier::note_kept(const Pending& pending, const patch::Outcome::Kept& kept) {
  const auto kept_as = pending.kept_in->child(kept.name);
  if (*pending.kept_in == pending.path.parent() && kept.stat) {
    std::lock_guard lock(replica_.mutex());
    if (DirNode* node = replica_.tree().find_dir(pending.path.parent())) {
      replica_.load_details(*node);
      const Entry* before = node->find(pending.path.name());
      Extra extra = before != nullptr ? node->extra_of(*before) : Extra{};
      extra.deviating_content.reset();
      Entry& entry = node->put(kept.name, *kept.stat);
      entry.drifted = true;
      if (!extra.empty()) node->make_extra(entry) = extra;
    }
  }
  tell_kept(pending.path, kept_as);
}

void Applier::tell_kept(const RelPath& path, const RelPath& kept_as) {
  set_apart(kept_as.text());
  const wire::Kept kept{path.text(), kept_as.text()};
  if (options_.on_kept) options_.on_kept(kept);
  else answer(kept);
}

void Applier::set_apart(const std::string& path) {
  std::lock_guard lock(apart_mutex_);
  if (apart_.size() <= limits::left_entries_max) apart_.insert(path);
}

std::set<std::string> Applier::apart() {
  std::lock_guard lock(apart_mutex_);
  return {apart_.begin(), apart_.end()};
}

bool Applier::is_apart(const std::string& path) {
  std::lock_guard lock(apart_mutex_);
  return apart_.size() > limits::left_entries_max || apart_.contains(path);
}

/// Moves what is to be removed to where it is kept, whole; false where nothing of it is to be kept.
bool Applier::set_aside(const wire::Remove& op, const RelPath& path, fs::FileType type) {
  if (!keeps_drift() || (!op.keep && !is_drifted(path))) return false;
  wait_committed();
  auto kept_in = keep_dir(path);
  const bool beside = kept_in == path.parent();
  const patch::Keep keep{beside ? dir_of(kept_in) : make_dirs(kept_in),
                         beside ? patch::Keep::Naming::beside : patch::Keep::Naming::own, device_};
  const std::string name(path.name());
  const auto parent = dir_of(path.parent());
  const auto kept_as = kept_in.child(patch::keep_moved(*parent, name, keep));
  if (type == fs::FileType::directory) forget_dirs();
  if (beside) {
    const auto now = parent->stat_at(std::string(kept_as.name()));
    if (!now) throw Error(Errc::foreign, kept_as.text());
    move_entry(path, kept_as, *now);
    std::lock_guard lock(replica_.mutex());
    if (DirNode* node = replica_.tree().find_dir(kept_as.parent()))
      if (Entry* entry = node->find(kept_as.name())) entry->drifted = true;
  } else {
    std::lock_guard lock(replica_.mutex());
    if (DirNode* node = replica_.tree().find_dir(path.parent())) {
      replica_.load_details(*node);
      node->erase(name);
    }
  }
  tell_kept(path, kept_as);
  return true;
}

}  // namespace syncline::sync
