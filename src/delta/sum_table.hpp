// SPDX-License-Identifier: Apache-2.0
// What the rolling search looks into: the sums of all places of a new range, and the old blocks by sum.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "delta/block_hash.hpp"
#include "delta/layout.hpp"

namespace syncline::delta {

/// Sums of every place of a new range, computed in tiles that stay in the second-level cache.
class RolledSums {
 public:
  /// Every tile reaches `lookahead` places past its end; sums further on are computed one by one.
  RolledSums(const BlockHash& hash, ByteView range, std::uint32_t block, std::uint32_t lookahead,
             std::vector<std::uint32_t>& tile)
      : hash_(hash),
        range_(range),
        block_(block),
        lookahead_(lookahead),
        places_(static_cast<std::uint32_t>(range.size()) - block + 1),
        tile_(tile) {
    tile_.clear();
  }
  std::uint32_t places() const { return places_; }
  /// Makes the tile begin at `place`; returns where it ends. Places must ascend from call to call.
  std::uint32_t load(std::uint32_t place) {
    const auto kept_from = std::min<std::size_t>(place - begin_, tile_.size());
    tile_.erase(tile_.begin(), tile_.begin() + static_cast<std::ptrdiff_t>(kept_from));
    const auto kept = tile_.size();
    begin_ = place;
    const auto tile_places = std::max(tile_places_min, 4 * lookahead_);
    tile_.resize(std::min(std::size_t{tile_places} + lookahead_, std::size_t{places_} - place));
    if (tile_.size() > kept) hash_.roll(range_.subspan(begin_ + kept), std::span(tile_).subspan(kept));
    return std::min(places_, begin_ + tile_places);
  }
  std::uint32_t at(std::uint32_t place) const {
    return place - begin_ < tile_.size() ? tile_[place - begin_] : hash_.sum(range_.subspan(place, block_));
  }
  const std::uint32_t* loaded(std::uint32_t place) const { return tile_.data() + (place - begin_); }

 private:
  static constexpr std::uint32_t tile_places_min = 16 * 1024;

  const BlockHash& hash_;
  ByteView range_;
  std::uint32_t block_;
  std::uint32_t lookahead_;
  std::uint32_t places_;
  std::uint32_t begin_ = 0;
  std::vector<std::uint32_t>& tile_;
};

/// Full blocks of a run of pieces by sum, or by their sum and that of the next block where two have to agree
/// anyway: then a place has a candidate only once in 2^(2 * bits). Chains keep the first
/// limits::block_chain_max of a slot.
class SumTable {
 public:
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  SumTable(const Layout& layout, const std::vector<std::uint32_t>& sums, std::uint32_t piece_begin,
           std::uint32_t piece_end, bool pairs);

  static std::uint64_t key(std::uint32_t sum, std::uint32_t next_sum) {
    return (std::uint64_t{sum} << 32 | next_sum) * 0x9E3779B97F4A7C15u;
  }
  /// First place from `at` on, below `end`, that may have a candidate: the hot loop of a search. `ahead` is
  /// the distance to the second sum of a pair, 0 without pairs; all places in question are loaded.
  std::uint32_t next_place(const RolledSums& rolled, std::uint32_t at, std::uint32_t end,
                           std::uint32_t ahead) const;
  /// First piece that may have this key, or none; the caller compares the sums.
  std::uint32_t first(std::uint64_t key) const { return first_[key >> slot_shift_]; }
  std::uint32_t next(std::uint32_t piece) const { return next_[piece - begin_]; }
  bool empty() const { return empty_; }

 private:
  bool wanted(const Layout& layout, const std::vector<std::uint32_t>& sums, std::uint32_t piece) const;
  void insert(std::uint32_t piece, std::uint64_t key, std::vector<std::uint8_t>& length);
  void drop_last(std::uint32_t first);

  std::uint32_t begin_;
  bool pairs_;
  bool empty_ = true;
  unsigned slot_shift_ = 0;
  unsigned filter_log_ = 0;
  std::vector<std::uint32_t> first_;
  std::vector<std::uint32_t> next_;
  std::vector<std::uint64_t> filter_;  ///< bits; most places end here
};

}  // namespace syncline::delta
