// SPDX-License-Identifier: Apache-2.0
// The seam between the engine and the outside world: every file-system call goes through here.
//
// Rules that keep symlinks and renames of strangers harmless:
//  - a Dir is an open directory, not a path; every name given to it is ONE component;
//  - the last component is never followed (O_NOFOLLOW, AT_SYMLINK_NOFOLLOW) and a directory is
//    only ever entered through open_dir, which refuses symlinks;
//  - metadata is set on the open file, never by path.
// Errors throw Error carrying the errno and the escaped name; "not there" is a value where a
// caller branches on it (std::optional). All calls block and are safe to use from several threads
// on different objects; one File or Dir object may be used by several threads for const calls
// (pread, stat_at) and by one at a time for the others.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/relpath.hpp"

namespace syncline::fs {

enum class FileType : std::uint8_t {
  regular = 1,
  directory = 2,
  symlink = 3,
  fifo = 4,
  socket = 5,
  char_device = 6,
  block_device = 7,
};

/// What lstat(2) tells. Times are nanoseconds since the epoch.
struct Stat {
  FileType type = FileType::regular;
  std::uint32_t mode = 0;  ///< permission bits only (07777)
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t link_count = 1;
  std::uint64_t size_bytes = 0;
  std::uint64_t allocated_bytes = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint32_t device_major = 0;  ///< of a device node
  std::uint32_t device_minor = 0;

  bool operator==(const Stat&) const = default;
};

struct DirEntry {
  std::string name;
  Stat stat;
};

/// An entry that is listed but could not be examined (EACCES, EIO ...): known to exist, otherwise
/// unknown. It must never be treated as absent.
struct UnknownEntry {
  std::string name;
  int error_number = 0;
};

struct Listing {
  std::vector<DirEntry> entries;  ///< sorted bytewise by name, without "." and ".."
  std::vector<UnknownEntry> unknown;
};

struct XattrPair {
  std::string name;
  Bytes value;
  auto operator<=>(const XattrPair&) const = default;
};

/// A run of data or a hole of a sparse file.
struct Extent {
  std::uint64_t offset = 0;
  std::uint64_t length_bytes = 0;
  bool hole = false;
};

class File {
 public:
  virtual ~File() = default;

  virtual Stat stat() const = 0;
  /// Reads up to out.size() bytes; fewer only at end of file (short reads are continued).
  virtual std::size_t pread(std::span<std::byte> out, std::uint64_t offset) const = 0;
  /// The extent that starts at `offset` (SEEK_DATA/SEEK_HOLE), to its end; nothing at or past end
  /// of file. One data extent up to the end where the file system does not tell holes. What others do to the
  /// file meanwhile may go unnoticed: a hole looks like data then.
  virtual std::optional<Extent> extent_at(std::uint64_t offset) const = 0;

  /// Writes everything or throws.
  virtual void pwrite(ByteView data, std::uint64_t offset) = 0;
  /// Of a file of Dir::open_append: one write(2) at the end of the file, wherever that is by then, so that
  /// what several processes append stays apart. Returns what was written, which is less than `data` where the
  /// disk is full. Throws EOPNOTSUPP for any other file.
  virtual std::size_t append(ByteView data);
  virtual void truncate(std::uint64_t size_bytes) = 0;
  /// Reserves space (fallocate, keeps size when keep_size); EOPNOTSUPP is ignored, ENOSPC throws.
  virtual void preallocate(std::uint64_t offset, std::uint64_t length_bytes, bool keep_size) = 0;
  /// Makes a range a hole (reads as zeros); writes zeros where punching is not supported. Never
  /// changes the size: what lies past the end of the file is ignored.
  virtual void punch(std::uint64_t offset, std::uint64_t length_bytes) = 0;
  /// Copies a range of `source` into this file (copy_file_range, else read and write). From 64 KiB
  /// on holes of the source become holes here. Throws Error(changed) when the source ends before
  /// the range, EINVAL for overlapping ranges of one file.
  virtual void copy_range(const File& source, std::uint64_t source_offset, std::uint64_t offset,
                          std::uint64_t length_bytes) = 0;
  /// FICLONE of the whole of `source`; false where the file system cannot.
  virtual bool clone_from(const File& source) = 0;
  /// Number of extents (FIEMAP), nothing where unknown.
  virtual std::optional<std::uint64_t> extent_count() const = 0;

  virtual void set_mode(std::uint32_t mode) = 0;
  virtual void set_owner(std::uint32_t uid, std::uint32_t gid) = 0;
  virtual void set_mtime(std::int64_t mtime_ns) = 0;
  /// Sorted by name; POSIX ACLs included, labels of the local security policy and (for all but
  /// root) security.* and trusted.* not. Empty where the file system has none.
  virtual std::vector<XattrPair> xattrs() const = 0;
  virtual void set_xattr(const std::string& name, ByteView value) = 0;
  virtual void remove_xattr(const std::string& name) = 0;  ///< none there: no error

  /// What was written may go to the disk now (sync_file_range), so that a sync later on finds little left. A
  /// hint: nothing waits for it and nothing is promised, and errors are those of the sync.
  virtual void start_writeback() noexcept {}
  virtual void sync_data() = 0;  ///< fdatasync; a failure must never be retried on the same data
  virtual void sync() = 0;       ///< fsync
  /// Takes a write lease (F_SETLEASE): true when nobody else has the file open, this process
  /// through another File included. Held until close. Whoever opens the file meanwhile (again:
  /// also this process) waits for that, at most /proc/sys/fs/lease-break-time (45 s); no signal
  /// comes here. False where leases do not work (NFS, foreign owner without CAP_LEASE). Called again it tells
  /// whether it is still held and nobody has waited for longer than limits::lease_hold.
  virtual bool try_lease() = 0;
};

class Dir {
 public:
  virtual ~Dir() = default;

  virtual Stat stat() const = 0;
  /// All entries with their stat (getdents64 + fstatat); the hot path of a scan.
  virtual Listing list() const = 0;
  /// The names of its subdirectories, in no order: getdents64, and fstatat only where that does not tell
  /// types. Neither where the number of links tells that there is none (ext4, XFS, tmpfs).
  virtual std::vector<std::string> subdirs() const = 0;
  virtual std::optional<Stat> stat_at(const std::string& name) const = 0;

  /// Throws ENOENT, ENOTDIR (also for a symlink, as ELOOP or ENOTDIR), EACCES ...
  virtual std::unique_ptr<Dir> open_dir(const std::string& name) const = 0;
  /// Any depth below this directory with openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
  /// RESOLVE_NO_MAGICLINKS), else component by component. The root path gives a second handle.
  virtual std::unique_ptr<Dir> open_beneath(const RelPath& path) const = 0;
  /// O_NOATIME if allowed. `opened`, if given, is set to the file's stat right after it was opened, which
  /// costs nothing: opening looks at the type anyway.
  virtual std::unique_ptr<File> open_read(const std::string& name, Stat* opened = nullptr) const = 0;
  virtual std::unique_ptr<File> open_write(const std::string& name) const = 0;  ///< read and write, existing
  /// O_CREAT | O_EXCL, read and write; umask applies to `mode` (or the directory's default ACL).
  virtual std::unique_ptr<File> create(const std::string& name, std::uint32_t mode = 0600) = 0;
  /// O_APPEND, read and write; created where it is missing, with `mode` under the umask.
  virtual std::unique_ptr<File> open_append(const std::string& name, std::uint32_t mode = 0600) = 0;
  virtual std::string read_link(const std::string& name) const = 0;
  /// xattrs of an entry of any type without following it (through /proc/self/fd or O_PATH).
  virtual std::vector<XattrPair> xattrs_at(const std::string& name) const = 0;

  virtual void make_dir(const std::string& name, std::uint32_t mode) = 0;  ///< umask applies
  virtual void make_symlink(const std::string& name, const std::string& target) = 0;
  virtual void make_node(const std::string& name, FileType type, std::uint32_t mode,
                         std::uint32_t device_major, std::uint32_t device_minor) = 0;
  /// A hard link to `from`/`from_name`, never following a symlink.
  virtual void make_link(const Dir& from, const std::string& from_name, const std::string& name) = 0;
  /// rename(2) within or between directories of one file system; replaces the target.
  virtual void rename(const std::string& name, Dir& to, const std::string& to_name) = 0;
  /// RENAME_NOREPLACE: throws EEXIST when the target is there. Where the file system lacks it, link
  /// and unlink: a crash in between leaves both names.
  virtual void rename_new(const std::string& name, Dir& to, const std::string& to_name) = 0;
  virtual void rename_exchange(const std::string& name, Dir& to, const std::string& to_name) = 0;
  virtual void unlink(const std::string& name) = 0;
  virtual void remove_dir(const std::string& name) = 0;

  // Metadata of entries that cannot be opened as a File (symlinks, nodes) and of this directory.
  virtual void set_owner_at(const std::string& name, std::uint32_t uid, std::uint32_t gid) = 0;
  virtual void set_mtime_at(const std::string& name, std::int64_t mtime_ns) = 0;
  virtual void set_mode_at(const std::string& name, std::uint32_t mode) = 0;  ///< not for symlinks
  virtual void set_xattr_at(const std::string& name, const std::string& xattr, ByteView value) = 0;
  virtual void remove_xattr_at(const std::string& name, const std::string& xattr) = 0;
  virtual void set_mode(std::uint32_t mode) = 0;
  virtual void set_owner(std::uint32_t uid, std::uint32_t gid) = 0;
  virtual void set_mtime(std::int64_t mtime_ns) = 0;
  virtual std::vector<XattrPair> xattrs() const = 0;
  virtual void set_xattr(const std::string& name, ByteView value) = 0;
  virtual void remove_xattr(const std::string& name) = 0;

  virtual void sync() = 0;             ///< fsync of the directory
  virtual void sync_filesystem() = 0;  ///< syncfs of the file system it lies on
  /// True where syncfs is known to be honoured (ext4, XFS, btrfs; tmpfs has nothing to sync).
  virtual bool has_reliable_syncfs() const = 0;
  virtual std::uint64_t free_bytes() const = 0;
  /// Of its file system: the same after that was mounted again, where the system tells such a number, and
  /// else that of the device.
  virtual std::uint64_t file_system_id() const { return stat().device; }
  /// An advisory exclusive lock (flock) on the directory itself; false when another holds it.
  virtual bool try_lock() = 0;
};

/// Opens trees. The only place where a path of the operating system comes in.
class Fs {
 public:
  virtual ~Fs() = default;
  /// Opens the directory `path`; symlinks in the path itself are followed, as a person means them.
  virtual std::unique_ptr<Dir> open_root(const std::string& path) = 0;
  /// stat(2) of a path, following symlinks when `follow`; nothing when it is not there.
  virtual std::optional<Stat> stat_path(const std::string& path, bool follow) = 0;
  /// mkdir -p.
  virtual void make_dirs(const std::string& path, std::uint32_t mode) = 0;
  /// realpath(3).
  virtual std::string real_path(const std::string& path) = 0;
  virtual std::uint32_t effective_uid() const = 0;
};

/// The Linux file system of this machine.
Fs& linux_fs();

}  // namespace syncline::fs
