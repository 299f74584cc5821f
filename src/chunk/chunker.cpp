// SPDX-License-Identifier: Apache-2.0
// First import of a file and the manifest of bytes in memory.
#include "chunk/chunker.hpp"

#include "chunk/scan_file.hpp"

namespace syncline::chunk {

Manifest chunk_bytes(ByteView data, const ChunkParams& params, const hash::QuickKey& key) {
  check_params(params);
  Scanner scanner({.file = nullptr, .params = params, .key = key, .old = nullptr}, Window(data));
  ChunkList chunks;
  scanner.run(0, data.size(), chunks, {});
  return {params, data.size(), chunks.take()};
}

Manifest import_file(const fs::File& file, std::uint64_t size_bytes, const ChunkParams& params,
                     const hash::QuickKey& key, unsigned threads, const Progress& progress) {
  return scan_file({.file = &file, .params = params, .key = key, .old = nullptr}, size_bytes, threads,
                   progress);
}

}  // namespace syncline::chunk
