// SPDX-License-Identifier: Apache-2.0
// Size classes of the chunker and the digest that names a file's content.
#include "manifest/manifest.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "base/limits.hpp"

namespace syncline::manifest {
namespace {

constexpr std::uint64_t gib = std::uint64_t{1024} * limits::mib;
constexpr std::uint64_t first_class_bytes_max = 8 * gib;
constexpr std::uint32_t avg_bytes_max = 1024 * limits::kib;

// Changing a byte of the coding below changes every root: then count this up.
constexpr std::string_view root_domain = "syncline file root 1\n";

}  // namespace

ChunkParams params_for_size(std::uint64_t file_bytes) {
  ChunkParams params;
  for (auto class_bytes_max = first_class_bytes_max;
       file_bytes > class_bytes_max && params.avg_bytes < avg_bytes_max; class_bytes_max *= 4)
    params.avg_bytes *= 4;
  params.min_bytes = params.avg_bytes / 2;
  // Twice instead of four times the average in the last class.
  params.max_bytes = std::min<std::uint32_t>(params.avg_bytes * 4, limits::chunk_bytes_max);
  return params;
}

bool ChunkParams::is_valid() const {
  return min_bytes >= 1 && min_bytes <= avg_bytes && avg_bytes <= max_bytes &&
         std::has_single_bit(avg_bytes) && max_bytes <= limits::chunk_bytes_max;
}

hash::Digest Manifest::root() const {
  constexpr std::size_t record_bytes = 4 + 4 + hash::digest_bytes;
  // What BLAKE3 is given but for the end: whole subtrees of its own, or it takes three times as long.
  constexpr std::size_t piece_bytes = 64 * limits::kib;
  std::optional<hash::Blake3> hasher;  // most manifests are short and hashed in one go
  Bytes pending;
  pending.reserve(std::min(piece_bytes, chunks.size() * record_bytes) + 64);
  ByteWriter out(pending);
  out.bytes(as_bytes(root_domain));
  out.u32(params.min_bytes);
  out.u32(params.avg_bytes);
  out.u32(params.max_bytes);
  out.u64(size_bytes);
  for (const auto& chunk : chunks) {
    out.u32(chunk.length_bytes);
    out.u32(chunk.repeat_count);
    out.bytes(chunk.id.view());
    if (pending.size() < piece_bytes) continue;
    if (!hasher) hasher.emplace();
    hasher->update(ByteView(pending).first(piece_bytes));
    pending.erase(pending.begin(), pending.begin() + piece_bytes);
  }
  if (!hasher) return hash::blake3(pending);
  hasher->update(pending);
  return hasher->finish();
}

}  // namespace syncline::manifest
