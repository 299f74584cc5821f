// SPDX-License-Identifier: Apache-2.0
// Writing files into a replica so that a crash at any moment leaves the old or the new one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/world.hpp"
#include "fs/fs.hpp"
#include "fs/metadata.hpp"
#include "patch/keep.hpp"

namespace syncline::patch {

enum class UpdateMode { automatic, atomic, inplace };
enum class Durability { none, batch, file };
enum class Strategy : std::uint8_t { rewrite = 1, clone = 2, inplace = 3 };

/// True for the names that temporary files have. They lie in `.syncline/tmp/`, but beside the target
/// where a rename cannot reach it (another file system mounted inside the root): a scan leaves
/// such names out, and may remove those that are older than the run.
bool is_temp_name(std::string_view name);

/// What is known of a file before its content arrives; decides the strategy.
struct FilePlan {
  std::uint64_t new_bytes = 0;
  /// The target as the state knows it; absent: there must be no such name. The target is checked
  /// against (device, inode, size, mtime, ctime) when it is opened and again right before it is
  /// replaced; a difference throws Error(Errc::foreign) and nothing is overwritten.
  std::optional<fs::Stat> expected;
  bool replace_other_type = false;  ///< what stands there is no regular file and may be replaced
  std::uint64_t matched_in_place_bytes = 0;
  std::uint64_t matched_moved_bytes = 0;
  std::uint64_t changed_bytes = 0;  ///< an upper bound (whole changed chunks)
  /// What finish() will be given, if that is known already: a new file can then be made with its mode.
  const fs::Metadata* metadata = nullptr;  ///< read by Area::begin() only
  /// What the new version replaces is kept, right before it takes the name: never patched in place then.
  std::optional<Keep> keep = std::nullopt;
};

/// cost-based choice: clone where the file system can and the file is not fragmented; in place for
/// large files with few changes; else rewrite. `mode` forces. Pure, so that a test can ask it.
struct TargetFacts {
  bool can_clone = false;
  std::optional<std::uint64_t> extent_count;
  std::uint32_t link_count = 1;
  bool leased = false;  ///< nobody else has it open
};
/// Bounds of the choice, in bytes; the same as in AreaOptions.
struct StrategyLimits {
  std::uint64_t small_bytes = 8ull << 20;
  std::uint64_t journal_bytes_max = 512ull << 20;
};
/// A file with several names, or that somebody has open, is never patched in place: its other names may
/// have to keep the old content.
Strategy choose_strategy(UpdateMode mode, const FilePlan& plan, const TargetFacts& facts,
                         const StrategyLimits& limits = {});

/// The outcome of one file, told by Area::commit().
struct Outcome {
  struct Kept {
    std::string name;              ///< in FilePlan::keep's directory
    std::optional<fs::Stat> stat;  ///< as it stands after the commit
  };
  std::uint64_t token = 0;
  std::optional<fs::Stat> stat;  ///< as it stands after the commit; absent when it failed
  std::exception_ptr error;
  std::optional<Kept> kept;  ///< also where it failed after that
};

/// What a commit is about to make visible. Of an entry that place() made only the token is told.
struct Foreseen {
  std::uint64_t token = 0;
  std::uint64_t inode = 0;
  std::uint64_t size_bytes = 0;
};
using Foresee = std::function<void(std::span<const Foreseen> entries)>;

/// One file on its way. Bytes come in any order of new offsets and must cover the file; what no
/// call covers is zero. Destroying it without finish() leaves the target as it was.
class FileWrite {
 public:
  virtual ~FileWrite() = default;
  virtual Strategy strategy() const = 0;
  virtual void write(std::uint64_t offset, ByteView data) = 0;
  /// The old file's bytes, from the target as it was before this change. Error(malformed) when
  /// there is no basis() or the range is not in it.
  virtual void copy(std::uint64_t offset, std::uint64_t old_offset, std::uint64_t length_bytes) = 0;
  /// From another file of the replica (dedupe).
  virtual void copy_from(std::uint64_t offset, const fs::File& source, std::uint64_t source_offset,
                         std::uint64_t length_bytes) = 0;
  virtual void zeros(std::uint64_t offset, std::uint64_t length_bytes) = 0;
  /// Fills `out` with bytes of the new version that were given at `offset`; false when they are not there, or
  /// not to be had: a target that is patched in place has its new version in the journal. What was not
  /// given may come as anything.
  virtual bool read_back(std::span<std::byte> out, std::uint64_t offset) = 0;
  /// The old file, open for reading; null for a new one, one of another type, or one that may not
  /// be read. Read through this: while a target is patched in place, every other attempt to open
  /// it, also by this process, fails with EWOULDBLOCK and makes others wait (F_SETLEASE).
  virtual const fs::File* basis() const = 0;
  /// The old version turned out to be the new one: nothing is to be kept.
  virtual void drop_keep() = 0;
  /// Hands the file over to the next commit(). `token` comes back in its Outcome. Of a replaced
  /// file, what `metadata` does not tell is kept (mode, xattrs, owner where that is permitted); a
  /// new file without a mode gets 0600. Throws what stands in the way of the metadata.
  virtual void finish(const fs::Metadata& metadata, std::uint64_t token) = 0;
  /// The session broke: what was written stays, as a temporary file or in the journal, and the next
  /// Area::open() makes it a partial file. The last call.
  virtual void leave_behind() noexcept = 0;
};

struct AreaOptions {
  UpdateMode update = UpdateMode::automatic;
  Durability durability = Durability::batch;
  /// Files below this many bytes are never patched in place or cloned.
  std::uint64_t small_bytes = 8ull << 20;
  /// Largest payload of the redo journal in bytes; larger changes are rewritten.
  std::uint64_t journal_bytes_max = 512ull << 20;
};

struct Recovery {
  std::uint64_t redone_count = 0;     ///< journalled changes that were completed
  std::uint64_t discarded_count = 0;  ///< incomplete ones that were dropped
  std::vector<std::string>
      foreign_paths;  ///< changed by someone else meanwhile: left alone, new version kept
  /// Where that version is kept, same order; empty when the old file is gone, as the journal has
  /// only what differs from it.
  std::vector<std::string> kept_as;
  std::uint64_t temp_files_removed = 0;
  std::uint64_t partial_files_kept = 0;  ///< now in partials()
};

/// The `.syncline/` directory of a replica's root and everything that is written through it.
/// Exclusive: opening takes a lock, Error(Errc::locked) when another process has it.
class Area {
 public:
  /// Creates `.syncline/` when needed, recovers what an interrupted run left (see recovery()).
  /// Throws Error(Errc::corrupt) with the journal's path when a record before a valid commit is
  /// damaged: the journal is left for a person.
  static std::unique_ptr<Area> open(std::shared_ptr<fs::Dir> root, const AreaOptions& options,
                                    Random& random);
  virtual ~Area() = default;

  virtual const Recovery& recovery() const = 0;
  /// `parent` must stay open until the commit. Thread-safe. Finding that nobody has the target open
  /// takes a lease, so close other handles of it before. Throws Error(foreign) when the target is
  /// not what `plan` expects.
  virtual std::unique_ptr<FileWrite> begin(std::shared_ptr<fs::Dir> parent, const RelPath& path,
                                           const FilePlan& plan) = 0;
  /// Creates or replaces an entry that has no content (symlink, node, hard link) atomically through a temp
  /// name; `make` is called at once and creates it, metadata included, under the given name in the given
  /// directory; the name appears with the next commit. So a hard link to a file that is still
  /// pending comes after that file's commit. `keep` as in FilePlan.
  virtual void place(std::shared_ptr<fs::Dir> parent, const RelPath& path,
                     const std::optional<fs::Stat>& expected,
                     const std::function<void(fs::Dir& dir, const std::string& name)>& make,
                     std::uint64_t token, const std::optional<Keep>& keep) = 0;
  /// True when enough is pending for a batch (limits::commit_files_max or, without durability,
  /// commit_files_unsynced_max; commit_bytes_max; too many open directories), or a patched file that others
  /// cannot open until it is committed.
  virtual bool wants_commit() const = 0;
  /// Makes everything finished so far durable (per Durability) and visible, in finish order:
  /// syncfs -> rename all -> syncfs; journal: fdatasync -> patch -> fdatasync. After an EIO of a sync
  /// nothing of the batch is acknowledged. One failing file does not stop the others. `foresee`, if given, is
  /// called before the first sync, when nothing of it is visible yet.
  virtual std::vector<Outcome> commit(const Foresee& foresee) = 0;
  std::vector<Outcome> commit() { return commit({}); }
  /// Numbers of the files that broken transfers left, `.syncline/partial/NUMBER`: some bytes of some version
  /// of something, for whoever looks for content by its ids, and of that version's size, so that they are
  /// cut into chunks in the same way. At most limits::partial_count_max.
  virtual std::vector<std::uint32_t> partials() const = 0;
  virtual std::unique_ptr<fs::File> open_partial(std::uint32_t number) const = 0;
  /// A session ran to its end: nobody will ask for them any more.
  virtual void drop_partials() = 0;
  /// Bytes written to files, temps and journal so far.
  virtual std::uint64_t written_bytes() const = 0;
  /// Removes `.syncline/` when nothing is left in it and nothing else claims it (no root marker).
  /// The last call; FileWrites must be gone.
  virtual void close_clean() = 0;
};

}  // namespace syncline::patch
