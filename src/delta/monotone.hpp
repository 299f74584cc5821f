// SPDX-License-Identifier: Apache-2.0
// The heaviest subset of matches that keeps its order on both sides.
#pragma once

#include <cstdint>
#include <vector>

namespace syncline::delta {

/// A match with its place on the old side; the position in the list is the order on the new side.
struct OldSpan {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  ///< past the last byte
};

/// keep[i] tells whether spans[i] belongs to the chain (each span begins at or after the end of the one
/// before) with the most bytes. O(n) when all of them are in order already, else O(n log n).
std::vector<bool> heaviest_chain(const std::vector<OldSpan>& spans);

}  // namespace syncline::delta
