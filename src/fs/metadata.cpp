// SPDX-License-Identifier: Apache-2.0
// Putting wanted metadata onto a file, a directory or a name.
#include "fs/metadata.hpp"

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "fs/xattr.hpp"

namespace syncline::fs {
namespace {

// One interface for the three kinds of target, so that the order of steps is written once.
template <class Object>
struct OpenTarget {
  Object& object;
  std::vector<XattrPair> xattrs() const { return object.xattrs(); }
  Stat stat() const { return object.stat(); }
  void set_owner(std::uint32_t uid, std::uint32_t gid) const { object.set_owner(uid, gid); }
  void set_mode(std::uint32_t mode) const { object.set_mode(mode); }
  void set_mtime(std::int64_t mtime_ns) const { object.set_mtime(mtime_ns); }
  void set_xattr(const std::string& name, ByteView value) const { object.set_xattr(name, value); }
  void remove_xattr(const std::string& name) const { object.remove_xattr(name); }
};

struct NameTarget {
  Dir& dir;
  const std::string& name;
  std::vector<XattrPair> xattrs() const { return dir.xattrs_at(name); }
  Stat stat() const {
    if (auto found = dir.stat_at(name)) return *found;
    throw Error(ENOENT, "set the metadata of '" + escape_name(name) + "'");
  }
  void set_owner(std::uint32_t uid, std::uint32_t gid) const { dir.set_owner_at(name, uid, gid); }
  void set_mode(std::uint32_t mode) const { dir.set_mode_at(name, mode); }
  void set_mtime(std::int64_t mtime_ns) const { dir.set_mtime_at(name, mtime_ns); }
  void set_xattr(const std::string& xattr, ByteView value) const { dir.set_xattr_at(name, xattr, value); }
  void remove_xattr(const std::string& xattr) const { dir.remove_xattr_at(name, xattr); }
};

/// Runs one attribute call. user.* asks for the write bit of the file, whatever the descriptor may
/// do, and an owner's read-only file has none: it is lent one for the moment.
template <class Target, class Call>
void with_write_permission(const Target& target, Call&& call) {
  try {
    return call();
  } catch (const Error& error) {
    if (!error.is_errno(EACCES)) throw;
  }
  const auto mode = target.stat().mode;
  target.set_mode(mode | 0200);
  try {
    call();
  } catch (...) {
    target.set_mode(mode);
    throw;
  }
  target.set_mode(mode);
}

const XattrPair* find(const std::vector<XattrPair>& pairs, const std::string& name) {
  const auto at = std::ranges::lower_bound(pairs, name, {}, &XattrPair::name);
  return at != pairs.end() && at->name == name ? &*at : nullptr;
}

/// True when anything was changed.
template <class Target>
bool apply_xattrs(const Target& target, const std::vector<XattrPair>& wanted) {
  bool changed = false;
  const auto present = target.xattrs();
  const auto run = [&](auto&& call) {
    with_write_permission(target, call);
    changed = true;
  };
  for (const auto& pair : present)
    if (find(wanted, pair.name) == nullptr) run([&] { target.remove_xattr(pair.name); });
  for (const auto& pair : wanted) {
    if (!is_synced_xattr(pair.name, true))  // a peer must not write the labels of this machine
      throw Error(Errc::unsupported, "attribute " + escape_name(pair.name));
    const auto* old = find(present, pair.name);
    if (old == nullptr || old->value != pair.value) run([&] { target.set_xattr(pair.name, pair.value); });
  }
  return changed;
}

template <class Target>
bool apply_owner(const Target& target, const Metadata& wanted, const Stat* current) {
  constexpr std::uint32_t keep = ~0u;  // chown(2): -1 leaves it
  auto uid = wanted.uid.value_or(keep);
  auto gid = wanted.gid.value_or(keep);
  if (current != nullptr && uid == current->uid) uid = keep;
  if (current != nullptr && gid == current->gid) gid = keep;
  if (uid == keep && gid == keep) return false;
  target.set_owner(uid, gid);
  return true;
}

template <class Target>
void apply(const Target& target, const Metadata& wanted, const Stat* current, bool has_mode) {
  // Each of the two may have moved the mode: chown clears setuid, an ACL is in part the mode.
  const bool owner_changed = apply_owner(target, wanted, current);
  const bool xattrs_changed = wanted.xattrs && apply_xattrs(target, *wanted.xattrs);
  const bool mode_known = current != nullptr && !owner_changed && !xattrs_changed;
  if (has_mode && wanted.mode && !(mode_known && current->mode == *wanted.mode))
    target.set_mode(*wanted.mode);
  if (wanted.mtime_ns && (current == nullptr || current->mtime_ns != *wanted.mtime_ns))
    target.set_mtime(*wanted.mtime_ns);
}

}  // namespace

void apply_metadata(File& file, const Metadata& wanted, const Stat* current) {
  apply(OpenTarget<File>{file}, wanted, current, true);
}

void apply_metadata(Dir& dir, const Metadata& wanted, const Stat* current) {
  apply(OpenTarget<Dir>{dir}, wanted, current, true);
}

void apply_metadata_at(Dir& dir, const std::string& name, FileType type, const Metadata& wanted,
                       const Stat* current) {
  apply(NameTarget{dir, name}, wanted, current, type != FileType::symlink);
}

}  // namespace syncline::fs
