// SPDX-License-Identifier: Apache-2.0
// Manifest segments: about 52 bytes a chunk, cut by content.
#include "state/segment_codec.hpp"

#include <utility>

namespace syncline::state {
namespace {

constexpr std::uint64_t segment_cut_mask = 127;
constexpr std::size_t chunk_bytes_usual = 52;

bool ends_segment(const manifest::Chunk& chunk, std::size_t count) {
  if (count >= segment_chunks_max) return true;
  return count >= segment_chunks_min && (chunk.id.prefix() & segment_cut_mask) == 0;
}

void write_chunk(ByteWriter& out, const manifest::Chunk& chunk) {
  write_chunk_size(out, chunk);
  write_chunk_digests(out, chunk);
}

}  // namespace

// Length and "is there a repeat count" share a varint: repeats are rare (runs of zeros).
void write_chunk_size(ByteWriter& out, const manifest::Chunk& chunk) {
  const bool repeats = chunk.repeat_count != 1;
  out.varint((std::uint64_t{chunk.length_bytes} << 1) | (repeats ? 1 : 0));
  if (repeats) out.varint(chunk.repeat_count);
}

void read_chunk_size(ByteReader& in, manifest::Chunk& chunk) {
  const auto raw = in.varint_max((std::uint64_t{UINT32_MAX} << 1) | 1);
  chunk.length_bytes = static_cast<std::uint32_t>(raw >> 1);
  chunk.repeat_count = 1;
  if ((raw & 1) != 0) chunk.repeat_count = static_cast<std::uint32_t>(in.varint_max(UINT32_MAX));
}

void write_chunk_digests(ByteWriter& out, const manifest::Chunk& chunk) {
  out.bytes(chunk.id.view());
  out.u64(chunk.quick.low);
  out.u64(chunk.quick.high);
}

void read_chunk_digests(ByteReader& in, manifest::Chunk& chunk) {
  chunk.id.bytes = in.array<hash::digest_bytes>();
  chunk.quick.low = in.u64();
  chunk.quick.high = in.u64();
}

void encode_segments(std::span<const manifest::Chunk> chunks, const PartSink& sink) {
  std::size_t start = 0;
  for (std::size_t k = 0; k < chunks.size(); ++k) {
    const auto count = k + 1 - start;
    if (k + 1 != chunks.size() && !ends_segment(chunks[k], count)) continue;
    sink(encode_chunks(chunks.subspan(start, count)), static_cast<std::uint32_t>(count));
    start = k + 1;
  }
}

Bytes encode_chunks(std::span<const manifest::Chunk> chunks) {
  Bytes body;
  body.reserve(chunks.size() * chunk_bytes_usual);
  ByteWriter out(body);
  for (const auto& chunk : chunks) write_chunk(out, chunk);
  return body;
}

void decode_chunks(ByteView body, std::uint32_t count, std::vector<manifest::Chunk>& out) {
  ByteReader in(body, "state: manifest segment");
  for (std::uint32_t k = 0; k < count; ++k) {
    manifest::Chunk chunk;
    read_chunk_size(in, chunk);
    read_chunk_digests(in, chunk);
    out.push_back(chunk);
  }
  in.expect_done();
}

}  // namespace syncline::state
