// SPDX-License-Identifier: Apache-2.0
// The table behind DedupeIndex.
#include "sync/dedupe.hpp"

#include <cstring>

namespace syncline::sync {

DedupeIndex::Key DedupeIndex::key_of(const hash::ChunkId& id) {
  Key key;
  std::memcpy(&key.low, id.bytes.data(), 8);
  std::memcpy(&key.high, id.bytes.data() + 8, 8);
  return key;
}

std::uint32_t DedupeIndex::add_file(const std::string& path) {
  std::lock_guard lock(mutex_);
  files_.push_back(path);
  return static_cast<std::uint32_t>(files_.size() - 1);
}

bool DedupeIndex::add(const hash::ChunkId& id, std::uint32_t length_bytes, std::uint32_t file,
                      std::uint64_t offset) {
  if (length_bytes < bytes_min) return false;
  std::lock_guard lock(mutex_);
  if (spots_.size() >= entries_max) return false;
  if (!spots_.try_emplace(key_of(id), Spot{file, generation_, offset}).second) return false;
  unsettled_bytes_ += length_bytes;
  return true;
}

std::optional<DedupeIndex::Place> DedupeIndex::find(const hash::ChunkId& id,
                                                    std::uint32_t length_bytes) const {
  if (length_bytes < bytes_min) return std::nullopt;
  std::lock_guard lock(mutex_);
  const auto found = spots_.find(key_of(id));
  if (found == spots_.end()) return std::nullopt;
  const Spot& spot = found->second;
  return Place{spot.file, files_[spot.file], spot.offset, spot.generation < generation_};
}

void DedupeIndex::settle() {
  std::lock_guard lock(mutex_);
  ++generation_;
  unsettled_bytes_ = 0;
}

std::uint64_t DedupeIndex::unsettled_bytes() const {
  std::lock_guard lock(mutex_);
  return unsettled_bytes_;
}

std::size_t DedupeIndex::size() const {
  std::lock_guard lock(mutex_);
  return spots_.size();
}

}  // namespace syncline::sync
