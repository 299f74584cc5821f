// SPDX-License-Identifier: Apache-2.0
// Second level: the search for old blocks inside one gap, in two rounds of short sums.
//
// Pure functions over bytes in memory, no I/O. The receiver holds the old bytes, the sender the new ones:
//   sender   plan_gap()                                   -> GapPlan (sent with the gap)
//   receiver round1_sums(plan, old)                       -> sums (sent back)
//   sender   round1_match(plan, fresh, sums)              -> coarse matches (sent)
//   receiver round2_sums(plan, coarse, old)               -> sums of what is still unmatched (sent back)
//   sender   round2_match(plan, fresh, coarse, sums)      -> GapDelta: operations + literals (sent)
//   receiver apply_gap(plan, old, delta)                  -> new bytes, checked against the chunk ids by the
//   caller
// False matches are possible by design (sums are as short as the number of candidates allows);
// the caller checks every rebuilt chunk by its id and asks for the whole chunk when it differs.
//
// A sum is `bits` wide and packed without padding. Blocks lie at multiples of the block size in the old
// *file* (tar headers and database pages then touch one block, not two); the pieces before the first and
// after the last multiple are shorter and have a sum too. A block is looked for, in this order: where the
// neighbouring matches predict it (one sum is evidence enough), then anywhere between them, then anywhere in
// the gap; the more places are compared, the more consecutive blocks must agree.
//
// Everything that comes from the peer (plans, sums, matches) is checked: Error(malformed) for what no correct
// peer sends, Error(limit_exceeded) past a limit. Cost: linear in both sides, whatever the content.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"

namespace syncline::delta {

/// Key of the block sums, drawn per session so that nobody can prepare colliding blocks.
struct SumKey {
  std::uint64_t value = 0;
};

/// How a gap is searched; chosen by the sender from the sizes of both sides.
struct GapPlan {
  std::uint32_t old_bytes = 0;
  std::uint32_t new_bytes = 0;
  std::uint16_t old_phase = 0;           ///< old file offset of the gap modulo the larger block size in use
  std::uint16_t coarse_block_bytes = 0;  ///< 0: no round 1; else a multiple of the fine block
  std::uint8_t coarse_sum_bits = 0;
  std::uint16_t fine_block_bytes = 0;  ///< 0: no round 2
  std::uint8_t fine_sum_bits = 0;

  bool operator==(const GapPlan&) const = default;
};

/// new [new_offset, +bytes) equals old [old_offset, +bytes). Ascending in new_offset.
struct BlockMatch {
  std::uint32_t new_offset = 0;
  std::uint32_t old_offset = 0;
  std::uint32_t bytes = 0;

  bool operator==(const BlockMatch&) const = default;
};

struct GapDelta {
  std::vector<BlockMatch> matches;  ///< of both rounds
  Bytes literals;                   ///< the new bytes outside of matches, in order
};

/// `old_offset` is where the gap's old side begins in the old file; it aligns the blocks. No round is planned
/// where sums could not pay (one side empty or tiny). Throws Error(limit_exceeded) past
/// limits::gap_side_bytes_max.
GapPlan plan_gap(std::uint64_t old_offset, std::uint64_t old_bytes, std::uint64_t new_bytes);
inline GapPlan plan_gap(std::uint64_t old_bytes, std::uint64_t new_bytes) {
  return plan_gap(0, old_bytes, new_bytes);
}

/// Upper bound of what both rounds of sums can take for this plan, for windows and allocation.
std::uint64_t sum_bytes_max(const GapPlan& plan);
Bytes round1_sums(const GapPlan& plan, SumKey key, ByteView old);
std::vector<BlockMatch> round1_match(const GapPlan& plan, SumKey key, ByteView fresh, ByteView sums);
Bytes round2_sums(const GapPlan& plan, SumKey key, const std::vector<BlockMatch>& coarse, ByteView old);
GapDelta round2_match(const GapPlan& plan, SumKey key, ByteView fresh, const std::vector<BlockMatch>& coarse,
                      ByteView sums);
/// Throws Error(malformed) for matches that overlap, run outside or do not add up with the literals.
Bytes apply_gap(const GapPlan& plan, ByteView old, const GapDelta& delta);

/// Compact coding of the plan and of match lists (block counts relative to the expected place, varints); the
/// messages that carry them are compressed as a whole. Decoders throw Error for anything out of bounds.
void write_plan(ByteWriter& out, const GapPlan& plan);
GapPlan read_plan(ByteReader& in);
void write_matches(ByteWriter& out, const GapPlan& plan, const std::vector<BlockMatch>& matches);
std::vector<BlockMatch> read_matches(ByteReader& in, const GapPlan& plan);
/// The same for GapDelta::matches where both sides have the coarse matches: only what round 2 added is
/// written.
void write_fine_matches(ByteWriter& out, const GapPlan& plan, const std::vector<BlockMatch>& coarse,
                        const std::vector<BlockMatch>& matches);
std::vector<BlockMatch> read_fine_matches(ByteReader& in, const GapPlan& plan,
                                          const std::vector<BlockMatch>& coarse);

}  // namespace syncline::delta
