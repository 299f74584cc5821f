// SPDX-License-Identifier: Apache-2.0
// Random manifests for the codec tests.
#pragma once

#include <random>

#include "manifest/manifest.hpp"

namespace syncline::manifest {

template <class Engine>
hash::Digest random_digest(Engine& random) {
  hash::Digest out;
  for (auto& byte : out.bytes) byte = static_cast<std::byte>(random());
  return out;
}

template <class Engine>
Manifest random_manifest(Engine& random, std::size_t chunk_count) {
  Manifest out;
  for (std::size_t k = 0; k < chunk_count; ++k) {
    auto& chunk = out.chunks.emplace_back();
    chunk.id = random_digest(random);
    chunk.quick = {random(), random()};
    chunk.length_bytes = static_cast<std::uint32_t>(1 + random() % out.params.max_bytes);
    if (random() % 8 == 0) {
      chunk.length_bytes = out.params.max_bytes;
      chunk.repeat_count = static_cast<std::uint32_t>(2 + random() % 1'000'000);
    }
    out.size_bytes += chunk.total_bytes();
  }
  return out;
}

inline Manifest without_quick(Manifest manifest) {
  for (auto& chunk : manifest.chunks) chunk.quick = {};
  return manifest;
}

}  // namespace syncline::manifest
