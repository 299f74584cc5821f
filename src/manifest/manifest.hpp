// SPDX-License-Identifier: Apache-2.0
// The manifest of one file: its chunks in order, and the digest over them that names its content.
#pragma once

#include <cstdint>
#include <vector>

#include "hash/digest.hpp"

namespace syncline::manifest {

/// Content-defined chunking parameters, in bytes. Stored with every manifest: two manifests can
/// only be compared chunk by chunk when these are equal.
struct ChunkParams {
  std::uint32_t min_bytes = 8 * 1024;
  std::uint32_t avg_bytes = 16 * 1024;  ///< a power of two
  std::uint32_t max_bytes = 64 * 1024;
  bool operator==(const ChunkParams&) const = default;
  /// In order, none 0, the average a power of two, none above limits::chunk_bytes_max.
  bool is_valid() const;
};

/// On average 16 KiB up to 8 GiB, then four times larger for every factor of four in size up to 1 MiB (a
/// chunk must fit into a frame). So a manifest stays below about 600,000 chunks up to 600 GB, 56 bytes each
/// in memory, and grows by 1,000 chunks a GB from there on.
ChunkParams params_for_size(std::uint64_t file_bytes);

/// `repeat_count` equal chunks in a row (more than one only for zero chunks of max_bytes: a hole
/// of 100 GB is one record). `quick` is local knowledge and never leaves the installation.
struct Chunk {
  hash::ChunkId id;
  hash::QuickHash quick;
  std::uint32_t length_bytes = 0;
  std::uint32_t repeat_count = 1;

  std::uint64_t total_bytes() const { return std::uint64_t{length_bytes} * repeat_count; }
  bool operator==(const Chunk&) const = default;
};

struct Manifest {
  ChunkParams params;
  std::uint64_t size_bytes = 0;
  std::vector<Chunk> chunks;

  /// BLAKE3 over the canonical coding of (params, size, every length, repeat and id): the identity of the
  /// file's content. Equal for equal bytes whatever is a hole and whatever the history was.
  hash::Digest root() const;
  bool operator==(const Manifest&) const = default;
};

}  // namespace syncline::manifest
