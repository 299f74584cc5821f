// SPDX-License-Identifier: Apache-2.0
// Content-defined chunking: Gear/FastCDC-2020 (Xia et al., TPDS 2020), two bytes a step.
#pragma once

#include <cstddef>
#include <functional>

#include "base/bytes.hpp"
#include "fs/fs.hpp"
#include "manifest/manifest.hpp"

namespace syncline::chunk {

using manifest::Chunk;
using manifest::ChunkParams;
using manifest::Manifest;

/// Throws Error(Errc::malformed) unless 1 <= min <= avg <= max and avg is a power of two, 32 or more.
void check_params(const ChunkParams& params);

/// Length in bytes of the first chunk of `data`. `data` must hold at least params.max_bytes unless
/// the file ends inside it. The state restarts at each cut, so the result depends on these bytes
/// alone. 1..max_bytes; 0 for no data.
///
/// Definition, with a = log2(avg_bytes) and 64-bit arithmetic that wraps: h = 0; for i = min_bytes,
/// min_bytes + 1, ...: h = 2 h + gear[data[i]]; the chunk ends after byte i when the bits of h below the
/// top one, a + 2 of them where i < avg_bytes and a - 2 from there on, are all zero; at the latest after
/// max_bytes. So every chunk but a file's last is longer than min_bytes. The table is that of gear.hpp.
/// The result is the same on every CPU. About 3.8 GB/s here; params must have passed check_params().
std::size_t cut_point(ByteView data, const ChunkParams& params);

/// Progress and cancellation: called with the number of bytes dealt with since the last call, at least
/// once per MiB that the calling thread deals with, always on that one; the sum is the size of the file.
/// Throw from it to stop: the exception comes out of the call.
using Progress = std::function<void(std::uint64_t bytes)>;

/// The manifest of bytes in memory (small files, tests). Throws Error(Errc::malformed) for params that
/// check_params() refuses.
Manifest chunk_bytes(ByteView data, const ChunkParams& params, const hash::QuickKey& key);

/// First import: reads `file` once from start to end (holes are skipped by arithmetic: a zero run
/// gives chunks of max_bytes zeros, whether it is stored or a hole) and returns its manifest.
/// `threads` 1 or 2: with 2, two segments of a file of 4 MiB or more are dealt with at a time. Throws
/// Error(Errc::changed) if the size met while reading differs from `size_bytes`, and
/// Error(Errc::malformed) for params that check_params() refuses. Memory: 1.2 MiB a thread besides the
/// manifest (more with chunks above 256 KiB). A file that changes without changing its size is not
/// noticed here: the caller compares its stat before and after.
Manifest import_file(const fs::File& file, std::uint64_t size_bytes, const ChunkParams& params,
                     const hash::QuickKey& key, unsigned threads, const Progress& progress = {});

}  // namespace syncline::chunk
