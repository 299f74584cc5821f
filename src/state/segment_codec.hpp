// SPDX-License-Identifier: Apache-2.0
// Binary coding of a manifest's chunks in parts ("segments") for local storage, keyed digests included.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "manifest/manifest.hpp"
#include "state/rows.hpp"

namespace syncline::state {

inline constexpr std::size_t segment_chunks_min = 32;
inline constexpr std::size_t segment_chunks_max = 512;

/// Cuts after chunks whose id says so (one in 128), so that an insertion changes one segment and the
/// ones after it stay as they are: no record knows its offset.
void encode_segments(std::span<const manifest::Chunk> chunks, const PartSink& sink);
/// All chunks in one body, without cutting.
Bytes encode_chunks(std::span<const manifest::Chunk> chunks);
/// Appends the `count` chunks of one body. Throws Error with the byte offset.
void decode_chunks(ByteView body, std::uint32_t count, std::vector<manifest::Chunk>& out);

// The two halves of a chunk record; directory entries carry only the second for a whole file.
void write_chunk_size(ByteWriter& out, const manifest::Chunk& chunk);
void read_chunk_size(ByteReader& in, manifest::Chunk& chunk);
void write_chunk_digests(ByteWriter& out, const manifest::Chunk& chunk);
void read_chunk_digests(ByteReader& in, manifest::Chunk& chunk);

}  // namespace syncline::state
