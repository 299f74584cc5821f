// SPDX-License-Identifier: Apache-2.0
// The Linux file system as a whole: opening roots, and what files and directories share.
#include "fs/linux_fs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "base/error.hpp"

namespace syncline::fs {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

/// Saturates outside of the years 1677..2262, which XFS and btrfs can store.
std::int64_t to_ns(const struct ::timespec& time) {
  std::int64_t out = 0;
  if (__builtin_mul_overflow(static_cast<std::int64_t>(time.tv_sec), second_ns, &out) ||
      __builtin_add_overflow(out, static_cast<std::int64_t>(time.tv_nsec), &out))
    return time.tv_sec < 0 ? std::numeric_limits<std::int64_t>::min()
                           : std::numeric_limits<std::int64_t>::max();
  return out;
}

bool to_type(mode_t mode, FileType& out) {
  switch (mode & S_IFMT) {
    case S_IFREG: out = FileType::regular; return true;
    case S_IFDIR: out = FileType::directory; return true;
    case S_IFLNK: out = FileType::symlink; return true;
    case S_IFIFO: out = FileType::fifo; return true;
    case S_IFSOCK: out = FileType::socket; return true;
    case S_IFCHR: out = FileType::char_device; return true;
    case S_IFBLK: out = FileType::block_device; return true;
    default: return false;
  }
}

void throw_if_nul(const std::string& path) {
  if (path.find('\0') != std::string::npos) throw_named("use the path", path, EINVAL);
}

class LinuxFs final : public Fs {
 public:
  std::unique_ptr<Dir> open_root(const std::string& path) override {
    throw_if_nul(path);
    Fd fd(retry([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (!fd) throw_named("open directory", path);
    return std::make_unique<LinuxDir>(std::move(fd), path);
  }

  std::optional<Stat> stat_path(const std::string& path, bool follow) override {
    throw_if_nul(path);
    struct ::stat raw;
    const int flags = follow ? 0 : AT_SYMLINK_NOFOLLOW;
    if (retry([&] { return ::fstatat(AT_FDCWD, path.c_str(), &raw, flags); }) < 0) {
      if (errno == ENOENT) return std::nullopt;
      throw_named("examine", path);
    }
    Stat out;
    if (!to_stat(raw, out)) throw_named("examine", path, EOPNOTSUPP);
    return out;
  }

  void make_dirs(const std::string& path, std::uint32_t mode) override {
    throw_if_nul(path);
    for (std::size_t end = 0; end < path.size();) {
      end = std::min(path.find('/', end + 1), path.size());
      const std::string prefix = path.substr(0, end);
      if (retry([&] { return ::mkdir(prefix.c_str(), mode); }) == 0) continue;
      const int saved = errno;  // EROFS and EACCES also come for a directory that is there
      const auto existing = stat_path(prefix, true);
      if (!existing) throw_named("create directory", prefix, saved);
      if (existing->type != FileType::directory) throw_named("create directory", prefix, ENOTDIR);
    }
  }

  std::string real_path(const std::string& path) override {
    throw_if_nul(path);
    const std::unique_ptr<char, decltype(&std::free)> out(::realpath(path.c_str(), nullptr), &std::free);
    if (!out) throw_named("resolve", path);
    return out.get();
  }

  std::uint32_t effective_uid() const override { return ::geteuid(); }
};

}  // namespace

std::size_t File::append(ByteView) { throw Error(EOPNOTSUPP, "append to a file"); }

void throw_named(const char* verb, const std::string& name) { throw_named(verb, name, errno); }

void throw_named(const char* verb, const std::string& name, int error_number) {
  throw Error(error_number, std::string(verb) + " '" + escape_name(name) + "'");
}

bool to_stat(const struct ::stat& raw, Stat& out) {
  if (!to_type(raw.st_mode, out.type)) return false;
  out.mode = raw.st_mode & 07777;
  out.uid = raw.st_uid;
  out.gid = raw.st_gid;
  out.link_count = static_cast<std::uint32_t>(raw.st_nlink);
  out.size_bytes = static_cast<std::uint64_t>(raw.st_size);
  out.allocated_bytes = static_cast<std::uint64_t>(raw.st_blocks) * 512;
  out.mtime_ns = to_ns(raw.st_mtim);
  out.ctime_ns = to_ns(raw.st_ctim);
  out.device = raw.st_dev;
  out.inode = raw.st_ino;
  out.device_major = major(raw.st_rdev);
  out.device_minor = minor(raw.st_rdev);
  return true;
}

Stat stat_of_fd(int fd, const std::string& name) {
  struct ::stat raw;
  if (retry([&] { return ::fstat(fd, &raw); }) < 0) throw_named("examine", name);
  Stat out;
  if (!to_stat(raw, out)) throw_named("examine", name, EOPNOTSUPP);
  return out;
}

TimePair::TimePair(std::int64_t mtime_ns) {
  values[0] = {.tv_sec = 0, .tv_nsec = UTIME_OMIT};
  const auto remainder = ((mtime_ns % second_ns) + second_ns) % second_ns;
  values[1] = {.tv_sec = mtime_ns / second_ns - (mtime_ns % second_ns < 0 ? 1 : 0),
               .tv_nsec = static_cast<long>(remainder)};
}

Fs& linux_fs() {
  static LinuxFs instance;
  return instance;
}

}  // namespace syncline::fs
