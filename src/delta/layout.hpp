// SPDX-License-Identifier: Apache-2.0
// What both sides derive from a plan and its matches: the old pieces that have sums, and the brackets to look
// in.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "delta/gap.hpp"

namespace syncline::delta {

/// A block of the old side, or a shorter piece at the edge of an unmatched range.
struct Piece {
  std::uint32_t old_offset = 0;
  std::uint32_t bytes = 0;
  std::uint32_t old_end() const { return old_offset + bytes; }
};

/// A run of new bytes without a match and what lies between the same two matches on the old side.
struct Bracket {
  std::uint32_t new_begin = 0;
  std::uint32_t new_end = 0;
  std::uint32_t old_begin = 0;
  std::uint32_t old_end = 0;
  std::uint32_t piece_begin = 0;  ///< pieces inside [old_begin, old_end)
  std::uint32_t piece_end = 0;

  /// Where the match before (after) the bracket predicts an old byte: at its offset plus this.
  std::int64_t left_shift() const { return std::int64_t{new_begin} - old_begin; }
  std::int64_t right_shift() const { return std::int64_t{new_end} - old_end; }
  bool operator==(const Bracket&) const = default;
};

/// A piece found at a place of the new side.
struct Placement {
  std::uint32_t piece = 0;
  std::uint32_t new_offset = 0;
};

struct Layout {
  std::uint32_t block_bytes = 0;
  std::vector<Piece> pieces;      ///< ascending in old_offset
  std::vector<Bracket> brackets;  ///< ascending on the new side; old sides do not overlap

  /// Two pieces are neighbours when the second begins where the first ends.
  bool adjoin(std::size_t first) const {
    return first + 1 < pieces.size() && pieces[first].old_end() == pieces[first + 1].old_offset;
  }
};

/// Throws Error(malformed) unless both sizes, block sizes and widths are ones that plan_gap() could choose,
/// and Error(limit_exceeded) past limits::gap_side_bytes_max.
void check_plan(const GapPlan& plan);
/// Throws Error(malformed) unless matches are ascending without overlap on the new side and inside both
/// sides.
void check_matches(const GapPlan& plan, const std::vector<BlockMatch>& matches);

/// check_matches(), and that they are made of coarse blocks: what round 1 gives. It bounds the sums of
/// round 2.
void check_coarse(const GapPlan& plan, const std::vector<BlockMatch>& coarse);

/// Round 1: all of the old side in coarse blocks, one bracket.
Layout coarse_layout(const GapPlan& plan);
/// Round 2: the old ranges that no coarse match uses and that face new bytes, in fine blocks; in blocks twice
/// as long where a few bytes changed in place. `coarse` must have been checked.
Layout fine_layout(const GapPlan& plan, const std::vector<BlockMatch>& coarse);
/// All of the old side in blocks of this size.
Layout whole_layout(const GapPlan& plan, std::uint32_t block_bytes);

/// The brackets that these matches (ascending in new_offset) leave, with their pieces looked up in `layout`.
/// Matches that moved against the order of the others only take new bytes away; they bound no old side.
std::vector<Bracket> brackets_between(const GapPlan& plan, const Layout& layout,
                                      const std::vector<BlockMatch>& matches);

/// Joins matches that continue each other on both sides.
std::vector<BlockMatch> joined(std::vector<BlockMatch> matches);
/// Both lists, ascending in new_offset and joined.
std::vector<BlockMatch> merged(const std::vector<BlockMatch>& a, const std::vector<BlockMatch>& b);
/// Placements (ascending in new_offset) as joined matches.
std::vector<BlockMatch> to_matches(const Layout& layout, const std::vector<Placement>& placements);
/// The pieces that make up these matches; nothing if one of them does not begin and end at pieces.
std::optional<std::vector<Placement>> to_placements(const Layout& layout,
                                                    const std::vector<BlockMatch>& matches);

}  // namespace syncline::delta
