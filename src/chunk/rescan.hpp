// SPDX-License-Identifier: Apache-2.0
// Verify-first rescan: the new manifest of a file whose old manifest is known.
#pragma once

#include "chunk/chunker.hpp"

namespace syncline::chunk {

/// Hashes at the old boundaries and runs the chunker only where a chunk differs, until it is in
/// step again (old offset + shift, then neighbouring chunks, then a global map by QuickHash).
/// The result equals import_file() of the same bytes with params_for_size(size_bytes), at about 1.1 times
/// the cost of reading them; ids of chunks whose QuickHash matches are taken over. When `old` has other
/// params or is not consistent in itself it is not used. `key` must be the one that `old` was made with,
/// else every chunk counts as changed. Same errors and progress as import_file(). No content makes it
/// do more than a constant number of hashes and look-ups of O(log n) for each chunk.
Manifest rescan_file(const fs::File& file, std::uint64_t size_bytes, const Manifest& old,
                     const hash::QuickKey& key, unsigned threads, const Progress& progress = {});

}  // namespace syncline::chunk
