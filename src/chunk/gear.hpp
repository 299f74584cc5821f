// SPDX-License-Identifier: Apache-2.0
// The gear table and the cut masks: part of the format, since they decide where chunks end.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace syncline::chunk {

/// Outputs 1..256 of splitmix64 (Steele et al., OOPSLA 2014) from gear_seed.
using GearTable = std::array<std::uint64_t, 256>;

/// The first number from ASCII "syncline" on (big-endian) for which zero_run_never_cuts() holds; one
/// seed in about 5,000 has this property.
inline constexpr std::uint64_t gear_seed = 0x73796e636c697824;

constexpr GearTable make_gear_table(std::uint64_t seed) {
  GearTable table{};
  for (auto& entry : table) {
    auto mixed = seed += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    entry = mixed ^ (mixed >> 31);
  }
  return table;
}

inline constexpr GearTable gear = make_gear_table(gear_seed);

/// `bits` ones below the top bit. The top bit stays free so that the mask can be tested against a
/// hash that is shifted by one (the first byte of a two-byte step). A byte reaches the lowest bit of
/// the mask for 64 - bits positions and its carries longer: the window is about 63 bytes.
constexpr std::uint64_t top_mask(unsigned bits) {
  return ((std::uint64_t{1} << bits) - 1) << (63 - bits);
}

/// Normalised chunking, level 2: harder to cut than one in avg_bytes before avg_bytes, easier after.
inline constexpr unsigned normalisation = 2;

constexpr std::uint64_t early_mask(std::uint32_t avg_bytes) {
  return top_mask(static_cast<unsigned>(std::bit_width(avg_bytes)) - 1 + normalisation);
}
constexpr std::uint64_t late_mask(std::uint32_t avg_bytes) {
  return top_mask(static_cast<unsigned>(std::bit_width(avg_bytes)) - 1 - normalisation);
}

/// The least average: late_mask then has the 3 bits that zero_run_never_cuts is proved for.
inline constexpr std::uint32_t avg_bytes_min = 32;

/// From the state of a fresh cut, no number of zero bytes makes the hash zero under the least mask
/// (after 64 of them the hash does not change any more). Hence zero runs give chunks of max_bytes
/// and a hole of any size is chunked by arithmetic.
constexpr bool zero_run_never_cuts() {
  std::uint64_t hash = 0;
  for (int count = 0; count < 66; ++count) {
    hash = (hash << 1) + gear[0];
    if ((hash & late_mask(avg_bytes_min)) == 0) return false;
  }
  return true;
}
static_assert(zero_run_never_cuts());

}  // namespace syncline::chunk
