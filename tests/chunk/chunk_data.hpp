// SPDX-License-Identifier: Apache-2.0
// Inputs that the tests of this module share.
#pragma once

#include <array>
#include <cstring>
#include <random>

#include "base/bytes.hpp"
#include "hash/digest.hpp"
#include "manifest/manifest.hpp"

namespace syncline::test {

using Rng = std::mt19937_64;

inline Bytes random_bytes(Rng& rng, std::size_t size) {
  Bytes out(size);
  std::size_t at = 0;
  for (; at + 8 <= size; at += 8) {
    const auto word = rng();
    std::memcpy(out.data() + at, &word, 8);
  }
  for (; at < size; ++at) out[at] = static_cast<std::byte>(rng());
  return out;
}

/// Uniform in [0, below).
inline std::size_t pick(Rng& rng, std::size_t below) { return static_cast<std::size_t>(rng() % below); }

inline Bytes repeated(ByteView pattern, std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = pattern[i % pattern.size()];
  return out;
}

inline hash::QuickKey test_key(std::uint64_t seed = 42) {
  Rng rng(seed);
  const auto bytes = random_bytes(rng, hash::QuickKey::size_bytes);
  std::array<std::byte, hash::QuickKey::size_bytes> secret;
  std::memcpy(secret.data(), bytes.data(), secret.size());
  return hash::QuickKey(secret);
}

inline constexpr manifest::ChunkParams real_params{};
/// Chunks small enough that a few kilobytes have many of them.
inline constexpr manifest::ChunkParams tiny_params{.min_bytes = 64, .avg_bytes = 256, .max_bytes = 1024};
/// As above, and long enough for the two-lane search.
inline constexpr manifest::ChunkParams small_params{.min_bytes = 512, .avg_bytes = 4096, .max_bytes = 16384};

}  // namespace syncline::test
