// SPDX-License-Identifier: Apache-2.0
// The cut-point search and the list that chunks are collected in.
#include "chunk/cut.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <limits>

#include "chunk/chunker.hpp"
#include "chunk/gear.hpp"

namespace syncline::chunk {
namespace {

using Byte = const unsigned char;

/// The gear table, and doubled for the first byte of a two-byte step: there the hash is one position
/// further to the left. One object, so that one register addresses both.
struct StepTables {
  std::array<std::uint64_t, 256> first{};
  GearTable second = gear;
};
constexpr StepTables make_step_tables() {
  StepTables tables;
  for (std::size_t i = 0; i < gear.size(); ++i) tables.first[i] = gear[i] << 1;
  return tables;
}
constexpr StepTables tables = make_step_tables();

/// The first cut in data[begin, end), as the offset just after the byte that cuts; 0 if there is none.
/// `hash` is the state at `begin` and, without a cut, becomes that at `end`.
std::size_t scan(Byte* __restrict data, std::size_t begin, std::size_t end, std::uint64_t& hash,
                 std::uint64_t mask) {
  const auto first_mask = mask << 1;  // loses nothing: the top bit of a mask is free
  auto state = hash;
  auto at = begin;
  for (; at + 8 <= end; at += 8) {
#pragma GCC unroll 4
    for (std::size_t pair = 0; pair < 8; pair += 2) {
      state = (state << 2) + tables.first[data[at + pair]];
      if ((state & first_mask) == 0) [[unlikely]]
        return at + pair + 1;
      state += tables.second[data[at + pair + 1]];
      if ((state & mask) == 0) [[unlikely]]
        return at + pair + 2;
    }
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
  for (auto* at = end - window_bytes; at != end; at += 2)
    hash = (hash << 2) + tables.first[at[0]] + tables.second[at[1]];
  return hash;
}

/// As scan(), for long ranges. One lane is bound by the latency of shift, add, add; two lanes side by
/// side are 1.5x as fast (3.4 against 2.2 GB/s), at the cost of a warm-up of window_bytes for the second.
/// Four lanes run out of registers; AVX-512 gathers were slower.
std::size_t scan_two_lanes(Byte* __restrict data, std::size_t begin, std::size_t end, std::uint64_t& hash,
                           std::uint64_t mask) {
  const auto first_mask = mask << 1;
  for (; begin + 2 * lane_bytes <= end; begin += 2 * lane_bytes) {
    auto near = hash;
    auto far = hash_before(data + begin + lane_bytes);
    auto* at = data + begin;
    auto* const near_end = at + lane_bytes;
    // Where the far lane cuts, the near one has the say on all that it has not seen yet.
    const auto cut_far = [&](Byte* near_at, Byte* cut) {
      const auto earlier = scan(data, near_at - data, near_end - data, near, mask);
      return earlier != 0 ? earlier : static_cast<std::size_t>(cut - data);
    };
    for (; at != near_end; at += 8) {
#pragma GCC unroll 4
      for (std::size_t pair = 0; pair < 8; pair += 2) {
        auto* const bytes = at + pair;
        near = (near << 2) + tables.first[bytes[0]];
        far = (far << 2) + tables.first[bytes[lane_bytes]];
        if ((near & first_mask) == 0) [[unlikely]]
          return bytes + 1 - data;
        near += tables.second[bytes[1]];
        if ((near & mask) == 0) [[unlikely]]
          return bytes + 2 - data;
        if ((far & first_mask) == 0) [[unlikely]]
          return cut_far(bytes + 2, bytes + lane_bytes + 1);
        far += tables.second[bytes[lane_bytes + 1]];
        if ((far & mask) == 0) [[unlikely]]
          return cut_far(bytes + 2, bytes + lane_bytes + 2);
      }
    }
    hash = far;
  }
  return scan(data, begin, end, hash, mask);
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
  if (const auto cut = scan_two_lanes(bytes, params.min_bytes, middle, hash, early_mask(params.avg_bytes)))
    return cut;
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
