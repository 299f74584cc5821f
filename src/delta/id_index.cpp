// SPDX-License-Identifier: Apache-2.0
// Hash index over the ids of a manifest.
#include "delta/id_index.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "base/world.hpp"

namespace syncline::delta {
namespace {

std::array<std::uint64_t, 2> draw_salt() {
  std::array<std::uint64_t, 2> salt;
  system_random().fill(std::as_writable_bytes(std::span(salt)));
  return salt;
}

}  // namespace

void IdIndex::add(const std::vector<std::uint32_t>& records) {
  slots_.assign(std::bit_ceil(std::max<std::size_t>(16, records.size() * 2)), none);
  next_.assign(chunks_.size(), none);
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(slots_.size()));
  const std::size_t mask = slots_.size() - 1;
  for (auto i = records.size(); i-- > 0;) {  // backwards: lists ascend
    const auto record = records[i];
    auto slot = slot_of(chunks_[record].id);
    while (slots_[slot] != none && chunks_[slots_[slot]].id != chunks_[record].id) slot = (slot + 1) & mask;
    next_[record] = slots_[slot];
    slots_[slot] = record;
  }
}

std::size_t IdIndex::slot_of(const hash::ChunkId& id) const {
  static const auto salt = draw_salt();
  std::uint64_t x = (id.prefix() ^ salt[0]) * (salt[1] | 1);
  x ^= x >> 32;
  return static_cast<std::size_t>((x * 0x9E3779B97F4A7C15u) >> shift_);
}

std::uint32_t IdIndex::first(const hash::ChunkId& id) const {
  const std::size_t mask = slots_.size() - 1;
  for (auto slot = slot_of(id); slots_[slot] != none; slot = (slot + 1) & mask)
    if (chunks_[slots_[slot]].id == id) return slots_[slot];
  return none;
}

}  // namespace syncline::delta
