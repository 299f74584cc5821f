// SPDX-License-Identifier: Apache-2.0
// Entry point of the verify-first rescan.
#include "chunk/rescan.hpp"

#include "chunk/scan_file.hpp"

namespace syncline::chunk {

Manifest rescan_file(const fs::File& file, std::uint64_t size_bytes, const Manifest& old,
                     const hash::QuickKey& key, unsigned threads, const Progress& progress) {
  const auto params = manifest::params_for_size(size_bytes);
  if (old.params != params || !OldIndex::is_sound(old))
    return import_file(file, size_bytes, params, key, threads, progress);
  const OldIndex index(old);
  return scan_file({.file = &file, .params = params, .key = key, .old = &index}, size_bytes, threads,
                   progress);
}

}  // namespace syncline::chunk
