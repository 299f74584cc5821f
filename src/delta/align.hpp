// SPDX-License-Identifier: Apache-2.0
// Alignment of two manifests: which parts of the new file the old one has, and the gaps between.
#pragma once

#include <cstdint>
#include <vector>

#include "manifest/manifest.hpp"

namespace syncline::delta {

/// One step of a recipe; steps cover the new file in order without overlap.
struct Step {
  enum class Kind : std::uint8_t {
    match = 1,  ///< the new bytes equal the old ones at old_offset
    zeros = 2,  ///< the new bytes are zeros (written as a hole)
    gap = 3,    ///< changed chunks; their likely old counterpart is [old_offset, +old_bytes)
  };
  Kind kind = Kind::match;
  std::uint64_t new_offset = 0;
  std::uint64_t new_bytes = 0;
  std::uint64_t old_offset = 0;
  std::uint64_t old_bytes = 0;    ///< match: equals new_bytes; zeros: 0; gap: maybe 0
  std::uint32_t first_chunk = 0;  ///< gap: index into the new manifest's chunks
  std::uint32_t chunk_count = 0;  ///< gap: that many records
};

struct Recipe {
  std::vector<Step> steps;
  std::uint64_t matched_in_place_bytes = 0;  ///< matches whose offset did not move
  std::uint64_t matched_moved_bytes = 0;
  std::uint64_t zero_bytes = 0;
  std::uint64_t gap_bytes = 0;  ///< new side
};

/// Aligns by chunk id. Adjacent matches are joined. No side of a gap exceeds gap_side_bytes_max; longer runs
/// of changed chunks are split and the old side in proportion (with overlap, so that a block which sits at a
/// boundary is still found). Manifests of different params give one run of gaps.
/// Time O(n) expected, memory O(old chunks).
Recipe align(const manifest::Manifest& old, const manifest::Manifest& fresh);

}  // namespace syncline::delta
