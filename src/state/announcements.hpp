// SPDX-License-Identifier: Apache-2.0
// What a session is about to make of a tree: told before it can be seen, until the records tell it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "base/world.hpp"
#include "fs/fs.hpp"
#include "hash/digest.hpp"

namespace syncline::state {

/// One entry as it is to be.
struct Announced {
  std::string path;
  fs::FileType type = fs::FileType::regular;
  bool gone = false;             ///< it is to be removed: nothing else counts
  std::uint64_t inode = 0;       ///< 0: not known before, or of no matter
  std::uint64_t size_bytes = 0;  ///< of a regular file
  hash::Digest content;          ///< of a regular file the manifest's root, of a symlink BLAKE3 of its target
  std::string renamed_from;      ///< not empty: where it was before, with all that is below it
  bool operator==(const Announced&) const = default;
};

/// What was announced and never recorded. Of one path there may be several, each of which may have come true.
class AnnouncedEntries {
 public:
  void add(Announced entry);
  bool empty() const { return entries_.empty(); }
  /// What was announced under this path, or under one that was to be renamed to it.
  std::vector<const Announced*> find(const std::string& path) const;

 private:
  std::unordered_multimap<std::string, Announced> entries_;
  std::unordered_map<std::string, std::string> renamed_;  ///< from new names to old ones
};

/// The file `PATH.announced` beside the state database PATH, whose lock for writing whoever uses this holds.
/// It is written without a sync, for the next session after one that was killed; after a power cut it may be
/// there or not. It counts for the records alone that it was begun with (`base`). All that it serves for is
/// that nothing is kept needlessly: what cannot be written is not announced, and what cannot be read never
/// was. Thread-safe but for read().
class Announcements {
 public:
  Announcements(std::string database_path, const hash::Digest& base, Random& random)
      : path_(std::move(database_path)), base_(base), random_(random) {}

  /// What sessions announced that came to no end. What is added later follows it. To be called first.
  AnnouncedEntries read() noexcept;
  void add(std::span<const Announced> entries) noexcept;
  /// The records tell all of it from now on: they are `base`.
  void clear(const hash::Digest& base) noexcept;
  std::uint64_t written_bytes() const;

 private:
  void read_records(AnnouncedEntries& out);
  void append(std::span<const Announced> entries);
  Bytes encode_header();
  std::uint64_t sum(ByteView body, std::uint64_t offset) const;
  fs::File& file(bool make);

  const std::string path_;
  hash::Digest base_;
  Random& random_;
  mutable std::mutex mutex_;
  std::unique_ptr<fs::File> file_;
  std::uint64_t nonce_ = 0;
  std::uint64_t tail_ = 0;  ///< end of what counts; 0: there is nothing
  bool is_over_ = false;    ///< nothing more is announced until clear()
  std::uint64_t written_bytes_ = 0;
};

}  // namespace syncline::state
