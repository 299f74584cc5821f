// SPDX-License-Identifier: Apache-2.0
// Second level: the search for old blocks inside one gap, in two rounds of short sums.
//
// Pure functions over bytes in memory, no I/O. The receiver holds the old bytes, the sender the new ones:
//   sender   plan_gap()                                   -> GapPlan (sent with the gap)
//   receiver round1_sums(plan, old)                       -> sums (sent back)
//   sender   round1_match(plan, fresh, sums)              -> coarse matches (sent)
//   receiver round2_sums(plan, coarse, old)               -> sums of what is still unmatched (sent back)
//   sender   round2_match(plan, fresh, coarse, sums)      -> GapDelta: operations + literals (sent)
//   receiver apply_gap(plan, old, delta)                  -> new bytes, checked against the chunk ids by the caller
// False matches are possible by design (sums are as short as the number of candidates allows);
// the caller checks every rebuilt chunk by its id and asks for the whole chunk when it differs.
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
  std::uint16_t coarse_block_bytes = 0;  ///< 0: no round 1
  std::uint8_t coarse_sum_bytes = 0;
  bool coarse_in_place = false;          ///< compare at equal offsets instead of searching
  std::uint16_t fine_block_bytes = 0;    ///< 0: no round 2
  std::uint8_t fine_sum_bytes = 0;
};

/// new [new_offset, +bytes) equals old [old_offset, +bytes). Ascending in new_offset.
struct BlockMatch {
  std::uint32_t new_offset = 0;
  std::uint32_t old_offset = 0;
  std::uint32_t bytes = 0;
};

struct GapDelta {
  std::vector<BlockMatch> matches;
  Bytes literals;  ///< the new bytes outside of matches, in order
};

GapPlan plan_gap(std::uint64_t old_bytes, std::uint64_t new_bytes);
/// Upper bound of what both rounds of sums can take for this plan, for windows and allocation.
std::uint64_t sum_bytes_max(const GapPlan& plan);
Bytes round1_sums(const GapPlan& plan, SumKey key, ByteView old);
std::vector<BlockMatch> round1_match(const GapPlan& plan, SumKey key, ByteView fresh, ByteView sums);
Bytes round2_sums(const GapPlan& plan, SumKey key, const std::vector<BlockMatch>& coarse, ByteView old);
GapDelta round2_match(const GapPlan& plan, SumKey key, ByteView fresh,
                      const std::vector<BlockMatch>& coarse, ByteView sums);
/// Throws Error(malformed) for matches that overlap, run outside or do not add up with the literals.
Bytes apply_gap(const GapPlan& plan, ByteView old, const GapDelta& delta);

/// Compact coding of the plan and of match lists (relative offsets, varints); the messages that carry them are
/// compressed as a whole. Decoders throw Error for anything out of bounds.
void write_plan(ByteWriter& out, const GapPlan& plan);
GapPlan read_plan(ByteReader& in);
void write_matches(ByteWriter& out, const GapPlan& plan, const std::vector<BlockMatch>& matches);
std::vector<BlockMatch> read_matches(ByteReader& in, const GapPlan& plan);

}  // namespace syncline::delta
