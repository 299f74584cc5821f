// SPDX-License-Identifier: Apache-2.0
// The pass over a whole file, on one or two threads.
#pragma once

#include "chunk/scanner.hpp"

namespace syncline::chunk {

/// The manifest of `size_bytes` bytes of source.file. With two threads each scans segments of the file as if
/// they began at a cut; joining them re-scans the one to three chunks at each seam until both agree. (A
/// pipeline of reading, cutting and hashing is bound by its slowest part, here cutting; this is not, and
/// every byte stays in the cache of one core.) On data that never agrees, e.g. without any cut point, the
/// work is done twice and no faster than on one thread. `counts` may be null.
Manifest scan_file(const ScanSource& source, std::uint64_t size_bytes, unsigned threads,
                   const Progress& progress, ScanCounts* counts = nullptr);

/// The two-thread form with segments of this many bytes, a multiple of params.max_bytes (scan_file chooses;
/// tests want many seams).
Manifest scan_segments(const ScanSource& source, std::uint64_t size_bytes, std::uint64_t segment_bytes,
                       const Progress& progress, ScanCounts* counts = nullptr);

}  // namespace syncline::chunk
