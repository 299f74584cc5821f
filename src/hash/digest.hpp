// SPDX-License-Identifier: Apache-2.0
// The two digests: ChunkId says "same content", QuickHash says "unchanged since last time".
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "base/bytes.hpp"

namespace syncline::hash {

inline constexpr std::size_t digest_bytes = 32;
inline constexpr std::size_t short_id_bytes = 16;

/// 256 bits of a cryptographic hash (BLAKE3 unless a manifest names another algorithm).
/// The identity of a chunk, a file or a directory; equal digests mean equal content.
struct Digest {
  std::array<std::byte, digest_bytes> bytes{};
  auto operator<=>(const Digest&) const = default;
  ByteView view() const { return bytes; }
  std::string hex() const;
  /// First 8 bytes as an integer, for hash tables.
  std::uint64_t prefix() const {
    std::uint64_t out;
    std::memcpy(&out, bytes.data(), sizeof out);
    return out;
  }
};
using ChunkId = Digest;

struct DigestHasher {
  std::size_t operator()(const Digest& digest) const { return digest.prefix(); }
};

/// BLAKE3-256 of `data`. About 5 GB/s from 16 KiB on (reference: the BLAKE3 specification).
Digest blake3(ByteView data);

/// Incremental BLAKE3-256. Copyable (a copy continues independently).
class Blake3 {
 public:
  Blake3();
  Blake3(const Blake3&);
  Blake3& operator=(const Blake3&);
  ~Blake3();
  void update(ByteView data);
  Digest finish() const;  ///< may be called repeatedly

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// XXH3-128 keyed with this installation's secret. Fast (6 GB/s and more) but not collision-safe:
/// only for comparing a file with its own past, never sent, never an identity.
struct QuickHash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const QuickHash&) const = default;
};

/// The secret of an installation (192 bytes, XXH3 asks for at least 136).
class QuickKey {
 public:
  static constexpr std::size_t size_bytes = 192;
  explicit QuickKey(const std::array<std::byte, size_bytes>& secret) : secret_(secret) {}
  QuickHash operator()(ByteView data) const;
  const std::array<std::byte, size_bytes>& secret() const { return secret_; }

 private:
  std::array<std::byte, size_bytes> secret_;
};

}  // namespace syncline::hash
