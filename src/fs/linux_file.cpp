// SPDX-License-Identifier: Apache-2.0
// A regular file behind a Linux descriptor; copying between files is in linux_copy.cpp.
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "fs/linux_fs.hpp"
#include "fs/xattr.hpp"

namespace syncline::fs {

Stat LinuxFile::stat() const { return stat_of_fd(fd_.get(), name_); }

std::size_t LinuxFile::pread(std::span<std::byte> out, std::uint64_t offset) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const auto got = retry([&] {
      return ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    });
    if (got < 0) throw_named("read", name_);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::optional<Extent> LinuxFile::extent_at(std::uint64_t offset) const {
  const std::lock_guard lock(extent_mutex_);
  const auto data_end = data_.offset + data_.length_bytes;
  if (offset >= data_.offset && offset < data_end) return Extent{offset, data_end - offset, false};
  const auto data = ::lseek(fd_.get(), static_cast<off_t>(offset), SEEK_DATA);
  if (data >= 0 && static_cast<std::uint64_t>(data) > offset)
    return Extent{offset, static_cast<std::uint64_t>(data) - offset, true};
  const bool no_more_data = data < 0 && errno == ENXIO;
  if (data < 0 && !no_more_data && errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS)
    throw_named("find data in", name_);
  if (data >= 0) {
    const auto end = ::lseek(fd_.get(), static_cast<off_t>(offset), SEEK_HOLE);
    if (end >= 0 && static_cast<std::uint64_t>(end) > offset)
      return data_ = Extent{offset, static_cast<std::uint64_t>(end) - offset, false};
  }
  // The tail: a hole up to the end, or a file system that does not know holes.
  const auto size = stat().size_bytes;
  if (offset >= size) return std::nullopt;
  return Extent{offset, size - offset, no_more_data};
}

void LinuxFile::forget_extents() {
  const std::lock_guard lock(extent_mutex_);
  data_ = {};
}

void LinuxFile::pwrite(ByteView data, std::uint64_t offset) {
  while (!data.empty()) {
    const auto put =
        retry([&] { return ::pwrite(fd_.get(), data.data(), data.size(), static_cast<off_t>(offset)); });
    if (put < 0) throw_named("write", name_);
    if (put == 0) throw_named("write", name_, EIO);  // never happens on a sane file system
    data = data.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
}

std::size_t LinuxFile::append(ByteView data) {
  if ((::fcntl(fd_.get(), F_GETFL) & O_APPEND) == 0) return File::append(data);
  const auto put = retry([&] { return ::write(fd_.get(), data.data(), data.size()); });
  if (put < 0) throw_named("write", name_);
  return static_cast<std::size_t>(put);
}

void LinuxFile::truncate(std::uint64_t size_bytes) {
  forget_extents();
  if (retry([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size_bytes)); }) < 0)
    throw_named("truncate", name_);
}

void LinuxFile::preallocate(std::uint64_t offset, std::uint64_t length_bytes, bool keep_size) {
  if (length_bytes == 0) return;
  const int mode = keep_size ? FALLOC_FL_KEEP_SIZE : 0;
  const int result = retry([&] {
    return ::fallocate(fd_.get(), mode, static_cast<off_t>(offset), static_cast<off_t>(length_bytes));
  });
  if (result == 0) return;
  if (errno != EOPNOTSUPP && errno != ENOSYS) throw_named("reserve space for", name_);
  if (!keep_size && stat().size_bytes < offset + length_bytes) truncate(offset + length_bytes);
}

std::optional<std::uint64_t> LinuxFile::extent_count() const {
  struct fiemap map {};
  map.fm_length = FIEMAP_MAX_OFFSET;
  // clang refuses to capture a struct that ends in a flexible array.
  if (retry([&, request = &map] { return ::ioctl(fd_.get(), FS_IOC_FIEMAP, request); }) < 0)
    return std::nullopt;
  return map.fm_mapped_extents;
}

void LinuxFile::set_mode(std::uint32_t mode) {
  if (retry([&] { return ::fchmod(fd_.get(), mode); }) < 0) throw_named("set the mode of", name_);
}

void LinuxFile::set_owner(std::uint32_t uid, std::uint32_t gid) {
  if (retry([&] { return ::fchown(fd_.get(), uid, gid); }) < 0) throw_named("set the owner of", name_);
}

void LinuxFile::set_mtime(std::int64_t mtime_ns) {
  const TimePair times(mtime_ns);
  if (retry([&] { return ::futimens(fd_.get(), times.values); }) < 0) throw_named("set the time of", name_);
}

std::vector<XattrPair> LinuxFile::xattrs() const { return read_xattrs(XattrTarget::of_fd(fd_.get(), name_)); }

void LinuxFile::set_xattr(const std::string& name, ByteView value) {
  write_xattr(XattrTarget::of_fd(fd_.get(), name_), name, value);
}

void LinuxFile::remove_xattr(const std::string& name) {
  erase_xattr(XattrTarget::of_fd(fd_.get(), name_), name);
}

void LinuxFile::start_writeback() noexcept { ::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE); }

void LinuxFile::sync_data() {
  if (retry([&] { return ::fdatasync(fd_.get()); }) < 0) throw_named("sync", name_);
}

void LinuxFile::sync() {
  if (retry([&] { return ::fsync(fd_.get()); }) < 0) throw_named("sync", name_);
}

bool LinuxFile::try_lease() {
  // Whoever opens the file while the lease is held makes the kernel send a signal to us, by
  // default SIGIO, which kills. SIGURG is ignored by default, and with no owner there is no
  // recipient at all; the opener then waits until this file is closed (or lease-break-time).
  if (::fcntl(fd_.get(), F_SETSIG, SIGURG) < 0) return false;
  const auto now = std::chrono::steady_clock::now();
  // One that is held cannot be renewed while somebody waits, but neither does it end before lease-break-time.
  if (::fcntl(fd_.get(), F_SETLEASE, F_WRLCK) < 0)
    return leased_at_ && now - *leased_at_ < limits::lease_hold;
  ::fcntl(fd_.get(), F_SETOWN, 0);
  leased_at_ = now;
  return true;
}

}  // namespace syncline::fs
