// SPDX-License-Identifier: Apache-2.0
// The two rounds of the gap search and the rebuild of the new side.
#include "delta/gap.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "delta/block_hash.hpp"
#include "delta/block_search.hpp"
#include "delta/layout.hpp"

namespace syncline::delta {
namespace {

// Measured on databases, tars, source trees and logs (bytes of literals + sums + repairs of false matches
// together).
constexpr std::uint16_t coarse_block_bytes = 1024;
constexpr std::uint16_t fine_block_bytes = 64;
// A sum is compared with one or two places, or in runs: 2^-14 false matches a changed block, each 5 KB to
// repair, weigh as much as one bit more of all sums. Where lengths differ more places are compared.
constexpr std::uint8_t in_place_sum_bits = 14;
constexpr std::uint8_t moved_sum_bits = 15;
constexpr std::uint64_t coarse_side_bytes_min = 2 * coarse_block_bytes;
/// Sums may cost an eighth of the new side at most: more of them cannot pay.
constexpr std::uint64_t new_bytes_per_sum_byte = 8;

std::size_t packed_bytes(std::size_t count, unsigned bits) { return (count * bits + 7) / 8; }

/// Sums of all pieces, `bits` each, least significant bit first, the last byte filled up with zeros.
Bytes pack_sums(const Layout& layout, const BlockHash& hash, unsigned bits, ByteView old) {
  Bytes out;
  out.reserve(packed_bytes(layout.pieces.size(), bits));
  std::uint64_t waiting = 0;
  unsigned waiting_bits = 0;
  for (const auto& piece : layout.pieces) {
    waiting |= std::uint64_t{hash.sum(old.subspan(piece.old_offset, piece.bytes)) >> (32 - bits)}
               << waiting_bits;
    for (waiting_bits += bits; waiting_bits >= 8; waiting_bits -= 8, waiting >>= 8)
      out.push_back(static_cast<std::byte>(waiting));
  }
  if (waiting_bits != 0) out.push_back(static_cast<std::byte>(waiting));
  return out;
}

std::vector<std::uint32_t> unpack_sums(std::size_t count, unsigned bits, ByteView packed) {
  if (packed.size() != packed_bytes(count, bits)) throw Error(Errc::malformed, "block sums: wrong number");
  std::vector<std::uint32_t> out(count);
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  std::uint64_t waiting = 0;
  unsigned waiting_bits = 0;
  std::size_t at = 0;
  for (auto& sum : out) {
    for (; waiting_bits < bits; waiting_bits += 8)
      waiting |= std::to_integer<std::uint64_t>(packed[at++]) << waiting_bits;
    sum = static_cast<std::uint32_t>(waiting & mask) << (32 - bits);
    waiting >>= bits;
    waiting_bits -= bits;
  }
  if (waiting != 0) throw Error(Errc::malformed, "block sums: padding");
  return out;
}

void check_side(std::size_t given, std::uint32_t planned, const char* what) {
  if (given != planned) throw Error(Errc::malformed, what);
}

Bytes unmatched_bytes(ByteView fresh, const std::vector<BlockMatch>& matches) {
  Bytes out;
  std::size_t matched = 0;
  for (const auto& match : matches) matched += match.bytes;
  out.reserve(fresh.size() - matched);
  std::size_t at = 0;
  const auto take = [&](std::size_t end) {
    const auto part = fresh.subspan(at, end - at);
    out.insert(out.end(), part.begin(), part.end());
  };
  for (const auto& match : matches) {
    take(match.new_offset);
    at = std::size_t{match.new_offset} + match.bytes;
  }
  take(fresh.size());
  return out;
}

}  // namespace

GapPlan plan_gap(std::uint64_t old_offset, std::uint64_t old_bytes, std::uint64_t new_bytes) {
  if (old_bytes > limits::gap_side_bytes_max || new_bytes > limits::gap_side_bytes_max)
    throw Error(Errc::limit_exceeded, "gap: a side is too long");
  GapPlan plan;
  plan.old_bytes = static_cast<std::uint32_t>(old_bytes);
  plan.new_bytes = static_cast<std::uint32_t>(new_bytes);
  const std::uint8_t bits = old_bytes == new_bytes ? in_place_sum_bits : moved_sum_bits;
  const auto pays = [&](std::uint64_t block) {
    return new_bytes >= fine_block_bytes &&
           packed_bytes(old_bytes / block + 2, bits) * new_bytes_per_sum_byte <= new_bytes;
  };
  const bool coarse = std::min(old_bytes, new_bytes) >= coarse_side_bytes_min && pays(coarse_block_bytes);
  if (old_bytes == 0 || (!coarse && !pays(fine_block_bytes))) return plan;
  if (coarse) {
    plan.coarse_block_bytes = coarse_block_bytes;
    plan.coarse_sum_bits = bits;
  }
  plan.fine_block_bytes = fine_block_bytes;
  plan.fine_sum_bits = bits;
  plan.old_phase = static_cast<std::uint16_t>(old_offset % coarse_block_bytes);
  return plan;
}

std::uint64_t sum_bytes_max(const GapPlan& plan) {
  check_plan(plan);
  const auto round = [&](std::uint32_t block, unsigned bits) -> std::uint64_t {
    return block == 0 ? 0 : packed_bytes(std::size_t{plan.old_bytes} / block + 2, bits);
  };
  return round(plan.coarse_block_bytes, plan.coarse_sum_bits) +
         round(plan.fine_block_bytes, plan.fine_sum_bits);
}

Bytes round1_sums(const GapPlan& plan, SumKey key, ByteView old) {
  check_plan(plan);
  check_side(old.size(), plan.old_bytes, "gap: old side of another length than planned");
  if (plan.coarse_block_bytes == 0) return {};
  const BlockHash hash(key, plan.coarse_block_bytes, plan.coarse_sum_bits);
  return pack_sums(coarse_layout(plan), hash, plan.coarse_sum_bits, old);
}

std::vector<BlockMatch> round1_match(const GapPlan& plan, SumKey key, ByteView fresh, ByteView sums) {
  check_plan(plan);
  check_side(fresh.size(), plan.new_bytes, "gap: new side of another length than planned");
  if (plan.coarse_block_bytes == 0) {
    check_side(sums.size(), 0, "block sums: none were asked for");
    return {};
  }
  const auto layout = coarse_layout(plan);
  const BlockHash hash(key, plan.coarse_block_bytes, plan.coarse_sum_bits);
  const auto unpacked = unpack_sums(layout.pieces.size(), plan.coarse_sum_bits, sums);
  return search_blocks({plan, layout, hash, plan.coarse_sum_bits, fresh, unpacked, {}});
}

Bytes round2_sums(const GapPlan& plan, SumKey key, const std::vector<BlockMatch>& coarse, ByteView old) {
  check_plan(plan);
  check_side(old.size(), plan.old_bytes, "gap: old side of another length than planned");
  check_coarse(plan, coarse);
  if (plan.fine_block_bytes == 0) return {};
  const BlockHash hash(key, plan.fine_block_bytes, plan.fine_sum_bits);
  return pack_sums(fine_layout(plan, coarse), hash, plan.fine_sum_bits, old);
}

GapDelta round2_match(const GapPlan& plan, SumKey key, ByteView fresh, const std::vector<BlockMatch>& coarse,
                      ByteView sums) {
  check_plan(plan);
  check_side(fresh.size(), plan.new_bytes, "gap: new side of another length than planned");
  check_coarse(plan, coarse);
  GapDelta delta;
  delta.matches = coarse;
  if (plan.fine_block_bytes == 0) {
    check_side(sums.size(), 0, "block sums: none were asked for");
  } else {
    const auto layout = fine_layout(plan, coarse);
    const BlockHash hash(key, plan.fine_block_bytes, plan.fine_sum_bits);
    const auto unpacked = unpack_sums(layout.pieces.size(), plan.fine_sum_bits, sums);
    delta.matches =
        merged(coarse, search_blocks({plan, layout, hash, plan.fine_sum_bits, fresh, unpacked, coarse}));
  }
  delta.literals = unmatched_bytes(fresh, delta.matches);
  return delta;
}

Bytes apply_gap(const GapPlan& plan, ByteView old, const GapDelta& delta) {
  check_plan(plan);
  check_side(old.size(), plan.old_bytes, "gap: old side of another length than planned");
  check_matches(plan, delta.matches);
  std::uint64_t matched = 0;
  for (const auto& match : delta.matches) matched += match.bytes;
  if (matched + delta.literals.size() != plan.new_bytes)
    throw Error(Errc::malformed, "gap delta: literals do not add up");
  Bytes out;
  out.reserve(plan.new_bytes);
  auto literal = delta.literals.begin();
  const auto take_literals = [&](std::size_t new_end) {
    const auto count = static_cast<std::ptrdiff_t>(new_end - out.size());
    out.insert(out.end(), literal, literal + count);
    literal += count;
  };
  for (const auto& match : delta.matches) {
    take_literals(match.new_offset);
    const auto part = old.subspan(match.old_offset, match.bytes);
    out.insert(out.end(), part.begin(), part.end());
  }
  take_literals(plan.new_bytes);
  return out;
}

}  // namespace syncline::delta
