// SPDX-License-Identifier: Apache-2.0
// The sender's search: where on the new side do pieces of the old side lie, judged by their sums alone.
#pragma once

#include <cstdint>
#include <vector>

#include "delta/block_hash.hpp"
#include "delta/layout.hpp"

namespace syncline::delta {

/// What a search cost, in comparisons of sums: at most
/// limits::block_chain_max * (blocks a match needs) per new byte and pass, whatever the content.
struct SearchCost {
  std::uint64_t comparisons = 0;
};

struct SearchInput {
  const GapPlan& plan;
  const Layout& layout;
  const BlockHash& hash;  ///< window: layout.block_bytes
  unsigned bits = 0;
  ByteView fresh;
  const std::vector<std::uint32_t>& sums;  ///< one per piece
  const std::vector<BlockMatch>& known;    ///< of an earlier round
};

/// What was found in addition to `known`, ascending in new_offset, not overlapping it. Passes:
///  1. pieces where the matches around a bracket predict them, one after the other from both ends; all of
///  them where
///     both ends predict the same place (edits in place);
///  2. inside each bracket, anywhere on the new side: runs of adjoining blocks, long enough that chance is
///  unlikely
///     (pieces * places / 2^(bits * blocks) < 2^-12); then 1 again around what was found;
///  3. the same over the whole gap, for blocks that moved.
std::vector<BlockMatch> search_blocks(const SearchInput& input, SearchCost* cost = nullptr);

/// Number of adjoining blocks that must agree before a match found among `pieces` * `places` is believed.
unsigned blocks_needed(std::uint64_t pieces, std::uint64_t places, unsigned bits);

}  // namespace syncline::delta
