// SPDX-License-Identifier: Apache-2.0
// Large files block by block, as they were sent last: what changes in place next is told by the block, and
// nobody has to be asked for it.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "fs/fs.hpp"
#include "hash/digest.hpp"

namespace syncline::sync {

/// The sums of one version of a file, 4 bytes a block. Blocks with equal sums are very likely equal; whoever
/// relies on that checks what comes of it.
class FileBlocks {
 public:
  /// Of none of its blocks anything is known before read().
  explicit FileBlocks(std::uint64_t size_bytes);

  std::uint64_t size_bytes() const { return size_bytes_; }
  std::uint64_t block_bytes() const { return block_bytes_; }
  std::size_t held_bytes() const { return sums_.size() * sizeof(std::uint32_t); }
  /// The file has this size now. False where its blocks have another size then as well, and all is to be
  /// read.
  bool resize(std::uint64_t size_bytes);
  /// Of the blocks that the range touches. Throws Error(changed) where the file ends before its size.
  void read(const fs::File& file, std::uint64_t offset, std::uint64_t length_bytes,
            const hash::QuickKey& key);

  struct Guess {
    Bytes content;                  ///< of the older version
    std::uint64_t equal_bytes = 0;  ///< of it
  };
  /// What this version had in the `length_bytes` from `offset` on, if a newer one has `fresh` at
  /// `fresh_offset`, which is at or before it. Where the blocks differ, or `fresh` has not all of one, stands
  /// noise from `seed`, in which compression finds nothing.
  Guess guess(std::uint64_t offset, std::uint64_t length_bytes, std::uint64_t fresh_offset, ByteView fresh,
              const hash::QuickKey& key, std::uint64_t seed) const;

 private:
  std::uint64_t length_of(std::uint64_t block) const;

  std::uint64_t size_bytes_ = 0;
  std::uint64_t block_bytes_ = 0;
  std::vector<std::uint32_t> sums_;
};

/// The files that were sent last, by the manifest root of their content; limits::block_sums_bytes_max of
/// them. Thread-safe.
class BlockSums {
 public:
  std::shared_ptr<const FileBlocks> find(const hash::Digest& root) const;
  /// Those that were put in first go first.
  void put(const hash::Digest& root, FileBlocks blocks);
  void drop(const hash::Digest& root);
  std::size_t held_bytes() const;

 private:
  mutable std::mutex mutex_;
  std::list<std::pair<hash::Digest, std::shared_ptr<const FileBlocks>>> files_;
  std::size_t held_bytes_ = 0;
};

}  // namespace syncline::sync
