// SPDX-License-Identifier: Apache-2.0
// The cut-point search and the list that chunks are collected in.
#include "chunk/cut.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <limits>

#include "chunk/chunker.hpp"
#include "chunk/gear.hpp"

namespace syncline::chunk {
namespace {

using Byte = const unsigned char;

/// Two bytes further. Returns 1 or 2 when the hash cuts after the first or second of them, else 0.
[[gnu::always_inline]] inline std::size_t step(std::uint64_t& hash, Byte* bytes, std::uint64_t mask) {
  // The doubled table and mask stand for the shift by one that the first byte still lacks: one shift
  // for two bytes.
  hash = (hash << 2) + gear_doubled[bytes[0]];
  if ((hash & (mask << 1)) == 0) [[unlikely]]
    return 1;
  hash += gear[bytes[1]];
  if ((hash & mask) == 0) [[unlikely]]
    return 2;
  return 0;
}

/// The first cut in data[begin, end), as the offset just after the byte that cuts; 0 if there is none.
/// `hash` is the state at `begin` and, without a cut, becomes that at `end`.
std::size_t scan(Byte* __restrict data, std::size_t begin, std::size_t end, std::uint64_t& hash,
                 std::uint64_t mask) {
  auto state = hash;
  auto at = begin;
  for (; at + 8 <= end; at += 8) {
#pragma GCC unroll 4
    for (std::size_t pair = 0; pair < 8; pair += 2)
      if (const auto cut = step(state, data + at + pair, mask)) return at + pair + cut;
  }
  for (; at < end; ++at) {
    state = (state << 1) + gear[data[at]];
    if ((state & mask) == 0) return at + 1;
  }
  hash = state;
  return 0;
}

constexpr std::size_t window_bytes = 64;  // older bytes are shifted out of the hash
constexpr std::size_t lane_bytes = 1024;

/// The hash that any longer scan has at `end`: only the last window_bytes count.
std::uint64_t hash_before(Byte* end) {
  std::uint64_t hash = 0;
  for (auto* at = end - window_bytes; at != end; ++at) hash = (hash << 1) + gear[*at];
  return hash;
}

/// As scan(), for long ranges. One lane is bound by the latency of shift, add, add; two lanes side by
/// side are 1.5x as fast (3.2 against 2.1 GB/s), at the cost of a warm-up of window_bytes for the second. Four lanes
/// run out of registers, AVX-512 gathers were slower.
std::size_t scan_two_lanes(Byte* __restrict data, std::size_t begin, std::size_t end, std::uint64_t& hash,
                           std::uint64_t mask) {
  auto at = begin;
  for (; at + 2 * lane_bytes <= end; at += 2 * lane_bytes) {
    auto first = hash;
    auto second = hash_before(data + at + lane_bytes);
    for (auto offset = at; offset < at + lane_bytes; offset += 8) {
#pragma GCC unroll 4
      for (std::size_t pair = 0; pair < 8; pair += 2) {
        if (const auto cut = step(first, data + offset + pair, mask)) return offset + pair + cut;
        if (const auto cut = step(second, data + offset + pair + lane_bytes, mask)) [[unlikely]] {
          // The first lane has the say on all that it has not seen yet.
          const auto earlier = scan(data, offset + pair + 2, at + lane_bytes, first, mask);
          return earlier != 0 ? earlier : offset + pair + lane_bytes + cut;
        }
      }
    }
    hash = second;
  }
  return scan(data, at, end, hash, mask);
}

}  // namespace

void check_params(const ChunkParams& params) {
  if (params.min_bytes == 0 || params.min_bytes > params.avg_bytes || params.avg_bytes > params.max_bytes ||
      params.avg_bytes < avg_bytes_min || !std::has_single_bit(params.avg_bytes))
    throw Error(Errc::malformed, "chunk parameters");
}

std::size_t cut_point(ByteView data, const ChunkParams& params) {
  const auto end = std::min<std::size_t>(data.size(), params.max_bytes);
  if (end <= params.min_bytes) return end;
  auto* bytes = reinterpret_cast<Byte*>(data.data());
  const auto middle = std::min<std::size_t>(end, params.avg_bytes);
  std::uint64_t hash = 0;
  if (const auto cut = scan_two_lanes(bytes, params.min_bytes, middle, hash, early_mask(params.avg_bytes))) return cut;
  if (const auto cut = scan_two_lanes(bytes, middle, end, hash, late_mask(params.avg_bytes))) return cut;
  return end;
}

bool is_zero(ByteView data) {
  // Equal to itself one byte on, and the first byte is zero.
  return data.empty() ||
         (data[0] == std::byte{0} && std::memcmp(data.data(), data.data() + 1, data.size() - 1) == 0);
}

void ChunkList::append_zeros(const manifest::Chunk& one, std::uint64_t count) {
  constexpr std::uint64_t repeat_max = std::numeric_limits<std::uint32_t>::max();
  assert(one.repeat_count == 1);
  if (ends_in_zeros_ && count > 0) {
    const auto more = std::min(count, repeat_max - chunks_.back().repeat_count);
    chunks_.back().repeat_count += static_cast<std::uint32_t>(more);
    count -= more;
  }
  while (count > 0) {
    auto& record = chunks_.emplace_back(one);
    record.repeat_count = static_cast<std::uint32_t>(std::min(count, repeat_max));
    count -= record.repeat_count;
    ends_in_zeros_ = true;
  }
}

void ChunkList::append_tail(const ChunkList& other, std::size_t first) {
  const auto& tail = other.chunks_;
  if (first >= tail.size()) return;
  for (; ends_in_zeros_ && first < tail.size() && tail[first].id == chunks_.back().id; ++first) {
    auto one = tail[first];
    one.repeat_count = 1;
    append_zeros(one, tail[first].repeat_count);
  }
  if (first == tail.size()) return;
  chunks_.insert(chunks_.end(), tail.begin() + static_cast<std::ptrdiff_t>(first), tail.end());
  ends_in_zeros_ = other.ends_in_zeros_;
}

}  // namespace syncline::chunk
