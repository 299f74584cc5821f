// SPDX-License-Identifier: Apache-2.0
// Binary coding of directory entries in parts (docs/format/state.md).
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "state/rows.hpp"
#include "state/state.hpp"

namespace syncline::state {

inline constexpr std::size_t dir_part_entries_min = 16;
inline constexpr std::size_t dir_part_entries_max = 256;

/// Cuts sorted entries into parts after names whose hash says so, so that adding or changing one
/// entry of a large directory changes one part. Throws Error(malformed) for unsorted names.
void encode_entries(const std::vector<StoredEntry>& entries, const PartSink& sink);

/// Appends the `count` entries of one part. Throws Error with the byte offset for bytes that
/// encode_entries cannot have written.
void decode_entries(ByteView body, std::uint32_t count, std::vector<StoredEntry>& out);

}  // namespace syncline::state
