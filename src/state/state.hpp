// SPDX-License-Identifier: Apache-2.0
// The state database of one replica: what its tree looked like when it was last in step, with manifests.
//
// A cache of the file system plus the ancestor: losing it costs a rescan, never data. One SQLite
// database (WAL) per replica. Rows are per directory, so that an unchanged directory costs one
// indexed read of a few dozen bytes and a rename of a directory touches two rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fs/fs.hpp"
#include "hash/digest.hpp"
#include "manifest/manifest.hpp"

namespace syncline::state {

using DirId =
    std::int64_t;  ///< chosen by the caller: derived from device and inode, so a renamed directory keeps it
using ManifestId = std::int64_t;

/// The id of a directory: its inode number (below 2^48 in practice); on another device than the root's, with
/// the device mixed in.
inline DirId dir_id(std::uint64_t device, std::uint64_t inode, std::uint64_t root_device) {
  const std::uint64_t mixed = device == root_device ? 0 : (device * 0x9E3779B97F4A7C15ULL) << 40;
  return static_cast<DirId>((inode ^ mixed) & 0x7FFFFFFFFFFFFFFFULL);
}

/// Of an entry that is not known to be what the other side once sent or had.
struct StoredDrift {
  bool absent = false;  ///< others removed it: the rest of the entry says what was there
  /// Not 0: the version of the other side that it was left beside.
  std::uint64_t left_version = 0;
  bool operator==(const StoredDrift&) const = default;
};

/// One entry of a directory as it was last in step.
struct StoredEntry {
  std::string name;
  fs::Stat stat;                        ///< local: inode, ctime and all
  hash::Digest xattr_digest;            ///< zero when there are none
  std::string link_target;              ///< symlinks
  std::optional<hash::Digest> content;  ///< regular files: manifest root, if known
  /// Files of one chunk carry it here and have no manifest row (most files are that small): reader code
  /// rebuilds the manifest from it and stat.size_bytes. Absent for larger files and unknown content.
  std::optional<manifest::Chunk> only_chunk;
  ManifestId manifest_id = 0;  ///< 0: none stored (unknown content, or only_chunk is set)
  std::optional<StoredDrift> drift = std::nullopt;
  bool operator==(const StoredEntry&) const = default;
};

/// What a scan compares first. `fingerprint` covers every stat field of the entries (keyed XXH3,
/// local); `shallow` is the entries' quick-identity digest (without the subdirectories' own).
struct DirSummary {
  hash::QuickHash fingerprint;
  hash::Digest shallow;
};

struct DirRecord {
  DirSummary summary;
  std::vector<StoredEntry> entries;  ///< sorted bytewise by name

  const StoredEntry* find(std::string_view name) const {
    const auto at = std::ranges::lower_bound(
        entries, name, {}, [](const StoredEntry& entry) { return std::string_view(entry.name); });
    return at != entries.end() && at->name == name ? &*at : nullptr;
  }
};

/// The last agreement with one peer.
struct Agreement {
  hash::Digest own_root;   ///< this replica's tree root
  hash::Digest peer_root;  ///< the other side's
  hash::Digest options;    ///< digest of what was compared (attributes, filters)
  std::int64_t at_ns = 0;
};

/// Reads as of the last commit of this process (a read-only Database: as of the first read). Several may be
/// used at once, one per thread; they must not outlive their Database. Every read is checked by a digest:
/// damage throws Error(corrupt) naming file and row. "Nothing" means unknown, never "empty".
class Reader {
 public:
  virtual ~Reader() = default;
  virtual std::optional<DirSummary> summary(DirId id) = 0;
  virtual std::optional<DirRecord> dir(DirId id) = 0;
  virtual std::optional<manifest::Manifest> manifest(ManifestId id) = 0;
  /// Every directory id with a record, ascending.
  virtual std::vector<DirId> dirs() = 0;
};

/// One open transaction. Nothing is visible before commit(); destroying it rolls back.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual void put_dir(DirId id, const DirRecord& record) = 0;
  virtual void erase_dir(DirId id) = 0;  ///< not its subdirectories
  /// Stores a manifest in segments; segments equal to those of `replaces` are shared, so a small
  /// change of a large file writes a small number of bytes. `replaces` (0: none) is erased.
  virtual ManifestId put_manifest(const manifest::Manifest& manifest, ManifestId replaces) = 0;
  virtual void erase_manifest(ManifestId id) = 0;
  virtual void put_agreement(const std::string& peer, const Agreement& agreement) = 0;
  virtual void erase_agreement(const std::string& peer) = 0;
  /// A key with a space is one of a kind (`KIND PEER`): of each kind, and of agreements, there are
  /// limits::peers_max, then some make room for the new one.
  virtual void put_value(const std::string& key, ByteView value) = 0;
  /// `durable`: synchronous=FULL, survives power loss; otherwise the last commits may roll back.
  virtual void commit(bool durable) = 0;
};

class Database {
 public:
  /// Opens or creates the database file `path` (its directory exists). A file that is damaged is
  /// renamed aside (`PATH.corrupt-N`, told by set_aside()) and a fresh one is started; one of a newer
  /// format throws Error(unsupported); one in use for writing by another process Error(locked).
  static std::unique_ptr<Database> open(const std::string& path, bool read_only);
  /// Where another session has `path` for writing: a copy of what that has committed, which can be read and
  /// written and goes with the object. What is wrong with the original makes an empty one. Throws
  /// Error(locked) past limits::state_snapshots_max at once. Costs reading and writing the whole file.
  static std::unique_ptr<Database> open_snapshot(const std::string& path);
  /// For damage met later (a read or write threw Error(corrupt)): renames the file aside as open() does
  /// and returns the new name. Every Database on `path` must be closed before. Throws Error(locked).
  static std::string set_aside_damaged(const std::string& path);
  virtual ~Database() = default;
  virtual std::unique_ptr<Reader> reader() = 0;
  virtual std::unique_ptr<Writer> writer() = 0;  ///< one at a time
  virtual std::optional<Agreement> agreement(const std::string& peer) = 0;
  virtual std::optional<Bytes> value(const std::string& key) = 0;
  virtual const std::optional<std::string>& set_aside() const = 0;
  /// True once a read or a write met damage, whoever caught the error: nothing that follows may be built on
  /// this database. Thread-safe. See set_aside_damaged().
  virtual bool damaged() const = 0;
  /// Between two sessions: others may write, and what resume() needs stays open, so that nothing is read or
  /// written anew. No Writer is open; Readers may stay. When destroyed now, the write-ahead log stays as it
  /// is. False for what cannot rest: a snapshot, or what is open for reading.
  virtual bool rest() = 0;
  /// After rest(). False where the file is another one by now or somebody else has written to it: then this
  /// one is of no more use. Throws Error(locked) while somebody else has it for writing, and what reading
  /// throws; it rests on then.
  virtual bool resume() = 0;
  /// Bytes this process wrote to the database files so far (approximate: pages).
  virtual std::uint64_t written_bytes() const = 0;
};

/// Bounded store of recently changed chunks (the sender's): their bytes are the prefix against which
/// the next change of the same place is compressed. Losing it costs bytes, never correctness: from the first
/// failure (full disk, damage) on it is empty, and get, put and commit never throw for one. get() checks the
/// bytes against `id`. One thread at a time.
class ChunkCache {
 public:
  /// Opens or creates the file. A damaged one is replaced; one that another process has open gives an empty
  /// cache; one that cannot be created throws Error.
  static std::unique_ptr<ChunkCache> open(const std::string& path, std::uint64_t bytes_max);
  virtual ~ChunkCache() = default;
  virtual std::optional<Bytes> get(const hash::ChunkId& id) = 0;
  virtual void put(const hash::ChunkId& id, ByteView data) = 0;
  /// Evicts the least recently used chunks past the bound and makes puts visible.
  virtual void commit() = 0;
};

}  // namespace syncline::state
