// SPDX-License-Identifier: Apache-2.0
// Listing a directory with the stat of every entry: the hot path of a scan.
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "base/rest_local.hpp"
#include "fs/linux_fs.hpp"

namespace syncline::fs {
namespace {

/// The record of getdents64(2); glibc's readdir would copy each one and allocate per directory.
struct RawEntry {
  std::uint64_t inode;
  std::int64_t offset;
  unsigned short record_bytes;
  unsigned char type;
  char name[1];  // NUL-terminated
};
constexpr std::size_t name_offset = offsetof(RawEntry, name);

constexpr std::size_t read_bytes = 64 * limits::kib;
constexpr std::size_t keep_bytes_max = 1 * limits::mib;

struct NameKey {
  std::uint64_t prefix = 0;  ///< the first eight bytes, most significant first: most compares end here
  const char* name = nullptr;

  bool operator<(const NameKey& other) const {
    if (prefix != other.prefix) return prefix < other.prefix;
    return std::strcmp(name, other.name) < 0;  // as unsigned bytes
  }
};

/// Reused from directory to directory by one thread, so that a scan allocates only its results.
struct Scratch {
  std::vector<char> records;
  std::vector<NameKey> keys;
};

NameKey key_of(const char* name, std::size_t length) {
  std::uint64_t raw = 0;
  std::memcpy(&raw, name, std::min<std::size_t>(length, sizeof raw));
  return {__builtin_bswap64(raw), name};
}

bool is_dot(const char* name) {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/// All records of the directory, back to back; returns their bytes or -1 with errno.
ssize_t read_records(int fd, std::vector<char>& records) {
  if (::lseek(fd, 0, SEEK_SET) < 0) return -1;
  std::size_t used = 0;
  for (;;) {
    if (records.size() < used + read_bytes) records.resize(std::max(used + read_bytes, 2 * used));
    const auto got =
        retry([&] { return ::syscall(SYS_getdents64, fd, records.data() + used, records.size() - used); });
    if (got < 0) return -1;
    if (got == 0) return static_cast<ssize_t>(used);
    used += static_cast<std::size_t>(got);
  }
}

/// Calls `use` with the type and the name of each entry but "." and "..".
template <class Use>
void for_each_record(const std::vector<char>& records, std::size_t used, Use use) {
  for (std::size_t at = 0; at < used;) {
    unsigned short record_bytes;
    std::memcpy(&record_bytes, records.data() + at + offsetof(RawEntry, record_bytes), sizeof record_bytes);
    const char* name = records.data() + at + name_offset;
    if (!is_dot(name)) use(static_cast<unsigned char>(records[at + offsetof(RawEntry, type)]), name);
    at += record_bytes;
  }
}

void collect_keys(const std::vector<char>& records, std::size_t used, std::vector<NameKey>& keys) {
  keys.clear();
  for_each_record(records, used,
                  [&](unsigned char, const char* name) { keys.push_back(key_of(name, std::strlen(name))); });
  std::sort(keys.begin(), keys.end());
}

}  // namespace

std::size_t LinuxDir::read_all(std::vector<char>& records) const {
  const std::lock_guard lock(read_position_);
  const auto used = read_records(fd_.get(), records);
  if (used < 0) throw_named("list directory", name_);
  return static_cast<std::size_t>(used);
}

/// Where ".." of each directory below counts as a link that tells as much as reading all names does, which is
/// most of what it costs to watch a tree. Other file systems count nothing, or make something up.
bool LinuxDir::surely_has_no_subdirs() const {
  struct ::stat stat;
  struct ::statfs system;
  if (::fstat(fd_.get(), &stat) != 0 || stat.st_nlink != 2 || ::fstatfs(fd_.get(), &system) != 0)
    return false;
  return system.f_type == EXT4_SUPER_MAGIC || system.f_type == XFS_SUPER_MAGIC ||
         system.f_type == TMPFS_MAGIC;
}

std::vector<std::string> LinuxDir::subdirs() const {
  if (surely_has_no_subdirs()) return {};
  thread_local RestLocal<std::vector<char>> kept;
  auto& records = *kept;
  std::vector<std::string> out;
  for_each_record(records, read_all(records), [&](unsigned char type, const char* name) {
    struct ::stat raw;
    if (type == DT_DIR || (type == DT_UNKNOWN && ::fstatat(fd_.get(), name, &raw, AT_SYMLINK_NOFOLLOW) == 0 &&
                           S_ISDIR(raw.st_mode)))
      out.emplace_back(name);
  });
  if (records.size() > keep_bytes_max) give_back(records);
  return out;
}

Listing LinuxDir::list() const {
  thread_local RestLocal<Scratch> kept;
  auto& scratch = *kept;
  collect_keys(scratch.records, read_all(scratch.records), scratch.keys);

  Listing out;
  out.entries.reserve(scratch.keys.size());
  for (const auto& key : scratch.keys) {
    struct ::stat raw;
    if (retry([&] { return ::fstatat(fd_.get(), key.name, &raw, AT_SYMLINK_NOFOLLOW); }) < 0) {
      if (errno != ENOENT) out.unknown.push_back({key.name, errno});
      continue;
    }
    auto& entry = out.entries.emplace_back();
    if (to_stat(raw, entry.stat)) {
      entry.name = key.name;
    } else {
      out.entries.pop_back();
      out.unknown.push_back({key.name, EOPNOTSUPP});
    }
  }
  if (scratch.records.size() > keep_bytes_max) scratch = {};
  return out;
}

}  // namespace syncline::fs
