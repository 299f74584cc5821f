// SPDX-License-Identifier: Apache-2.0
// The gear table and the cut masks: part of the format, since they decide where chunks end.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace syncline::chunk {

/// Outputs 1..256 of splitmix64 (Steele et al., OOPSLA 2014) from gear_seed.
using GearTable = std::array<std::uint64_t, 256>;

/// The first number from ASCII "syncline" (big-endian) on with the two properties asserted below; about
/// one seed in 250,000 has both.
inline constexpr std::uint64_t gear_seed = 0x73796e636c6ba3b2;

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
constexpr std::uint64_t top_mask(unsigned bits) { return ((std::uint64_t{1} << bits) - 1) << (63 - bits); }

/// Normalised chunking, level 2: harder to cut than one in avg_bytes before avg_bytes, easier after.
inline constexpr unsigned normalisation = 2;

constexpr std::uint64_t early_mask(std::uint32_t avg_bytes) {
  return top_mask(static_cast<unsigned>(std::bit_width(avg_bytes)) - 1 + normalisation);
}
constexpr std::uint64_t late_mask(std::uint32_t avg_bytes) {
  return top_mask(static_cast<unsigned>(std::bit_width(avg_bytes)) - 1 - normalisation);
}

/// The least average: late_mask then has the 3 bits that zero runs are known not to cut under.
inline constexpr std::uint32_t avg_bytes_min = 32;

/// True when no run of `byte`, of any length, makes the hash zero under `mask` from the state of a fresh
/// cut. After 64 equal bytes the hash does not change any more.
constexpr bool run_never_cuts(unsigned byte, std::uint64_t mask) {
  std::uint64_t hash = 0;
  for (int count = 0; count < 66; ++count) {
    hash = (hash << 1) + gear[byte];
    if ((hash & mask) == 0) return false;
  }
  return true;
}

/// Zero runs give chunks of max_bytes whatever the parameters: a hole of any size is chunked by arithmetic.
static_assert(run_never_cuts(0, late_mask(avg_bytes_min)));

/// With chunks of 16 KiB and more, so do runs of any other byte: fill patterns dedupe.
constexpr bool any_run_never_cuts() {
  for (unsigned byte = 0; byte < gear.size(); ++byte)
    if (!run_never_cuts(byte, late_mask(16 * 1024))) return false;
  return true;
}
static_assert(any_run_never_cuts());

}  // namespace syncline::chunk
