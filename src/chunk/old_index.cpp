// SPDX-License-Identifier: Apache-2.0
// Look-ups in the old manifest, each with a bound that no content can raise.
#include "chunk/old_index.hpp"

#include <algorithm>

namespace syncline::chunk {

OldIndex::OldIndex(const manifest::Manifest& old) : old_(old) {
  starts_.reserve(old.chunks.size());
  std::uint64_t offset = 0;
  for (const auto& chunk : old.chunks) {
    starts_.push_back(offset);
    offset += chunk.total_bytes();
  }
}

bool OldIndex::is_sound(const manifest::Manifest& old) {
  std::uint64_t left = old.size_bytes;
  for (const auto& chunk : old.chunks) {
    if (chunk.length_bytes == 0 || chunk.length_bytes > old.params.max_bytes || chunk.repeat_count == 0 ||
        chunk.total_bytes() > left)
      return false;
    left -= chunk.total_bytes();
  }
  return left == 0;
}

std::optional<OldPlace> OldIndex::after(OldPlace place) const {
  if (place.repeat + 1 < chunk(place).repeat_count) return OldPlace{place.record, place.repeat + 1};
  if (place.record + 1 < starts_.size()) return OldPlace{place.record + 1, 0};
  return std::nullopt;
}

std::size_t OldIndex::record_at(std::uint64_t offset) const {
  const auto next = std::upper_bound(starts_.begin(), starts_.end(), offset);
  return static_cast<std::size_t>(next - starts_.begin()) - 1;
}

std::optional<OldPlace> OldIndex::starting_from(std::uint64_t offset) const {
  if (offset >= old_.size_bytes) return std::nullopt;
  const auto record = record_at(offset);
  const auto inside = offset - starts_[record];
  const auto length = old_.chunks[record].length_bytes;
  const OldPlace place{record, static_cast<std::uint32_t>(inside / length)};
  return inside % length == 0 ? std::optional(place) : after(place);
}

std::optional<OldPlace> OldIndex::starting_at(std::uint64_t offset) const {
  const auto place = starting_from(offset);
  return place && offset_of(*place) == offset ? place : std::nullopt;
}

std::optional<OldPlace> OldIndex::find_near(std::uint64_t offset, std::size_t reach,
                                            const hash::QuickHash& quick, std::size_t length_bytes) const {
  if (starts_.empty()) return std::nullopt;
  const auto centre = record_at(offset);
  const auto begin = centre - std::min(centre, reach);
  const auto end = std::min(starts_.size(), centre + reach + 1);
  // Onwards first: what follows an insertion or an edit is more often a later chunk than an earlier one.
  for (auto record = centre; record < end; ++record)
    if (is_match(record, quick, length_bytes)) return OldPlace{record, 0};
  for (auto record = begin; record < centre; ++record)
    if (is_match(record, quick, length_bytes)) return OldPlace{record, 0};
  return std::nullopt;
}

std::optional<OldPlace> OldIndex::find_anywhere(std::uint64_t offset, const hash::QuickHash& quick,
                                                std::size_t length_bytes) const {
  if (starts_.empty()) return std::nullopt;
  std::call_once(named_once_, [this] {
    named_.reserve(starts_.size());
    for (std::size_t record = 0; record < starts_.size(); ++record)
      named_.push_back({old_.chunks[record].quick.low, record});
    std::sort(named_.begin(), named_.end());
  });
  auto found = std::lower_bound(named_.begin(), named_.end(), Named{quick.low, record_at(offset)});
  if (found == named_.end() || found->name != quick.low) {
    if (found == named_.begin()) return std::nullopt;
    --found;
  }
  const auto record = static_cast<std::size_t>(found->record);
  if (found->name != quick.low || !is_match(record, quick, length_bytes)) return std::nullopt;
  return OldPlace{record, 0};
}

}  // namespace syncline::chunk
