// SPDX-License-Identifier: Apache-2.0
// Header, trailer and chunk table of the manifest formats.
#include "manifest/body_codec.hpp"

#include "base/limits.hpp"
#include "manifest/codec.hpp"

namespace syncline::manifest {
namespace {

// One byte of length and a digest: what a count may claim of the bytes that are left.
constexpr std::size_t record_bytes_min = 1 + hash::digest_bytes;

ChunkParams read_params(ByteReader& in) {
  ChunkParams params;
  params.min_bytes = static_cast<std::uint32_t>(in.varint_max(limits::chunk_bytes_max));
  params.avg_bytes = static_cast<std::uint32_t>(in.varint_max(limits::chunk_bytes_max));
  params.max_bytes = static_cast<std::uint32_t>(in.varint_max(limits::chunk_bytes_max));
  if (!params.is_valid()) in.fail(Errc::malformed);
  return params;
}

void write_chunk(ByteWriter& out, const Chunk& chunk) {
  const bool repeats = chunk.repeat_count != 1;
  out.varint((std::uint64_t{chunk.length_bytes} << 1) | (repeats ? 1 : 0));
  if (repeats) out.varint(chunk.repeat_count);
  out.bytes(chunk.id.view());
}

Chunk read_chunk(ByteReader& in, const ChunkParams& params) {
  Chunk chunk;
  const auto raw = in.varint_max((std::uint64_t{params.max_bytes} << 1) | 1);
  chunk.length_bytes = static_cast<std::uint32_t>(raw >> 1);
  if (chunk.length_bytes == 0) in.fail(Errc::malformed);
  if ((raw & 1) != 0) {
    chunk.repeat_count = static_cast<std::uint32_t>(in.varint_max(UINT32_MAX));
    // Runs are zeros in chunks of full length, and a run of one has the short form.
    if (chunk.repeat_count < 2 || chunk.length_bytes != params.max_bytes) in.fail(Errc::malformed);
  }
  chunk.id.bytes = in.array<hash::digest_bytes>();
  return chunk;
}

}  // namespace

void write_header(ByteWriter& out, std::string_view magic, std::uint8_t flags) {
  out.bytes(as_bytes(magic));
  out.u16(codec_version);
  out.u8(static_cast<std::uint8_t>(Algorithm::blake3));
  out.u8(flags);
}

std::uint8_t read_header(ByteReader& in, std::string_view magic, std::uint8_t flags_allowed) {
  for (const char expected : magic)
    if (in.u8() != static_cast<std::uint8_t>(expected)) in.fail(Errc::malformed);
  if (in.u16() != codec_version) in.fail(Errc::unsupported);
  if (in.u8() != static_cast<std::uint8_t>(Algorithm::blake3)) in.fail(Errc::unsupported);
  const auto flags = in.u8();
  if ((flags & ~flag_quick) != 0) in.fail(Errc::unsupported);
  if ((flags & ~flags_allowed) != 0) in.fail(Errc::malformed);
  return flags;
}

void write_trailer(ByteWriter& out) {
  const auto digest = hash::blake3(out.out());
  out.bytes(digest.view());
}

void read_trailer(ByteReader& in, ByteView data) {
  const auto expected = hash::blake3(data.first(in.offset()));
  const auto at = in.offset();
  if (in.array<hash::digest_bytes>() != expected.bytes) throw Error(Errc::corrupt, "manifest", at);
  in.expect_done();
}

void write_body(ByteWriter& out, const Manifest& manifest) {
  out.varint(manifest.params.min_bytes);
  out.varint(manifest.params.avg_bytes);
  out.varint(manifest.params.max_bytes);
  out.varint(manifest.size_bytes);
  out.varint(manifest.chunks.size());
  for (const auto& chunk : manifest.chunks) write_chunk(out, chunk);
}

Manifest read_body(ByteReader& in) {
  Manifest manifest;
  manifest.params = read_params(in);
  manifest.size_bytes = in.varint();
  const auto count = in.varint();
  if (count > in.remaining() / record_bytes_min) in.fail(Errc::truncated);
  manifest.chunks.reserve(static_cast<std::size_t>(count));
  auto left = manifest.size_bytes;
  for (std::uint64_t k = 0; k < count; ++k) {
    manifest.chunks.push_back(read_chunk(in, manifest.params));
    const auto bytes = manifest.chunks.back().total_bytes();  // below 2^54: cannot wrap
    if (bytes > left) in.fail(Errc::malformed);
    left -= bytes;
  }
  if (left != 0) in.fail(Errc::malformed);
  return manifest;
}

}  // namespace syncline::manifest
