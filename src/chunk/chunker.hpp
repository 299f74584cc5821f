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

/// Length in bytes of the first chunk of `data`. `data` must hold at least params.max_bytes unless
/// the file ends inside it. The state restarts at each cut, so the result depends on these bytes
/// alone. Normalisation level 2; 64-bit table; masks in the top bits. 1..max_bytes; 0 for no data.
std::size_t cut_point(ByteView data, const ChunkParams& params);

/// Progress and cancellation: called with the number of bytes dealt with since the last call,
/// at least once per MiB; throw from it to stop.
using Progress = std::function<void(std::uint64_t bytes)>;

/// The manifest of bytes in memory (small files, tests).
Manifest chunk_bytes(ByteView data, const ChunkParams& params, const hash::QuickKey& key);

/// First import: reads `file` once from start to end (holes are skipped by arithmetic: a zero run
/// gives chunks of max_bytes zeros, whether it is stored or a hole) and returns its manifest.
/// `threads` 1 or 2: with 2, reading + cutting overlaps with hashing. Throws
/// Error(Errc::changed) if the size met while reading differs from `size_bytes`.
Manifest import_file(const fs::File& file, std::uint64_t size_bytes, const ChunkParams& params,
                     const hash::QuickKey& key, unsigned threads, const Progress& progress = {});

}  // namespace syncline::chunk
