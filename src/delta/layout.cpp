// SPDX-License-Identifier: Apache-2.0
// Cutting the old side into pieces and the space between matches into brackets.
#include "delta/layout.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "delta/monotone.hpp"

namespace syncline::delta {
namespace {

// Sums of an old range are not worth their bytes where there is much less to find: 64 B blocks take 3 % of
// the range.
constexpr std::uint64_t old_per_new_max = 4;
// Where at most a third of a gap changed, edits of up to this many old bytes in place (a tar header, a
// record) differ in a block or two, and twice larger blocks cost less: a kernel tar 4.8 MB against 5.6.
constexpr std::uint64_t isolated_edit_bytes_max = 2048;
constexpr std::uint64_t isolated_share = 3;

struct Range {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t bytes() const { return end - begin; }
};

[[noreturn]] void malformed(const char* what) { throw Error(Errc::malformed, what); }

/// Pieces of one old range: cut at the multiples of the block size in the old file.
void cut(Layout& layout, Range range, std::uint32_t block_bytes, std::uint32_t phase) {
  std::uint32_t at = range.begin;
  while (at < range.end) {
    const std::uint32_t to_boundary = block_bytes - (phase + at) % block_bytes;
    const std::uint32_t bytes = std::min(to_boundary, range.end - at);
    layout.pieces.push_back({at, bytes});
    at += bytes;
  }
}

std::vector<Range> unmatched_old(const GapPlan& plan, const std::vector<BlockMatch>& matches) {
  std::vector<Range> used;
  used.reserve(matches.size());
  for (const auto& match : matches) used.push_back({match.old_offset, match.old_offset + match.bytes});
  std::sort(used.begin(), used.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
  std::vector<Range> out;
  std::uint32_t at = 0;
  for (const auto& range : used) {
    if (range.begin > at) out.push_back({at, range.begin});
    at = std::max(at, range.end);
  }
  if (at < plan.old_bytes) out.push_back({at, plan.old_bytes});
  return out;
}

std::uint64_t total_bytes(const std::vector<Range>& ranges) {
  std::uint64_t total = 0;
  for (const auto& range : ranges) total += range.bytes();
  return total;
}

/// Index of the first piece that begins at or after `old_offset`.
std::uint32_t piece_from(const Layout& layout, std::uint32_t old_offset) {
  const auto found =
      std::lower_bound(layout.pieces.begin(), layout.pieces.end(), old_offset,
                       [](const Piece& piece, std::uint32_t offset) { return piece.old_offset < offset; });
  return static_cast<std::uint32_t>(found - layout.pieces.begin());
}

bool valid_round(std::uint32_t block_bytes, unsigned bits) {
  if (block_bytes == 0) return bits == 0;
  return block_bytes >= limits::block_bytes_min && block_bytes <= limits::block_bytes_max &&
         (block_bytes & (block_bytes - 1)) == 0 && bits >= limits::sum_bits_min &&
         bits <= limits::sum_bits_max;
}

}  // namespace

void check_plan(const GapPlan& plan) {
  if (plan.old_bytes > limits::gap_side_bytes_max || plan.new_bytes > limits::gap_side_bytes_max)
    throw Error(Errc::limit_exceeded, "gap plan: a side is too long");
  if (!valid_round(plan.coarse_block_bytes, plan.coarse_sum_bits)) malformed("gap plan: coarse blocks");
  if (!valid_round(plan.fine_block_bytes, plan.fine_sum_bits)) malformed("gap plan: fine blocks");
  if (plan.coarse_block_bytes != 0 && plan.coarse_block_bytes < plan.fine_block_bytes)
    malformed("gap plan: fine blocks larger than coarse ones");
  if (plan.old_phase >= limits::block_bytes_max) malformed("gap plan: phase");
  if (plan.old_phase != 0 && plan.coarse_block_bytes == 0 && plan.fine_block_bytes == 0)
    malformed("gap plan: a phase without blocks");
}

void check_matches(const GapPlan& plan, const std::vector<BlockMatch>& matches) {
  std::uint64_t at = 0;
  for (const auto& match : matches) {
    if (match.bytes == 0 || match.new_offset < at) malformed("block matches: not in order");
    at = std::uint64_t{match.new_offset} + match.bytes;
    if (at > plan.new_bytes || std::uint64_t{match.old_offset} + match.bytes > plan.old_bytes)
      malformed("block matches: outside of the gap");
  }
}

void check_coarse(const GapPlan& plan, const std::vector<BlockMatch>& coarse) {
  check_matches(plan, coarse);
  if (coarse.empty()) return;
  if (plan.coarse_block_bytes == 0) malformed("coarse matches: none were asked for");
  if (!to_placements(coarse_layout(plan), coarse)) malformed("coarse matches: not made of blocks");
}

Layout whole_layout(const GapPlan& plan, std::uint32_t block_bytes) {
  Layout layout;
  layout.block_bytes = block_bytes;
  layout.pieces.reserve(plan.old_bytes / block_bytes + 2);
  cut(layout, {0, plan.old_bytes}, block_bytes, plan.old_phase);
  layout.brackets = brackets_between(plan, layout, {});
  return layout;
}

Layout coarse_layout(const GapPlan& plan) { return whole_layout(plan, plan.coarse_block_bytes); }

Layout fine_layout(const GapPlan& plan, const std::vector<BlockMatch>& coarse) {
  Layout layout;
  layout.block_bytes = plan.fine_block_bytes;
  const auto ranges = unmatched_old(plan, coarse);
  const auto brackets = brackets_between(plan, layout, coarse);
  const bool isolated = total_bytes(ranges) * isolated_share <= plan.old_bytes;
  auto bracket = brackets.begin();
  for (const auto& range : ranges) {
    while (bracket != brackets.end() && bracket->old_end <= range.begin) ++bracket;
    // A range with no new bytes between the same matches was deleted; what moved is found in coarse blocks.
    if (bracket == brackets.end() || bracket->old_begin >= range.end) continue;
    if (range.bytes() > old_per_new_max * (bracket->new_end - bracket->new_begin)) continue;
    const bool in_place =
        bracket->left_shift() == bracket->right_shift() && range.bytes() <= isolated_edit_bytes_max;
    cut(layout, range, layout.block_bytes * (isolated && in_place ? 2 : 1), plan.old_phase);
  }
  layout.brackets = brackets_between(plan, layout, coarse);
  return layout;
}

std::vector<Bracket> brackets_between(const GapPlan& plan, const Layout& layout,
                                      const std::vector<BlockMatch>& matches) {
  std::vector<OldSpan> spans;
  spans.reserve(matches.size());
  for (const auto& match : matches)
    spans.push_back({match.old_offset, std::uint64_t{match.old_offset} + match.bytes});
  const auto keep = heaviest_chain(spans);
  std::vector<Bracket> out;
  std::size_t open = 0;  // first bracket whose old end is not known yet
  std::uint32_t new_at = 0;
  std::uint32_t old_at = 0;  // end of the last match that is in order
  const auto close = [&](std::uint32_t old_end) {
    // Of several brackets between the same two matches the first has the old bytes: a piece has one home.
    for (const std::size_t first = open; open < out.size(); ++open) {
      out[open].old_end = old_end;
      if (open != first) out[open].old_begin = old_end;
    }
  };
  for (std::size_t i = 0; i <= matches.size(); ++i) {
    const std::uint32_t new_end = i < matches.size() ? matches[i].new_offset : plan.new_bytes;
    if (new_end > new_at) out.push_back({new_at, new_end, old_at, 0, 0, 0});
    if (i == matches.size()) break;
    new_at = new_end + matches[i].bytes;
    if (!keep[i]) continue;
    close(matches[i].old_offset);
    old_at = static_cast<std::uint32_t>(spans[i].end);
  }
  close(plan.old_bytes);
  for (auto& bracket : out) {
    bracket.piece_begin = piece_from(layout, bracket.old_begin);
    bracket.piece_end = std::max(bracket.piece_begin, piece_from(layout, bracket.old_end));
  }
  return out;
}

std::vector<BlockMatch> joined(std::vector<BlockMatch> matches) {
  std::size_t count = 0;
  for (const auto& match : matches) {
    if (count != 0) {
      auto& last = matches[count - 1];
      if (last.new_offset + last.bytes == match.new_offset &&
          last.old_offset + last.bytes == match.old_offset) {
        last.bytes += match.bytes;
        continue;
      }
    }
    matches[count++] = match;
  }
  matches.resize(count);
  return matches;
}

std::vector<BlockMatch> merged(const std::vector<BlockMatch>& a, const std::vector<BlockMatch>& b) {
  std::vector<BlockMatch> out;
  out.reserve(a.size() + b.size());
  std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out),
             [](const BlockMatch& x, const BlockMatch& y) { return x.new_offset < y.new_offset; });
  return joined(std::move(out));
}

std::vector<BlockMatch> to_matches(const Layout& layout, const std::vector<Placement>& placements) {
  std::vector<BlockMatch> out;
  out.reserve(placements.size());
  for (const auto& placement : placements) {
    const auto& piece = layout.pieces[placement.piece];
    out.push_back({placement.new_offset, piece.old_offset, piece.bytes});
  }
  return joined(std::move(out));
}

std::optional<std::vector<Placement>> to_placements(const Layout& layout,
                                                    const std::vector<BlockMatch>& matches) {
  std::vector<Placement> out;
  for (const auto& match : matches) {
    auto piece = piece_from(layout, match.old_offset);
    std::uint32_t done = 0;
    for (; done < match.bytes; ++piece) {
      if (piece >= layout.pieces.size() || layout.pieces[piece].old_offset != match.old_offset + done)
        return std::nullopt;
      out.push_back({piece, match.new_offset + done});
      done += layout.pieces[piece].bytes;
    }
    if (done != match.bytes) return std::nullopt;
  }
  return out;
}

}  // namespace syncline::delta
