// SPDX-License-Identifier: Apache-2.0
// Copying, cloning and hole punching between Linux files.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "fs/linux_fs.hpp"

namespace syncline::fs {
namespace {

constexpr std::size_t copy_buffer_bytes = 256 * limits::kib;
/// Below this a look for holes costs more than copying the zeros.
constexpr std::uint64_t hole_search_bytes_min = 64 * limits::kib;

bool ranges_overlap(std::uint64_t a, std::uint64_t b, std::uint64_t length_bytes) {
  return a < b + length_bytes && b < a + length_bytes;
}

bool is_same_inode(const Stat& a, const Stat& b) { return a.device == b.device && a.inode == b.inode; }

}  // namespace

void LinuxFile::punch(std::uint64_t offset, std::uint64_t length_bytes) {
  forget_extents();
  if (length_bytes == 0) return;
  const int result = retry([&] {
    return ::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                       static_cast<off_t>(length_bytes));
  });
  if (result == 0) return;
  if (errno != EOPNOTSUPP && errno != ENOSYS) throw_named("punch a hole into", name_);
  const auto size = stat().size_bytes;
  if (offset < size) write_zeros(offset, std::min(length_bytes, size - offset));
}

void LinuxFile::write_zeros(std::uint64_t offset, std::uint64_t length_bytes) {
  static const std::vector<std::byte> zeros(copy_buffer_bytes);
  while (length_bytes > 0) {
    const auto count = std::min<std::uint64_t>(length_bytes, zeros.size());
    pwrite(ByteView(zeros).first(static_cast<std::size_t>(count)), offset);
    offset += count;
    length_bytes -= count;
  }
}

void LinuxFile::make_hole(std::uint64_t offset, std::uint64_t length_bytes) {
  const auto size = stat().size_bytes;
  if (offset < size) punch(offset, std::min(length_bytes, size - offset));
  if (offset + length_bytes > size) truncate(offset + length_bytes);
}

void LinuxFile::copy_range(const File& source, std::uint64_t source_offset, std::uint64_t offset,
                           std::uint64_t length_bytes) {
  if (length_bytes < hole_search_bytes_min) return copy_data(source, source_offset, offset, length_bytes);
  while (length_bytes > 0) {
    const auto extent = source.extent_at(source_offset);
    if (!extent) throw Error(Errc::changed, "copy from '" + escape_name(name_) + "'");
    const auto count = std::min(extent->length_bytes, length_bytes);
    if (extent->hole) make_hole(offset, count);
    else copy_data(source, source_offset, offset, count);
    source_offset += count;
    offset += count;
    length_bytes -= count;
  }
}

void LinuxFile::copy_data(const File& source, std::uint64_t source_offset, std::uint64_t offset,
                          std::uint64_t length_bytes) {
  std::uint64_t done = 0;
  if (const auto* linux_source = dynamic_cast<const LinuxFile*>(&source)) {
    done = copy_in_kernel(*linux_source, source_offset, offset, length_bytes);
    // The kernel refuses overlapping ranges of one file; a buffer would garble them silently.
    if (done < length_bytes && ranges_overlap(source_offset + done, offset + done, length_bytes - done) &&
        is_same_inode(source.stat(), stat()))
      throw_named("copy within", name_, EINVAL);
  }
  copy_by_buffer(source, source_offset + done, offset + done, length_bytes - done);
}

/// Returns how many bytes the kernel copied before it refused or met the end of the source.
std::uint64_t LinuxFile::copy_in_kernel(const LinuxFile& source, std::uint64_t source_offset,
                                        std::uint64_t offset, std::uint64_t length_bytes) {
  std::uint64_t done = 0;
  while (done < length_bytes) {
    auto from = static_cast<loff_t>(source_offset + done);
    auto to = static_cast<loff_t>(offset + done);
    const auto want = std::min<std::uint64_t>(length_bytes - done, 1ull << 30);
    const auto got = retry([&] {
      return ::copy_file_range(source.fd_.get(), &from, fd_.get(), &to, static_cast<std::size_t>(want), 0);
    });
    if (got == 0) break;
    if (got < 0) {
      if (errno == EXDEV || errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS || errno == EPERM ||
          errno == ETXTBSY)
        break;
      throw_named("copy into", name_);
    }
    done += static_cast<std::uint64_t>(got);
  }
  return done;
}

void LinuxFile::copy_by_buffer(const File& source, std::uint64_t source_offset, std::uint64_t offset,
                               std::uint64_t length_bytes) {
  if (length_bytes == 0) return;
  std::vector<std::byte> buffer(
      static_cast<std::size_t>(std::min<std::uint64_t>(length_bytes, copy_buffer_bytes)));
  while (length_bytes > 0) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(length_bytes, buffer.size()));
    const auto got = source.pread(std::span(buffer).first(want), source_offset);
    if (got == 0) throw Error(Errc::changed, "copy into '" + escape_name(name_) + "'");
    pwrite(ByteView(buffer).first(got), offset);
    source_offset += got;
    offset += got;
    length_bytes -= got;
  }
}

bool LinuxFile::clone_from(const File& source) {
  forget_extents();
  const auto* linux_source = dynamic_cast<const LinuxFile*>(&source);
  if (linux_source == nullptr) return false;
  if (retry([&] { return ::ioctl(fd_.get(), FICLONE, linux_source->fd_.get()); }) == 0) return true;
  switch (errno) {
    case EOPNOTSUPP:
    case ENOTTY:
    case EXDEV:
    case EINVAL:
    case ENOSYS:
    case EBADF:    // as some file systems without reflinks say
    case EPERM:    // a sandbox
    case ETXTBSY:  // a swap file
      return false;
    default: throw_named("clone into", name_);
  }
}

}  // namespace syncline::fs
