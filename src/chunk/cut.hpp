// SPDX-License-Identifier: Apache-2.0
// What the files of this module share about a single chunk.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "manifest/manifest.hpp"

namespace syncline::chunk {

/// XXH3 handles inputs of up to 240 bytes in ways that have known collisions whatever the secret
/// (xxHash#1127), so such a chunk (only ever the last one with real parameters) is compared by id.
inline constexpr std::size_t quick_hash_bytes_min = 241;

/// True when every byte is zero. Stops early at the first that is not.
bool is_zero(ByteView data);

/// Appends to a list of chunks so that runs of zero chunks of max_bytes become one record each,
/// whatever the way in which they were found.
class ChunkList {
 public:
  /// A chunk that is not all zeros, or is shorter than max_bytes.
  void append(const manifest::Chunk& chunk) {
    chunks_.push_back(chunk);
    ends_in_zeros_ = false;
  }
  /// `count` zero chunks of max_bytes; `one` is such a chunk with its digests.
  void append_zeros(const manifest::Chunk& one, std::uint64_t count);
  void reserve(std::size_t records) { chunks_.reserve(records); }
  /// Records [first, end) of `other`.
  void append_tail(const ChunkList& other, std::size_t first);

  const std::vector<manifest::Chunk>& chunks() const { return chunks_; }
  bool ends_in_zeros() const { return ends_in_zeros_; }
  std::vector<manifest::Chunk> take() { return std::move(chunks_); }

 private:
  bool ends_in_zeros_ = false;
  std::vector<manifest::Chunk> chunks_;
};

}  // namespace syncline::chunk
