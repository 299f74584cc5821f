// SPDX-License-Identifier: Apache-2.0
// Verify-first rescan: the new manifest of a file whose old manifest is known.
#pragma once

#include "chunk/chunker.hpp"

namespace syncline::chunk {

/// Hashes at the old boundaries and runs the chunker only where a chunk differs, until it is in
/// step again (old offset + shift, then neighbouring chunks, then a global map by QuickHash).
/// The result equals import_file() of the same bytes, at about 1.1 times the cost of reading them.
/// Same errors as import_file().
Manifest rescan_file(const fs::File& file, std::uint64_t size_bytes, const Manifest& old,
                     const hash::QuickKey& key, unsigned threads, const Progress& progress = {});

}  // namespace syncline::chunk
