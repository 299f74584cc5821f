// SPDX-License-Identifier: Apache-2.0
// Chunk ids of the old manifest, found in constant time even when someone prepared them.
#pragma once

#include <cstdint>
#include <vector>

#include "manifest/manifest.hpp"

namespace syncline::delta {

/// Open addressing over record numbers. Slots come from the id and a random number of this process, so that
/// ids that were ground to share their first bits do not pile up. Equal ids form one ascending list.
class IdIndex {
 public:
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  /// Of those records only whose id may be asked for.
  template <class MayBeAsked>
  IdIndex(const std::vector<manifest::Chunk>& chunks, const MayBeAsked& may_be_asked) : chunks_(chunks) {
    std::vector<std::uint32_t> records;
    for (std::uint32_t record = 0; record < chunks.size(); ++record)
      if (may_be_asked(chunks[record].id)) records.push_back(record);
    add(records);
  }
  /// First record with this id, or none.
  std::uint32_t first(const hash::ChunkId& id) const;
  /// Next record with the id of `record`, or none.
  std::uint32_t next(std::uint32_t record) const { return next_[record]; }

 private:
  void add(const std::vector<std::uint32_t>& records);
  std::size_t slot_of(const hash::ChunkId& id) const;

  const std::vector<manifest::Chunk>& chunks_;
  unsigned shift_ = 0;
  std::vector<std::uint32_t> slots_;
  std::vector<std::uint32_t> next_;
};

}  // namespace syncline::delta
