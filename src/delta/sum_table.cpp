// SPDX-License-Identifier: Apache-2.0
// Hash table with a bit filter in front and bounded chains.
#include "delta/sum_table.hpp"

#include <bit>

#include "base/limits.hpp"

namespace syncline::delta {
namespace {

constexpr unsigned filter_log_max = 22;  // 512 KiB stay in the second-level cache

}  // namespace

SumTable::SumTable(const Layout& layout, const std::vector<std::uint32_t>& sums, std::uint32_t piece_begin,
                   std::uint32_t piece_end, bool pairs)
    : begin_(piece_begin), pairs_(pairs), next_(piece_end - piece_begin, none) {
  const auto log = static_cast<unsigned>(std::bit_width(std::max<std::size_t>(16, next_.size()) * 2));
  filter_log_ = std::clamp(log + 4, 6u, filter_log_max);
  slot_shift_ = 64 - log;
  first_.assign(std::size_t{1} << log, none);
  filter_.assign((std::size_t{1} << filter_log_) / 64, 0);
  std::vector<std::uint8_t> length(first_.size(), 0);
  for (std::uint32_t piece = piece_end; piece-- > piece_begin;)  // backwards: a chain ascends
    if (wanted(layout, sums, piece)) insert(piece, key(sums[piece], pairs_ ? sums[piece + 1] : 0), length);
}

std::uint32_t SumTable::next_place(const RolledSums& rolled, std::uint32_t at, std::uint32_t end,
                                   std::uint32_t ahead) const {
  const auto* const sums = rolled.loaded(at);
  const auto* const filter = filter_.data();
  const unsigned word_shift = 64 - filter_log_ + 6;
  const unsigned bit_shift = 64 - filter_log_;
  const std::uint32_t use_next = pairs_ ? ~std::uint32_t{0} : 0;
  std::uint32_t i = 0;
  for (const auto count = end - at; i < count; ++i) {
    const auto key_here = key(sums[i], sums[i + ahead] & use_next);
    if (filter[key_here >> word_shift] >> ((key_here >> bit_shift) & 63) & 1) break;
  }
  return at + i;
}

/// Full blocks, with a full neighbour for a pair. Inside a run of equal blocks (zeros) every place fits every
/// other: one of the run stands for all.
bool SumTable::wanted(const Layout& layout, const std::vector<std::uint32_t>& sums,
                      std::uint32_t piece) const {
  const auto block = layout.block_bytes;
  const auto& pieces = layout.pieces;
  if (pieces[piece].bytes != block) return false;
  if (!pairs_) return piece == begin_ || !layout.adjoin(piece - 1) || sums[piece - 1] != sums[piece];
  return layout.adjoin(piece) && pieces[piece + 1].bytes == block && sums[piece] != sums[piece + 1];
}

void SumTable::insert(std::uint32_t piece, std::uint64_t key, std::vector<std::uint8_t>& length) {
  const auto slot = key >> slot_shift_;
  if (length[slot] == limits::block_chain_max) drop_last(first_[slot]);
  else ++length[slot];
  next_[piece - begin_] = first_[slot];
  first_[slot] = piece;
  filter_[key >> (64 - filter_log_ + 6)] |= std::uint64_t{1} << (key >> (64 - filter_log_) & 63);
  empty_ = false;
}

/// Takes the last entry off a full chain. O(block_chain_max).
void SumTable::drop_last(std::uint32_t first) {
  std::uint32_t at = first;
  for (auto after = next_[at - begin_]; next_[after - begin_] != none; after = next_[at - begin_]) at = after;
  next_[at - begin_] = none;
}

}  // namespace syncline::delta
