// SPDX-License-Identifier: Apache-2.0
// How well an input compresses, from a sample of it.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/manifest_source.hpp"

namespace syncline::cli {

/// A file in the row of all files of an input.
struct SamplePlace {
  RelPath path;
  std::uint64_t offset = 0;  ///< where it begins in that row
  std::uint64_t bytes = 0;
};

struct CompressedSample {
  std::uint64_t raw_bytes = 0;
  std::uint64_t level1_bytes = 0;
  std::uint64_t level3_bytes = 0;
};

/// Compresses windows of 1 MiB at equal distances over `places` (ascending, without gaps) as if they
/// were one file; everything when that is at most `budget_bytes`. One compression context, as in a session.
CompressedSample compress_sample(Source& source, const std::vector<SamplePlace>& places,
                                 std::uint64_t budget_bytes);

}  // namespace syncline::cli
