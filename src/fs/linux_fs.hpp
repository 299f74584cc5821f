// SPDX-License-Identifier: Apache-2.0
// Private to src/fs: the Linux implementation of File and Dir.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "fs/fd.hpp"
#include "fs/fs.hpp"

namespace syncline::fs {

/// Throws Error(errno) with "VERB 'escaped name'" as its context.
[[noreturn]] void throw_named(const char* verb, const std::string& name);
[[noreturn]] void throw_named(const char* verb, const std::string& name, int error_number);

/// False for a file type that this program does not know (whiteouts of other systems and the like).
bool to_stat(const struct ::stat& raw, Stat& out);
/// Like to_stat, but throws EOPNOTSUPP for an unknown type.
Stat stat_of_fd(int fd, const std::string& name);

/// The pair that leaves atime alone and sets mtime, for futimens and utimensat.
struct TimePair {
  explicit TimePair(std::int64_t mtime_ns);
  struct ::timespec values[2];
};

class LinuxFile final : public File {
 public:
  LinuxFile(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

  Stat stat() const override;
  std::size_t pread(std::span<std::byte> out, std::uint64_t offset) const override;
  std::optional<Extent> extent_at(std::uint64_t offset) const override;
  void pwrite(ByteView data, std::uint64_t offset) override;
  std::size_t append(ByteView data) override;
  void truncate(std::uint64_t size_bytes) override;
  void preallocate(std::uint64_t offset, std::uint64_t length_bytes, bool keep_size) override;
  void punch(std::uint64_t offset, std::uint64_t length_bytes) override;
  void copy_range(const File& source, std::uint64_t source_offset, std::uint64_t offset,
                  std::uint64_t length_bytes) override;
  bool clone_from(const File& source) override;
  std::optional<std::uint64_t> extent_count() const override;
  void set_mode(std::uint32_t mode) override;
  void set_owner(std::uint32_t uid, std::uint32_t gid) override;
  void set_mtime(std::int64_t mtime_ns) override;
  std::vector<XattrPair> xattrs() const override;
  void set_xattr(const std::string& name, ByteView value) override;
  void remove_xattr(const std::string& name) override;
  void start_writeback() noexcept override;
  void sync_data() override;
  void sync() override;
  bool try_lease() override;

 private:
  void copy_data(const File& source, std::uint64_t source_offset, std::uint64_t offset,
                 std::uint64_t length_bytes);
  std::uint64_t copy_in_kernel(const LinuxFile& source, std::uint64_t source_offset, std::uint64_t offset,
                               std::uint64_t length_bytes);
  void copy_by_buffer(const File& source, std::uint64_t source_offset, std::uint64_t offset,
                      std::uint64_t length_bytes);
  void make_hole(std::uint64_t offset, std::uint64_t length_bytes);
  void write_zeros(std::uint64_t offset, std::uint64_t length_bytes);

  void forget_extents();

  Fd fd_;
  std::string name_;  // for messages only
  /// The last data extent that was found: some file systems (tmpfs) look at every page up to its end, each
  /// time.
  mutable std::mutex extent_mutex_;
  mutable Extent data_{};
  std::optional<std::chrono::steady_clock::time_point> leased_at_;  ///< when nobody else had it open
};

class LinuxDir final : public Dir {
 public:
  LinuxDir(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}
  int descriptor() const { return fd_.get(); }
  const std::string& shown_name() const { return name_; }

  Stat stat() const override;
  Listing list() const override;
  std::vector<std::string> subdirs() const override;
  std::optional<Stat> stat_at(const std::string& name) const override;
  std::unique_ptr<Dir> open_dir(const std::string& name) const override;
  std::unique_ptr<Dir> open_beneath(const RelPath& path) const override;
  std::unique_ptr<File> open_read(const std::string& name, Stat* opened) const override;
  std::unique_ptr<File> open_write(const std::string& name) const override;
  std::unique_ptr<File> create(const std::string& name, std::uint32_t mode) override;
  std::unique_ptr<File> open_append(const std::string& name, std::uint32_t mode) override;
  std::string read_link(const std::string& name) const override;
  std::vector<XattrPair> xattrs_at(const std::string& name) const override;
  void make_dir(const std::string& name, std::uint32_t mode) override;
  void make_symlink(const std::string& name, const std::string& target) override;
  void make_node(const std::string& name, FileType type, std::uint32_t mode, std::uint32_t device_major,
                 std::uint32_t device_minor) override;
  void make_link(const Dir& from, const std::string& from_name, const std::string& name) override;
  void rename(const std::string& name, Dir& to, const std::string& to_name) override;
  void rename_new(const std::string& name, Dir& to, const std::string& to_name) override;
  void rename_exchange(const std::string& name, Dir& to, const std::string& to_name) override;
  void unlink(const std::string& name) override;
  void remove_dir(const std::string& name) override;
  void set_owner_at(const std::string& name, std::uint32_t uid, std::uint32_t gid) override;
  void set_mtime_at(const std::string& name, std::int64_t mtime_ns) override;
  void set_mode_at(const std::string& name, std::uint32_t mode) override;
  void set_xattr_at(const std::string& name, const std::string& xattr, ByteView value) override;
  void remove_xattr_at(const std::string& name, const std::string& xattr) override;
  void set_mode(std::uint32_t mode) override;
  void set_owner(std::uint32_t uid, std::uint32_t gid) override;
  void set_mtime(std::int64_t mtime_ns) override;
  std::vector<XattrPair> xattrs() const override;
  void set_xattr(const std::string& name, ByteView value) override;
  void remove_xattr(const std::string& name) override;
  void sync() override;
  void sync_filesystem() override;
  bool has_reliable_syncfs() const override;
  std::uint64_t free_bytes() const override;
  std::uint64_t file_system_id() const override;
  bool try_lock() override;

 private:
  std::unique_ptr<File> open_file(const std::string& name, int flags, Stat* opened,
                                  std::uint32_t mode = 0) const;
  /// All records of getdents64 into `records`; returns their bytes.
  std::size_t read_all(std::vector<char>& records) const;
  bool surely_has_no_subdirs() const;

  Fd fd_;
  std::string name_;                  // for messages only
  mutable std::mutex read_position_;  // getdents64 moves the descriptor's offset
};

}  // namespace syncline::fs
