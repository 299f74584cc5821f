// SPDX-License-Identifier: Apache-2.0
// Prediction from neighbouring matches, then a rolling search with bounded chains.
#include "delta/block_search.hpp"

#include <algorithm>
#include <bit>

#include "delta/sum_table.hpp"

namespace syncline::delta {
namespace {

constexpr std::uint32_t no_piece = SumTable::none;
constexpr unsigned spare_bits = 12;  // a false match by chance in one of 4,096 searches
constexpr std::size_t local_passes_max = 3;

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
    const auto found =
        std::lower_bound(brackets.begin(), brackets.end(), wanted,
                         [](const Bracket& a, const Bracket& b) { return a.new_begin < b.new_begin; });
    return found != brackets.end() && *found == wanted;
  }
  std::vector<Bracket> brackets() const { return brackets_between(in_.plan, in_.layout, all_); }

  /// Adds what the last pass found to the matches; false when that was nothing.
  bool take_found() {
    if (fresh_found_.empty()) return false;
    std::sort(fresh_found_.begin(), fresh_found_.end(),
              [](const Placement& a, const Placement& b) { return a.new_offset < b.new_offset; });
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
    predicted_ = brackets();  // what is left of a bracket has been tried: its first and last pieces failed,
                              // or all of them
  }

  void predict(Bracket bracket) {
    const auto& pieces = in_.layout.pieces;
    const auto left = bracket.left_shift();
    const auto right = bracket.right_shift();
    if (left == right) {
      for (auto piece = bracket.piece_begin; piece < bracket.piece_end; ++piece)
        if (equal_at(piece, pieces[piece].old_offset + left, bracket))
          place(piece, pieces[piece].old_offset + left);
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
    if (free.size() == 1 && free[0].piece_begin == 0 && free[0].piece_end == pieces)
      return;  // was local already
    std::uint64_t places = 0;
    std::uint32_t places_max = 0;
    for (const auto& bracket : free) places += bracket.new_end - bracket.new_begin;
    for (const auto& bracket : free) places_max = std::max(places_max, bracket.new_end - bracket.new_begin);
    if (places_max < in_.layout.block_bytes) return;
    const auto needed = blocks_needed(pieces, places, in_.bits);
    const SumTable table(in_.layout, in_.sums, 0, pieces, needed > 1);
    for (const auto& bracket : free) roll(bracket, table, needed);
  }

  void roll_inside(const Bracket& bracket) {
    const auto pieces = bracket.piece_end - bracket.piece_begin;
    const auto places = bracket.new_end - bracket.new_begin;
    const auto needed = blocks_needed(pieces, places, in_.bits);
    if (pieces < needed || places < std::uint64_t{in_.layout.block_bytes} * needed) return;
    roll(bracket, SumTable(in_.layout, in_.sums, bracket.piece_begin, bracket.piece_end, needed > 1), needed);
  }

  void roll(const Bracket& bracket, const SumTable& table, unsigned needed) {
    const std::uint32_t block = in_.layout.block_bytes;
    const std::uint32_t length = bracket.new_end - bracket.new_begin;
    if (table.empty() || length < std::uint64_t{block} * needed) return;
    RolledSums sums(in_.hash, in_.fresh.subspan(bracket.new_begin, length), block,
                    evidence_blocks_max(needed) * block, rolled_);
    const std::uint32_t ahead = needed > 1 ? block : 0;  // place of the second sum of a pair
    const auto last = sums.places() - ahead;
    std::uint32_t after_last = no_piece;  // the piece that would continue the last run
    for (std::uint32_t at = 0; at < last;) {
      const auto tile_end = std::min(last, sums.load(at));
      while (at < tile_end && (at = table.next_place(sums, at, tile_end, ahead)) < tile_end) {
        const auto run = best_run(table, sums, at, ahead, needed, after_last);
        if (run.count == 0) {
          ++at;
          continue;
        }
        for (std::uint32_t i = 0; i < run.count; ++i)
          place(run.piece + i, std::int64_t{bracket.new_begin} + at + std::int64_t{i} * block);
        after_last = run.piece + run.count;
        at += run.count * block;
      }
    }
  }

  struct Run {
    std::uint32_t piece = no_piece;
    std::uint32_t count = 0;
  };
  /// The longest run that begins at this place; of equal ones that which keeps the order, then the first.
  Run best_run(const SumTable& table, const RolledSums& sums, std::uint32_t at, std::uint32_t ahead,
               unsigned needed, std::uint32_t after_last) {
    Run best;
    const auto key = SumTable::key(sums.at(at), ahead != 0 ? sums.at(at + ahead) : 0);
    for (auto piece = table.first(key); piece != no_piece; piece = table.next(piece)) {
      const auto run = run_length(piece, sums, at, needed);
      if (run.evidence < needed) continue;
      if (run.count > best.count ||
          (run.count == best.count && best.piece < after_last && piece >= after_last))
        best = {piece, run.count};
    }
    return best;
  }

  struct RunLength {
    std::uint32_t count = 0;  ///< adjoining blocks whose sums agree
    std::uint32_t evidence =
        0;  ///< of them those that differ from the one before: a run of zeros proves no more than one
  };
  /// Gives up where evidence does not grow, so that a rejected run costs no more than a few comparisons.
  RunLength run_length(std::uint32_t piece, const RolledSums& sums, std::uint32_t at, unsigned needed) {
    const std::uint32_t block = in_.layout.block_bytes;
    RunLength run;
    for (; at < sums.places(); at += block, ++piece) {
      ++cost_.comparisons;
      if (in_.sums[piece] != sums.at(at)) break;
      if (run.count == 0 || in_.sums[piece] != in_.sums[piece - 1]) ++run.evidence;
      ++run.count;
      if (run.evidence < needed && run.count >= evidence_blocks_max(needed)) break;
      if (!in_.layout.adjoin(piece) || in_.layout.pieces[piece + 1].bytes != block) break;
    }
    return run;
  }
  /// Blocks within which a run has to show its evidence.
  static std::uint32_t evidence_blocks_max(unsigned needed) { return 2 * needed + 2; }

  const SearchInput& in_;
  SearchCost& cost_;
  std::vector<BlockMatch> all_;
  std::vector<BlockMatch> found_;
  std::vector<Placement> fresh_found_;
  std::vector<Bracket> predicted_;        ///< brackets where prediction has nothing left to find
  std::vector<Bracket> rolled_brackets_;  ///< the same for the local search
  std::vector<std::uint32_t> rolled_;     ///< storage of RolledSums
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
