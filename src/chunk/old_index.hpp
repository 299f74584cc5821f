// SPDX-License-Identifier: Apache-2.0
// The old manifest of a file, searchable by offset and by QuickHash.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "manifest/manifest.hpp"

namespace syncline::chunk {

/// One chunk of a manifest: a record and which of its repetitions.
struct OldPlace {
  std::size_t record = 0;
  std::uint32_t repeat = 0;
};

/// Read by several threads at once. Refers to the manifest, which must outlive it.
/// Memory: 8 bytes a record; 16 more once find_anywhere() was called.
class OldIndex {
 public:
  explicit OldIndex(const manifest::Manifest& old);

  /// False when lengths do not add up or exceed their bounds: then it says nothing about any file.
  static bool is_sound(const manifest::Manifest& old);

  const manifest::Chunk& chunk(OldPlace place) const { return old_.chunks[place.record]; }
  std::uint64_t size_bytes() const { return old_.size_bytes; }
  std::uint64_t offset_of(OldPlace place) const {
    return starts_[place.record] + std::uint64_t{place.repeat} * chunk(place).length_bytes;
  }
  /// The chunk after `place`; nothing after the last one.
  std::optional<OldPlace> after(OldPlace place) const;
  /// The chunk that starts at `offset` exactly. O(log n).
  std::optional<OldPlace> starting_at(std::uint64_t offset) const;
  /// The first chunk that starts at `offset` or later. O(log n).
  std::optional<OldPlace> starting_from(std::uint64_t offset) const;
  /// Where the length of a chunk came from the end of the file and not from its bytes, the same bytes
  /// may be cut elsewhere in another file.
  bool is_cut_by_end(OldPlace place) const {
    return place.record + 1 == old_.chunks.size() && chunk(place).length_bytes < old_.params.max_bytes;
  }

  /// A chunk with these digests among the `reach` records on either side of the one at `offset`.
  std::optional<OldPlace> find_near(std::uint64_t offset, std::size_t reach, const hash::QuickHash& quick,
                                    std::size_t length_bytes) const;
  /// The same among all records; of several, the first at or after `offset`, else the last. O(log n) however
  /// many chunks are equal; the first call sorts them all.
  std::optional<OldPlace> find_anywhere(std::uint64_t offset, const hash::QuickHash& quick,
                                        std::size_t length_bytes) const;

 private:
  std::size_t record_at(std::uint64_t offset) const;  // the last that starts at `offset` or before
  bool is_match(std::size_t record, const hash::QuickHash& quick, std::size_t length_bytes) const {
    const auto& chunk = old_.chunks[record];
    return chunk.quick == quick && chunk.length_bytes == length_bytes;
  }

  struct Named {
    std::uint64_t name;  // QuickHash::low
    std::uint64_t record;
    auto operator<=>(const Named&) const = default;
  };
  const manifest::Manifest& old_;
  std::vector<std::uint64_t> starts_;
  mutable std::once_flag named_once_;
  mutable std::vector<Named> named_;
};

}  // namespace syncline::chunk
