// SPDX-License-Identifier: Apache-2.0
// What the other side is known to hold, by chunk: so that no content is sent twice.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "hash/digest.hpp"

namespace syncline::sync {

/// Thread-safe. Remembers up to entries_max chunks; what comes later is sent again if it must be.
class DedupeIndex {
 public:
  static constexpr std::size_t entries_max = 4u << 20;
  static constexpr std::uint32_t bytes_min = 4096;  ///< below, naming the place costs as much as the content

  struct Place {
    std::uint32_t file = 0;  ///< as numbered by add_file()
    std::string path;
    std::uint64_t offset = 0;
    bool settled = false;  ///< the receiver has acknowledged it: it can be copied from now on
  };
  /// A number for a path, used by add().
  std::uint32_t add_file(const std::string& path);
  /// False when nothing was added: a place of the chunk is known already, or it cannot be remembered.
  bool add(const hash::ChunkId& id, std::uint32_t length_bytes, std::uint32_t file, std::uint64_t offset);
  std::optional<Place> find(const hash::ChunkId& id, std::uint32_t length_bytes) const;
  /// Everything added so far is now at the receiver.
  void settle();
  std::size_t size() const;
  /// Of chunks that were added since the last settle().
  std::uint64_t unsettled_bytes() const;

 private:
  struct Key {
    std::uint64_t low;
    std::uint64_t high;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept { return key.low; }
  };
  struct Spot {
    std::uint32_t file;
    std::uint32_t generation;
    std::uint64_t offset;
  };
  static Key key_of(const hash::ChunkId& id);

  mutable std::mutex mutex_;
  std::pmr::monotonic_buffer_resource memory_;  ///< no entry is ever taken out; tables that grew stay as well
  std::pmr::unordered_map<Key, Spot, KeyHash> spots_{&memory_};
  std::vector<std::string> files_;
  std::uint32_t generation_ = 0;
  std::uint64_t unsettled_bytes_ = 0;
};

}  // namespace syncline::sync
