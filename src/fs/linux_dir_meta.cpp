// SPDX-License-Identifier: Apache-2.0
// An open directory on Linux: metadata of it and of the names in it, syncing, locking.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstring>

#include "base/error.hpp"
#include "fs/linux_fs.hpp"
#include "fs/xattr.hpp"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342  // in linux/magic.h only since 5.18
#endif

namespace syncline::fs {

std::vector<XattrPair> LinuxDir::xattrs_at(const std::string& name) const {
  check_name(name);
  return read_xattrs(XattrTarget::of_entry(fd_.get(), name));
}

void LinuxDir::set_xattr_at(const std::string& name, const std::string& xattr, ByteView value) {
  check_name(name);
  write_xattr(XattrTarget::of_entry(fd_.get(), name), xattr, value);
}

void LinuxDir::remove_xattr_at(const std::string& name, const std::string& xattr) {
  check_name(name);
  erase_xattr(XattrTarget::of_entry(fd_.get(), name), xattr);
}

void LinuxDir::set_owner_at(const std::string& name, std::uint32_t uid, std::uint32_t gid) {
  check_name(name);
  if (retry([&] { return ::fchownat(fd_.get(), name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW); }) < 0)
    throw_named("set the owner of", name);
}

void LinuxDir::set_mtime_at(const std::string& name, std::int64_t mtime_ns) {
  check_name(name);
  const TimePair times(mtime_ns);
  if (retry([&] { return ::utimensat(fd_.get(), name.c_str(), times.values, AT_SYMLINK_NOFOLLOW); }) < 0)
    throw_named("set the time of", name);
}

void LinuxDir::set_mode_at(const std::string& name, std::uint32_t mode) {
  check_name(name);
  // The C library does this through an O_PATH descriptor where the kernel has no fchmodat2, and
  // refuses a symlink with EOPNOTSUPP.
  if (retry([&] { return ::fchmodat(fd_.get(), name.c_str(), mode, AT_SYMLINK_NOFOLLOW); }) < 0)
    throw_named("set the mode of", name);
}

void LinuxDir::set_mode(std::uint32_t mode) {
  if (retry([&] { return ::fchmod(fd_.get(), mode); }) < 0) throw_named("set the mode of", name_);
}

void LinuxDir::set_owner(std::uint32_t uid, std::uint32_t gid) {
  if (retry([&] { return ::fchown(fd_.get(), uid, gid); }) < 0) throw_named("set the owner of", name_);
}

void LinuxDir::set_mtime(std::int64_t mtime_ns) {
  const TimePair times(mtime_ns);
  if (retry([&] { return ::futimens(fd_.get(), times.values); }) < 0) throw_named("set the time of", name_);
}

std::vector<XattrPair> LinuxDir::xattrs() const { return read_xattrs(XattrTarget::of_fd(fd_.get(), name_)); }

void LinuxDir::set_xattr(const std::string& name, ByteView value) {
  write_xattr(XattrTarget::of_fd(fd_.get(), name_), name, value);
}

void LinuxDir::remove_xattr(const std::string& name) {
  erase_xattr(XattrTarget::of_fd(fd_.get(), name_), name);
}

void LinuxDir::sync() {
  if (retry([&] { return ::fsync(fd_.get()); }) < 0) throw_named("sync directory", name_);
}

void LinuxDir::sync_filesystem() {
  if (retry([&] { return ::syncfs(fd_.get()); }) < 0) throw_named("sync the file system of", name_);
}

bool LinuxDir::has_reliable_syncfs() const {
  struct statfs info;
  if (retry([&] { return ::fstatfs(fd_.get(), &info); }) < 0) return false;
  switch (static_cast<unsigned long>(info.f_type)) {
    case EXT4_SUPER_MAGIC:
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case TMPFS_MAGIC:  // nothing to sync
      return true;
    default: return false;
  }
}

std::uint64_t LinuxDir::file_system_id() const {
  struct statfs info;
  if (retry([&] { return ::fstatfs(fd_.get(), &info); }) < 0)
    throw_named("look at file system of", shown_name());
  std::uint64_t id = 0;
  static_assert(sizeof id == sizeof info.f_fsid);
  std::memcpy(&id, &info.f_fsid, sizeof id);
  return id != 0 ? id : stat().device;
}

std::uint64_t LinuxDir::free_bytes() const {
  struct statvfs info;
  if (retry([&] { return ::fstatvfs(fd_.get(), &info); }) < 0)
    throw_named("examine the file system of", name_);
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

bool LinuxDir::try_lock() {
  if (retry([&] { return ::flock(fd_.get(), LOCK_EX | LOCK_NB); }) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  throw_named("lock directory", name_);
}

}  // namespace syncline::fs
