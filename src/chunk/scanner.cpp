// SPDX-License-Identifier: Apache-2.0
// Verify first, cut where that fails, and find the way back into step.
#include "chunk/scanner.hpp"

#include <algorithm>
#include <utility>

namespace syncline::chunk {
namespace {

constexpr std::size_t reach_records = 64;     // neighbours searched for a chunk that moved a little
constexpr unsigned misses_before_search = 4;  // an edit changes one to three chunks: do not sort for that

}  // namespace

Scanner::Scanner(const ScanSource& source, Window window) : source_(source), window_(std::move(window)) {
  expect_at(0);
}

std::uint64_t Scanner::run(std::uint64_t offset, std::uint64_t limit, ChunkList& out,
                           const Advance& advance) {
  while (offset < limit) {
    const auto end = step(offset, out);
    if (advance) advance(end - offset);
    offset = end;
  }
  return offset;
}

std::uint64_t Scanner::step(std::uint64_t offset, ChunkList& out) {
  if (offset != next_) expect_at(offset);
  if (const auto count = hole_chunks_at(offset)) return next_ = emit_zeros(offset, count, out);
  const auto verified_end = verify(offset, out);
  return next_ = verified_end ? *verified_end : cut(offset, out);
}

/// How many chunks of max_bytes lie wholly inside the hole at `offset`. A shorter rest is read: the
/// file system gives zeros for it, and where it ends the chunk holds data as well.
std::uint64_t Scanner::hole_chunks_at(std::uint64_t offset) {
  if (source_.file == nullptr) return 0;
  if (offset < extent_.offset || offset - extent_.offset >= extent_.length_bytes) {
    const auto found = source_.file->extent_at(offset);
    if (!found || found->length_bytes == 0) throw Error(Errc::changed, "file shrank while it was read");
    extent_ = *found;
  }
  if (!extent_.hole) return 0;
  const auto left = std::min(extent_.length_bytes - (offset - extent_.offset), window_.size_bytes() - offset);
  return left / source_.params.max_bytes;
}

std::uint64_t Scanner::emit_zeros(std::uint64_t offset, std::uint64_t count, ChunkList& out) {
  out.append_zeros(zero_chunk(), count);
  offset += count * source_.params.max_bytes;
  expect_at(offset);
  return offset;
}

/// The end of the chunk at `offset` if it is the expected old one; otherwise nothing is emitted.
std::optional<std::uint64_t> Scanner::verify(std::uint64_t offset, ChunkList& out) {
  if (!expected_) return std::nullopt;
  const auto place = *std::exchange(expected_, std::nullopt);
  const auto& old = *source_.old;
  auto chunk = old.chunk(place);
  chunk.repeat_count = 1;
  const auto end = offset + chunk.length_bytes;
  const auto size = window_.size_bytes();
  if (end > size || (end < size && old.is_cut_by_end(place))) return std::nullopt;

  const auto bytes = window_.at(offset, chunk.length_bytes);
  if (bytes.size() == source_.params.max_bytes && is_zero(bytes)) {
    out.append_zeros(zero_chunk(), 1);  // a chunk of its own right, whatever the old one was
  } else {
    const auto quick = source_.key(bytes);
    if (bytes.size() < quick_hash_bytes_min ? hash::blake3(bytes) != chunk.id : quick != chunk.quick)
      return std::nullopt;
    chunk.quick = quick;
    out.append(chunk);
  }
  ++counts_.verified;
  misses_ = 0;
  expected_ = old.after(place);
  return end;
}

std::uint64_t Scanner::cut(std::uint64_t offset, ChunkList& out) {
  auto bytes = window_.at(offset, source_.params.max_bytes);
  if (bytes.size() == source_.params.max_bytes && is_zero(bytes)) return emit_zeros(offset, 1, out);
  bytes = bytes.first(cut_point(bytes, source_.params));
  ++counts_.cut;

  Chunk chunk;
  chunk.length_bytes = static_cast<std::uint32_t>(bytes.size());
  if (!source_.names) {
    out.append(chunk);
    return offset + bytes.size();
  }
  chunk.quick = source_.key(bytes);
  const auto end = offset + bytes.size();
  if (const auto place = recognise(offset, bytes.size(), chunk.quick)) {
    chunk.id = source_.old->chunk(*place).id;
    shift_ = offset - source_.old->offset_of(*place);
    expected_ = source_.old->after(*place);
    misses_ = 0;
  } else {
    chunk.id = hash::blake3(bytes);
    ++counts_.named;
    // After one changed chunk the old boundaries usually hold again. When that fails too, hashing at
    // them first would be work for nothing: then cut until a chunk is recognised.
    if (++misses_ == 1) expect_at(end);
  }
  out.append(chunk);
  return end;
}

/// An old chunk with the same bytes as the one just cut at `offset`.
std::optional<OldPlace> Scanner::recognise(std::uint64_t offset, std::size_t length_bytes,
                                           const hash::QuickHash& quick) {
  if (source_.old == nullptr || length_bytes < quick_hash_bytes_min) return std::nullopt;
  const auto& old = *source_.old;
  const auto there = old_offset(offset);
  if (const auto place = old.starting_at(there)) {
    const auto& chunk = old.chunk(*place);
    if (chunk.quick == quick && chunk.length_bytes == length_bytes) return place;
  }
  if (const auto place = old.find_near(there, reach_records, quick, length_bytes)) return place;
  return misses_ >= misses_before_search ? old.find_anywhere(there, quick, length_bytes) : std::nullopt;
}

void Scanner::expect_at(std::uint64_t offset) {
  expected_ = source_.old != nullptr ? source_.old->starting_at(offset - shift_) : std::nullopt;
}

std::uint64_t Scanner::old_offset(std::uint64_t offset) const {
  const auto there = offset - shift_;
  return static_cast<std::int64_t>(there) < 0 ? 0 : there;  // before the old file began
}

std::uint64_t Scanner::likely_cut(std::uint64_t begin, std::uint64_t end) const {
  if (source_.old == nullptr || begin == 0) return begin;
  const auto place = source_.old->starting_from(old_offset(begin));
  if (!place) return begin;
  const auto there = source_.old->offset_of(*place) + shift_;
  return there >= begin && there < end ? there : begin;
}

const Chunk& Scanner::zero_chunk() {
  if (!zero_chunk_) {
    const Bytes zeros(source_.params.max_bytes);
    zero_chunk_ = Chunk{hash::blake3(zeros), source_.key(zeros), source_.params.max_bytes, 1};
  }
  return *zero_chunk_;
}

}  // namespace syncline::chunk
