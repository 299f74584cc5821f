// SPDX-License-Identifier: Apache-2.0
// Prediction from neighbouring matches, then a rolling search with bounded chains.
#include "delta/block_search.hpp"

#include <algorithm>
#include <bit>

#include "base/limits.hpp"

namespace syncline::delta {
namespace {

constexpr std::uint32_t none = 0xFFFFFFFF;
constexpr unsigned spare_bits = 12;        // a false match by chance in one of 4,096 searches
constexpr std::size_t local_passes_max = 3;

/// Full blocks by sum; chains keep the first limits::block_chain_max of a bucket.
class SumTable {
 public:
  SumTable(const SearchInput& input, std::uint32_t piece_begin, std::uint32_t piece_end) {
    const std::size_t slots = std::bit_ceil(std::max<std::size_t>(64, std::size_t{piece_end - piece_begin} * 4));
    mask_ = static_cast<std::uint32_t>(slots - 1);
    first_.assign(slots, none);
    begin_ = piece_begin;
    next_.assign(piece_end - piece_begin, none);
    std::vector<std::uint8_t> length(slots, 0);
    for (std::uint32_t piece = piece_end; piece-- > piece_begin;) {  // backwards: a chain ascends
      if (input.layout.pieces[piece].bytes != input.layout.block_bytes) continue;
      // Inside a run of equal blocks (zeros) every place would fit every other; the first stands for all.
      if (piece != piece_begin && input.layout.adjoin(piece - 1) && input.sums[piece - 1] == input.sums[piece]) continue;
      const auto slot = slot_of(input.sums[piece]);
      if (length[slot] == limits::block_chain_max) {
        first_[slot] = drop_last(first_[slot]);
      } else {
        ++length[slot];
      }
      next_[piece - begin_] = first_[slot];
      first_[slot] = piece;
      ++size_;
    }
  }
  std::uint32_t first(std::uint32_t sum) const { return first_[slot_of(sum)]; }
  std::uint32_t next(std::uint32_t piece) const { return next_[piece - begin_]; }
  std::size_t size() const { return size_; }

 private:
  std::uint32_t slot_of(std::uint32_t sum) const { return (sum ^ (sum >> 16)) & mask_; }
  /// Takes the last entry off a full chain. O(block_chain_max).
  std::uint32_t drop_last(std::uint32_t first) {
    std::uint32_t at = first;
    for (std::uint32_t after = next_[at - begin_]; next_[after - begin_] != none; after = next_[at - begin_]) at = after;
    next_[at - begin_] = none;
    return first;
  }

  std::uint32_t mask_ = 0;
  std::uint32_t begin_ = 0;
  std::size_t size_ = 0;
  std::vector<std::uint32_t> first_;
  std::vector<std::uint32_t> next_;
};

class Search {
 public:
  Search(const SearchInput& input, SearchCost& cost) : in_(input), cost_(cost), all_(input.known) {}

  std::vector<BlockMatch> run() {
    predict();
    for (std::size_t pass = 0; pass < local_passes_max; ++pass) {
      for (const auto& bracket : brackets())
        if (!contains(rolled_brackets_, bracket)) roll_inside(bracket);
      rolled_brackets_ = brackets();  // those that are still there have nothing left to find
      if (!take_found()) break;
      predict();
    }
    roll_everywhere();
    if (take_found()) predict();
    return std::move(found_);
  }

 private:
  static bool contains(const std::vector<Bracket>& brackets, const Bracket& wanted) {
    const auto found = std::lower_bound(brackets.begin(), brackets.end(), wanted,
                                        [](const Bracket& a, const Bracket& b) { return a.new_begin < b.new_begin; });
    return found != brackets.end() && *found == wanted;
  }
  std::vector<Bracket> brackets() const { return brackets_between(in_.plan, in_.layout, all_); }

  /// Adds what the last pass found to the matches; false when that was nothing.
  bool take_found() {
    if (fresh_found_.empty()) return false;
    std::sort(fresh_found_.begin(), fresh_found_.end(), [](const Placement& a, const Placement& b) { return a.new_offset < b.new_offset; });
    const auto matches = to_matches(in_.layout, fresh_found_);
    fresh_found_.clear();
    found_ = merged(found_, matches);
    all_ = merged(all_, matches);
    return true;
  }

  bool equal_at(std::uint32_t piece, std::int64_t new_offset, const Bracket& bracket) {
    const auto bytes = in_.layout.pieces[piece].bytes;
    if (new_offset < bracket.new_begin || new_offset + bytes > bracket.new_end) return false;
    ++cost_.comparisons;
    return in_.hash.sum(in_.fresh.subspan(static_cast<std::size_t>(new_offset), bytes)) == in_.sums[piece];
  }
  void place(std::uint32_t piece, std::int64_t new_offset) {
    fresh_found_.push_back({piece, static_cast<std::uint32_t>(new_offset)});
  }

  void predict() {
    for (const auto& bracket : brackets())
      if (!contains(predicted_, bracket)) predict(bracket);
    take_found();
    predicted_ = brackets();  // what is left of a bracket has been tried: its first and last pieces failed, or all of them
  }

  void predict(Bracket bracket) {
    const auto& pieces = in_.layout.pieces;
    const auto left = bracket.left_shift();
    const auto right = bracket.right_shift();
    if (left == right) {
      for (auto piece = bracket.piece_begin; piece < bracket.piece_end; ++piece)
        if (equal_at(piece, pieces[piece].old_offset + left, bracket)) place(piece, pieces[piece].old_offset + left);
      return;
    }
    for (auto& piece = bracket.piece_begin; piece < bracket.piece_end; ++piece) {
      if (!equal_at(piece, pieces[piece].old_offset + left, bracket)) break;
      place(piece, pieces[piece].old_offset + left);
      bracket.new_begin = static_cast<std::uint32_t>(pieces[piece].old_end() + left);
    }
    for (auto& end = bracket.piece_end; end > bracket.piece_begin; --end) {
      const auto piece = end - 1;
      if (!equal_at(piece, pieces[piece].old_offset + right, bracket)) break;
      place(piece, pieces[piece].old_offset + right);
      bracket.new_end = static_cast<std::uint32_t>(pieces[piece].old_offset + right);
    }
  }

  void roll_everywhere() {
    const auto free = brackets();
    const auto pieces = static_cast<std::uint32_t>(in_.layout.pieces.size());
    if (free.size() == 1 && free[0].piece_begin == 0 && free[0].piece_end == pieces) return;  // was local already
    std::uint64_t places = 0;
    for (const auto& bracket : free) places += bracket.new_end - bracket.new_begin;
    if (places < in_.layout.block_bytes) return;
    const SumTable table(in_, 0, pieces);
    for (const auto& bracket : free) roll(bracket, table, blocks_needed(table.size(), places, in_.bits));
  }

  void roll_inside(const Bracket& bracket) {
    if (bracket.piece_begin == bracket.piece_end) return;
    if (bracket.new_end - bracket.new_begin < in_.layout.block_bytes) return;
    const SumTable table(in_, bracket.piece_begin, bracket.piece_end);
    roll(bracket, table, blocks_needed(table.size(), bracket.new_end - bracket.new_begin, in_.bits));
  }

  void roll(const Bracket& bracket, const SumTable& table, unsigned needed) {
    const std::uint32_t block = in_.layout.block_bytes;
    const std::uint32_t length = bracket.new_end - bracket.new_begin;
    if (table.size() < needed || length < std::uint64_t{block} * needed) return;
    const std::uint32_t places = length - block + 1;
    rolled_.resize(places);
    in_.hash.roll(in_.fresh.subspan(bracket.new_begin, length), rolled_);
    std::uint32_t after_last = none;  // the piece that would continue the last run
    for (std::uint32_t at = 0; at < places;) {
      std::uint32_t best = none;
      std::uint32_t best_count = 0;
      for (auto piece = table.first(rolled_[at]); piece != none; piece = table.next(piece)) {
        const auto run = run_length(piece, at, places, needed);
        if (run.evidence < needed) continue;
        // Of equal runs the one that keeps the order, then the first.
        if (run.count > best_count || (run.count == best_count && best < after_last && piece >= after_last)) {
          best = piece;
          best_count = run.count;
        }
      }
      if (best == none) {
        ++at;
        continue;
      }
      for (std::uint32_t i = 0; i < best_count; ++i) place(best + i, std::int64_t{bracket.new_begin} + at + std::int64_t{i} * block);
      after_last = best + best_count;
      at += best_count * block;
    }
  }

  struct RunLength {
    std::uint32_t count = 0;     ///< adjoining blocks whose sums agree
    std::uint32_t evidence = 0;  ///< of them those that differ from the one before: a run of zeros proves no more than one
  };
  /// Gives up where evidence does not grow, so that a rejected run costs no more than a few comparisons.
  RunLength run_length(std::uint32_t piece, std::uint32_t at, std::uint32_t places, unsigned needed) {
    const std::uint32_t block = in_.layout.block_bytes;
    RunLength run;
    for (; at < places; at += block, ++piece) {
      ++cost_.comparisons;
      if (in_.sums[piece] != rolled_[at]) break;
      if (run.count == 0 || in_.sums[piece] != in_.sums[piece - 1]) ++run.evidence;
      ++run.count;
      if (run.evidence < needed && run.count >= 2 * needed + 2) break;
      if (!in_.layout.adjoin(piece) || in_.layout.pieces[piece + 1].bytes != block) break;
    }
    return run;
  }

  const SearchInput& in_;
  SearchCost& cost_;
  std::vector<BlockMatch> all_;
  std::vector<BlockMatch> found_;
  std::vector<Placement> fresh_found_;
  std::vector<Bracket> predicted_;        ///< brackets where prediction has nothing left to find
  std::vector<Bracket> rolled_brackets_;  ///< the same for the local search
  std::vector<std::uint32_t> rolled_;     ///< sums of a bracket's places
};

}  // namespace

unsigned blocks_needed(std::uint64_t pieces, std::uint64_t places, unsigned bits) {
  const unsigned wanted = static_cast<unsigned>(std::bit_width(pieces) + std::bit_width(places)) + spare_bits;
  return (wanted + bits - 1) / bits;
}

std::vector<BlockMatch> search_blocks(const SearchInput& input, SearchCost* cost) {
  SearchCost unused;
  return Search(input, cost != nullptr ? *cost : unused).run();
}

}  // namespace syncline::delta
