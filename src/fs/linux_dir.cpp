// SPDX-License-Identifier: Apache-2.0
// An open directory on Linux: opening, creating, renaming and removing names in it.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <climits>
#include <cstdio>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "fs/linux_fs.hpp"

namespace syncline::fs {
namespace {

constexpr int dir_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
// O_NONBLOCK: a FIFO that stands where a file was expected must not block us.
constexpr int file_flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

const LinuxDir& as_linux(const Dir& dir, const std::string& name) {
  const auto* out = dynamic_cast<const LinuxDir*>(&dir);
  if (out == nullptr) throw_named("move between file systems", name, EXDEV);
  return *out;
}

Stat stat_of_regular(int fd, const std::string& name) {
  const auto stat = stat_of_fd(fd, name);
  if (stat.type == FileType::regular) return stat;
  throw_named("open as a regular file", name, stat.type == FileType::directory ? EISDIR : EINVAL);
}

/// Opens a file on which somebody holds a lease: waits until it is given up. The O_PATH descriptor
/// pins the inode, so that what is waited for is a regular file and nothing else.
Fd open_leased(int dir_fd, const std::string& name, int flags) {
  Fd pinned(retry([&] { return ::openat(dir_fd, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC); }));
  if (!pinned) throw_named("open", name);
  stat_of_regular(pinned.get(), name);
  const std::string path = "/proc/self/fd/" + std::to_string(pinned.get());
  const int plain = flags & ~(O_NOFOLLOW | O_NONBLOCK);  // the link of /proc must be followed
  return Fd(retry([&] { return ::open(path.c_str(), plain); }));
}

/// -1 with errno ENOSYS where the kernel or a sandbox does not have it.
int open_beneath_kernel(int dir_fd, const char* path) {
  struct open_how how {};
  how.flags = dir_flags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: something was renamed during the look-up; it settles.
  for (int attempt = 0; attempt < 64; ++attempt) {
    const auto fd = ::syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) return static_cast<int>(fd);
  }
  errno = EAGAIN;
  return -1;
}

Fd open_stepwise(int dir_fd, const RelPath& path) {
  Fd current;
  for (const auto part : path.components()) {
    const std::string name(part);
    const int parent = current ? current.get() : dir_fd;
    Fd next(retry([&] { return ::openat(parent, name.c_str(), dir_flags); }));
    if (!next) throw_named("open directory", path.text());
    current = std::move(next);
  }
  return current;
}

mode_t node_type(FileType type, const std::string& name) {
  switch (type) {
    case FileType::fifo: return S_IFIFO;
    case FileType::socket: return S_IFSOCK;
    case FileType::char_device: return S_IFCHR;
    case FileType::block_device: return S_IFBLK;
    default: throw_named("create a node", name, EINVAL);
  }
}

void check_pair(const std::string& name, const std::string& to_name) {
  check_name(name);
  check_name(to_name);
}

}  // namespace

Stat LinuxDir::stat() const { return stat_of_fd(fd_.get(), name_); }

std::optional<Stat> LinuxDir::stat_at(const std::string& name) const {
  check_name(name);
  struct ::stat raw;
  if (retry([&] { return ::fstatat(fd_.get(), name.c_str(), &raw, AT_SYMLINK_NOFOLLOW); }) < 0) {
    if (errno == ENOENT) return std::nullopt;
    throw_named("examine", name);
  }
  Stat out;
  if (!to_stat(raw, out)) throw_named("examine", name, EOPNOTSUPP);
  return out;
}

std::unique_ptr<Dir> LinuxDir::open_dir(const std::string& name) const {
  check_name(name);
  Fd fd(retry([&] { return ::openat(fd_.get(), name.c_str(), dir_flags); }));
  if (!fd) throw_named("open directory", name);
  return std::make_unique<LinuxDir>(std::move(fd), name);
}

std::unique_ptr<Dir> LinuxDir::open_beneath(const RelPath& path) const {
  if (path.is_root()) {
    Fd fd(retry([&] { return ::openat(fd_.get(), ".", dir_flags); }));
    if (!fd) throw_named("open directory", name_);
    return std::make_unique<LinuxDir>(std::move(fd), name_);
  }
  Fd fd;
  if (path.text().size() < PATH_MAX) {
    fd = Fd(open_beneath_kernel(fd_.get(), path.text().c_str()));
    if (!fd && errno != ENOSYS && errno != EPERM && errno != ENAMETOOLONG)
      throw_named("open directory", path.text());
  }
  if (!fd) fd = open_stepwise(fd_.get(), path);
  return std::make_unique<LinuxDir>(std::move(fd), path.text());
}

std::unique_ptr<File> LinuxDir::open_file(const std::string& name, int flags, Stat* opened,
                                          std::uint32_t mode) const {
  check_name(name);
  Fd fd(retry([&] { return ::openat(fd_.get(), name.c_str(), flags, mode); }));
  if (!fd && errno == EPERM && (flags & O_NOATIME) != 0) {  // only the owner may leave atime alone
    flags &= ~O_NOATIME;
    fd = Fd(retry([&] { return ::openat(fd_.get(), name.c_str(), flags); }));
  }
  if (!fd && errno == EWOULDBLOCK) fd = open_leased(fd_.get(), name, flags);
  if (!fd) throw_named("open", name);
  const auto stat = stat_of_regular(fd.get(), name);
  if (opened != nullptr) *opened = stat;
  return std::make_unique<LinuxFile>(std::move(fd), name);
}

std::unique_ptr<File> LinuxDir::open_read(const std::string& name, Stat* opened) const {
  return open_file(name, O_RDONLY | O_NOATIME | file_flags, opened);
}

std::unique_ptr<File> LinuxDir::open_write(const std::string& name) const {
  return open_file(name, O_RDWR | file_flags, nullptr);
}

std::unique_ptr<File> LinuxDir::create(const std::string& name, std::uint32_t mode) {
  check_name(name);
  Fd fd(retry([&] {
    return ::openat(fd_.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  }));
  if (!fd) throw_named("create", name);
  return std::make_unique<LinuxFile>(std::move(fd), name);
}

std::unique_ptr<File> LinuxDir::open_append(const std::string& name, std::uint32_t mode) {
  return open_file(name, O_RDWR | O_APPEND | O_CREAT | file_flags, nullptr, mode);
}

std::string LinuxDir::read_link(const std::string& name) const {
  check_name(name);
  char buffer[limits::link_target_bytes_max + 1];
  const auto got = retry([&] { return ::readlinkat(fd_.get(), name.c_str(), buffer, sizeof buffer); });
  if (got < 0) throw_named("read the link", name);
  if (static_cast<std::size_t>(got) > limits::link_target_bytes_max)
    throw_named("read the link", name, ENAMETOOLONG);
  return {buffer, static_cast<std::size_t>(got)};
}

void LinuxDir::make_dir(const std::string& name, std::uint32_t mode) {
  check_name(name);
  if (retry([&] { return ::mkdirat(fd_.get(), name.c_str(), mode); }) < 0)
    throw_named("create directory", name);
}

void LinuxDir::make_symlink(const std::string& name, const std::string& target) {
  check_name(name);
  if (target.find('\0') != std::string::npos) throw_named("create link", name, EINVAL);
  if (retry([&] { return ::symlinkat(target.c_str(), fd_.get(), name.c_str()); }) < 0)
    throw_named("create link", name);
}

void LinuxDir::make_node(const std::string& name, FileType type, std::uint32_t mode,
                         std::uint32_t device_major, std::uint32_t device_minor) {
  check_name(name);
  const mode_t raw_mode = node_type(type, name) | mode;
  const dev_t device = ::makedev(device_major, device_minor);
  if (retry([&] { return ::mknodat(fd_.get(), name.c_str(), raw_mode, device); }) < 0)
    throw_named("create a node", name);
}

void LinuxDir::make_link(const Dir& from, const std::string& from_name, const std::string& name) {
  check_pair(from_name, name);
  const int from_fd = as_linux(from, from_name).fd_.get();
  if (retry([&] { return ::linkat(from_fd, from_name.c_str(), fd_.get(), name.c_str(), 0); }) < 0)
    throw_named("create a hard link", name);
}

void LinuxDir::rename(const std::string& name, Dir& to, const std::string& to_name) {
  check_pair(name, to_name);
  const int to_fd = as_linux(to, to_name).fd_.get();
  if (retry([&] { return ::renameat(fd_.get(), name.c_str(), to_fd, to_name.c_str()); }) < 0)
    throw_named("rename to", to_name);
}

void LinuxDir::rename_new(const std::string& name, Dir& to, const std::string& to_name) {
  check_pair(name, to_name);
  const int to_fd = as_linux(to, to_name).fd_.get();
  if (retry([&] { return ::renameat2(fd_.get(), name.c_str(), to_fd, to_name.c_str(), RENAME_NOREPLACE); }) ==
      0)
    return;
  if (errno != EINVAL && errno != ENOSYS) throw_named("rename to", to_name);
  // A file system without RENAME_NOREPLACE: link(2) refuses an existing name as well. Directories
  // have no links, but rename(2) replaces nothing but an empty directory by one.
  const auto before = stat_at(name);
  if (!before) throw_named("rename to", to_name, ENOENT);
  if (before->type == FileType::directory) {
    if (to.stat_at(to_name)) throw_named("rename to", to_name, EEXIST);
    return rename(name, to, to_name);
  }
  to.make_link(*this, name, to_name);
  unlink(name);
}

void LinuxDir::rename_exchange(const std::string& name, Dir& to, const std::string& to_name) {
  check_pair(name, to_name);
  const int to_fd = as_linux(to, to_name).fd_.get();
  if (retry([&] { return ::renameat2(fd_.get(), name.c_str(), to_fd, to_name.c_str(), RENAME_EXCHANGE); }) <
      0)
    throw_named("exchange with", to_name);
}

void LinuxDir::unlink(const std::string& name) {
  check_name(name);
  if (retry([&] { return ::unlinkat(fd_.get(), name.c_str(), 0); }) < 0) throw_named("remove", name);
}

void LinuxDir::remove_dir(const std::string& name) {
  check_name(name);
  if (retry([&] { return ::unlinkat(fd_.get(), name.c_str(), AT_REMOVEDIR); }) < 0)
    throw_named("remove directory", name);
}

}  // namespace syncline::fs
