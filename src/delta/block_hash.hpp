// SPDX-License-Identifier: Apache-2.0
// The keyed block sum: a polynomial over a prime field, so that it rolls and nobody without the key can
// prepare collisions.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "delta/gap.hpp"

namespace syncline::delta {

/// Polynomial of the bytes at a secret point modulo 2^61-1, then a keyed mix of which the top bits are used.
/// Two different blocks of n bytes collide in the field for at most n of 2^60 keys, whatever they contain; a
/// buzhash (bytes 64 apart may be swapped) or arithmetic modulo 2^64 (Thue-Morse words) collide for every
/// key.
class BlockHash {
 public:
  /// `window_bytes` is the length that rolls() slides over; `bits` the width of a sum, 1..32.
  BlockHash(SumKey key, std::uint32_t window_bytes, unsigned bits);

  /// Sum of one block of any length: its `bits` are the top ones, the others zero. About 2 GB/s.
  std::uint32_t sum(ByteView block) const { return finish(evaluate(block)); }
  /// sums[i] = sum of data[i, i + window_bytes) for every i; data holds sums.size() + window_bytes - 1 bytes
  /// or more. At least 500 MB/s: four places are rolled at a time to hide the latency of the multiplication.
  void roll(ByteView data, std::span<std::uint32_t> sums) const;

 private:
  std::uint64_t evaluate(ByteView block) const;
  std::uint32_t finish(std::uint64_t value) const;

  std::uint32_t window_bytes_;
  std::uint32_t mask_;
  std::array<std::uint64_t, 9> powers_{};     ///< of the secret point
  std::array<std::uint64_t, 256> leaving_{};  ///< -byte * point^window
  std::uint64_t mix_a_ = 0;                   ///< odd, as the next one
  std::uint64_t mix_b_ = 0;
};

}  // namespace syncline::delta
