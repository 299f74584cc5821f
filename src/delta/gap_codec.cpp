// SPDX-License-Identifier: Apache-2.0
// Coding of gap plans and match lists.
//
// plan    = varint old_bytes, svarint new_bytes - old_bytes, u8 shape [, varint old_phase]
//   shape = 0: no rounds, 1: the rounds that plan_gap() chooses for these sizes and phase,
//           2: u8 log2(coarse block) or 0, u8 coarse bits, u8 log2(fine block) or 0, u8 fine bits
// matches = varint unit (0 coarse blocks, 1 fine blocks, 2 bytes), then runs (2: varint count, then
//           varint new_offset - end of the last, svarint old_offset - end of the last, varint bytes)
// runs    = varint count, then per run
//           varint (pieces - 1) << 2 | place, then
//           place 0, 1, 2: varint pieces skipped since the end of the last run
//           place 3:       svarint pieces skipped, varint new_offset - end of the last run on the new side
//   place = where the pieces lie: 0 as the match before their bracket predicts, 1 as the one after it does,
//           2 as the run before, 3 at a given place (the pieces of a run follow each other)
// The pieces are those of layout.hpp, so one list has one meaning on both sides.
#include <algorithm>
#include <bit>
#include <optional>

#include "base/limits.hpp"
#include "delta/gap.hpp"
#include "delta/layout.hpp"

namespace syncline::delta {
namespace {

enum class Place : std::uint8_t { left = 0, right = 1, continued = 2, given = 3 };
enum class Unit : std::uint8_t { coarse = 0, fine = 1, byte = 2 };
enum class Shape : std::uint8_t { none = 0, standard = 1, explicit_ = 2 };

/// What writer and reader both know at a point of the list.
class Predictor {
 public:
  explicit Predictor(const Layout& layout) : layout_(layout), bracket_of_(layout.pieces.size(), no_bracket) {
    for (std::uint32_t i = 0; i < layout.brackets.size(); ++i)
      for (auto piece = layout.brackets[i].piece_begin; piece < layout.brackets[i].piece_end; ++piece)
        bracket_of_[piece] = i;
  }

  /// New offset that `place` gives to a piece, nothing where it predicts none.
  std::optional<std::int64_t> predict(Place place, std::uint32_t piece) const {
    const std::int64_t old_offset = layout_.pieces[piece].old_offset;
    if (place == Place::continued) return old_offset + shift_;
    const auto bracket = bracket_of_[piece];
    if (place == Place::given || bracket == no_bracket) return std::nullopt;
    const auto& home = layout_.brackets[bracket];
    return old_offset + (place == Place::left ? home.left_shift() : home.right_shift());
  }
  void placed(const Placement& at) {
    const auto& piece = layout_.pieces[at.piece];
    shift_ = std::int64_t{at.new_offset} - piece.old_offset;
    next_piece_ = at.piece + 1;
    new_end_ = at.new_offset + piece.bytes;
  }
  std::uint32_t next_piece() const { return next_piece_; }
  std::uint32_t new_end() const { return new_end_; }

 private:
  static constexpr std::uint32_t no_bracket = 0xFFFFFFFF;
  const Layout& layout_;
  std::vector<std::uint32_t> bracket_of_;
  std::int64_t shift_ = 0;
  std::uint32_t next_piece_ = 0;
  std::uint32_t new_end_ = 0;
};

struct Run {
  Place place = Place::left;
  std::uint32_t count = 0;
  std::int64_t skip = 0;
  std::uint32_t new_gap = 0;
};

std::vector<Run> to_runs(const Layout& layout, const std::vector<Placement>& placements) {
  std::vector<Run> runs;
  Predictor predictor(layout);
  for (const auto& at : placements) {
    const bool follows = at.piece == predictor.next_piece();
    if (follows && !runs.empty()) {
      const auto place = runs.back().place == Place::given ? Place::continued : runs.back().place;
      if (predictor.predict(place, at.piece) == at.new_offset) {
        ++runs.back().count;
        predictor.placed(at);
        continue;
      }
    }
    Run run{Place::given, 1, std::int64_t{at.piece} - predictor.next_piece(),
            at.new_offset - predictor.new_end()};
    if (run.skip >= 0)
      for (const auto place : {Place::left, Place::right, Place::continued})
        if (run.place == Place::given && predictor.predict(place, at.piece) == at.new_offset)
          run.place = place;
    runs.push_back(run);
    predictor.placed(at);
  }
  return runs;
}

void write_runs(ByteWriter& out, const Layout& layout, const std::vector<Placement>& placements) {
  const auto runs = to_runs(layout, placements);
  out.varint(runs.size());
  for (const auto& run : runs) {
    out.varint(std::uint64_t{run.count - 1} << 2 | static_cast<std::uint64_t>(run.place));
    if (run.place != Place::given) {
      out.varint(static_cast<std::uint64_t>(run.skip));
    } else {
      out.svarint(run.skip);
      out.varint(run.new_gap);
    }
  }
}

std::vector<BlockMatch> read_runs(ByteReader& in, const GapPlan& plan, const Layout& layout) {
  std::vector<Placement> placements;
  Predictor predictor(layout);
  const auto piece_count = static_cast<std::int64_t>(layout.pieces.size());
  // Each run takes at least two bytes, each piece at least one byte of the new side: both counts are bounded.
  for (auto runs = in.varint_max(in.remaining()); runs != 0; --runs) {
    const auto head = in.varint();
    auto place = static_cast<Place>(head & 3);
    const auto count = (head >> 2) + 1;
    const std::int64_t skip = place == Place::given
                                  ? in.svarint()
                                  : static_cast<std::int64_t>(in.varint_max(limits::gap_side_bytes_max));
    const auto new_gap = place == Place::given ? in.varint_max(limits::gap_side_bytes_max) : 0;
    const std::int64_t first = std::int64_t{predictor.next_piece()} +
                               std::clamp<std::int64_t>(skip, -piece_count - 1, piece_count + 1);
    if (first < 0 || first >= piece_count || count > static_cast<std::uint64_t>(piece_count - first))
      in.fail(Errc::malformed);
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto piece = static_cast<std::uint32_t>(first + static_cast<std::int64_t>(i));
      std::optional<std::int64_t> at = std::int64_t{predictor.new_end()} + static_cast<std::int64_t>(new_gap);
      if (place != Place::given) at = predictor.predict(place, piece);
      else place = Place::continued;
      if (!at || *at < predictor.new_end() || *at + layout.pieces[piece].bytes > plan.new_bytes)
        in.fail(Errc::malformed);
      placements.push_back({piece, static_cast<std::uint32_t>(*at)});
      predictor.placed(placements.back());
    }
  }
  return to_matches(layout, placements);
}

void write_bytewise(ByteWriter& out, const std::vector<BlockMatch>& matches) {
  out.varint(matches.size());
  std::uint64_t new_end = 0;
  std::int64_t old_end = 0;
  for (const auto& match : matches) {
    out.varint(match.new_offset - new_end);
    out.svarint(match.old_offset - old_end);
    out.varint(match.bytes);
    new_end = std::uint64_t{match.new_offset} + match.bytes;
    old_end = std::int64_t{match.old_offset} + match.bytes;
  }
}

std::vector<BlockMatch> read_bytewise(ByteReader& in, const GapPlan& plan) {
  std::vector<BlockMatch> out;
  std::uint64_t new_end = 0;
  std::int64_t old_end = 0;
  for (auto count = in.varint_max(in.remaining()); count != 0; --count) {
    const auto new_offset = new_end + in.varint_max(limits::gap_side_bytes_max);
    const auto skip = in.svarint();
    const auto bytes = in.varint_max(limits::gap_side_bytes_max);
    constexpr auto side_max = static_cast<std::int64_t>(limits::gap_side_bytes_max);
    const auto old_offset = old_end + std::clamp(skip, -2 * side_max, 2 * side_max);
    if (old_offset < 0 || old_offset > side_max || new_offset > limits::gap_side_bytes_max)
      in.fail(Errc::malformed);
    out.push_back({static_cast<std::uint32_t>(new_offset), static_cast<std::uint32_t>(old_offset),
                   static_cast<std::uint32_t>(bytes)});
    new_end = new_offset + bytes;
    old_end = old_offset + static_cast<std::int64_t>(bytes);
  }
  check_matches(plan, out);
  return out;
}

std::uint8_t log_of(std::uint32_t block_bytes) {
  return block_bytes == 0 ? 0 : static_cast<std::uint8_t>(std::countr_zero(block_bytes));
}

std::uint16_t block_of(ByteReader& in) {
  const auto log = in.u8();
  if (log > std::countr_zero(limits::block_bytes_max)) in.fail(Errc::malformed);
  return log == 0 ? 0 : static_cast<std::uint16_t>(1u << log);
}

/// Parts of `matches` on the new side that `coarse` does not cover.
std::vector<BlockMatch> without(const std::vector<BlockMatch>& matches,
                                const std::vector<BlockMatch>& coarse) {
  std::vector<BlockMatch> out;
  auto known = coarse.begin();
  for (const auto& match : matches) {
    const std::uint32_t end = match.new_offset + match.bytes;
    std::uint32_t at = match.new_offset;
    const auto take = [&](std::uint32_t until) {
      if (until > at) out.push_back({at, match.old_offset + (at - match.new_offset), until - at});
    };
    for (; known != coarse.end() && known->new_offset < end; ++known) {
      take(known->new_offset);
      at = known->new_offset + known->bytes;
    }
    take(end);
  }
  return out;
}

}  // namespace

void write_plan(ByteWriter& out, const GapPlan& plan) {
  out.varint(plan.old_bytes);
  out.svarint(std::int64_t{plan.new_bytes} - plan.old_bytes);
  auto shape = Shape::explicit_;
  if (plan.coarse_block_bytes == 0 && plan.fine_block_bytes == 0) shape = Shape::none;
  else if (plan == plan_gap(plan.old_phase, plan.old_bytes, plan.new_bytes)) shape = Shape::standard;
  out.u8(static_cast<std::uint8_t>(shape));
  if (shape == Shape::none) return;
  out.varint(plan.old_phase);
  if (shape == Shape::standard) return;
  out.u8(log_of(plan.coarse_block_bytes));
  out.u8(plan.coarse_sum_bits);
  out.u8(log_of(plan.fine_block_bytes));
  out.u8(plan.fine_sum_bits);
}

GapPlan read_plan(ByteReader& in) {
  GapPlan plan;
  plan.old_bytes = static_cast<std::uint32_t>(in.varint_max(limits::gap_side_bytes_max));
  constexpr auto side_max = static_cast<std::int64_t>(limits::gap_side_bytes_max);
  const auto new_bytes = plan.old_bytes + std::clamp(in.svarint(), -2 * side_max, 2 * side_max);
  if (new_bytes < 0) in.fail(Errc::malformed);
  if (new_bytes > side_max) in.fail(Errc::limit_exceeded);
  plan.new_bytes = static_cast<std::uint32_t>(new_bytes);
  const auto shape = in.u8();
  if (shape > static_cast<std::uint8_t>(Shape::explicit_)) in.fail(Errc::malformed);
  if (static_cast<Shape>(shape) == Shape::none) return plan;
  plan.old_phase = static_cast<std::uint16_t>(in.varint_max(limits::block_bytes_max - 1));
  if (static_cast<Shape>(shape) == Shape::standard)
    return plan_gap(plan.old_phase, plan.old_bytes, plan.new_bytes);
  plan.coarse_block_bytes = block_of(in);
  plan.coarse_sum_bits = in.u8();
  plan.fine_block_bytes = block_of(in);
  plan.fine_sum_bits = in.u8();
  check_plan(plan);
  return plan;
}

void write_matches(ByteWriter& out, const GapPlan& plan, const std::vector<BlockMatch>& matches) {
  check_plan(plan);
  check_matches(plan, matches);
  for (const auto unit : {Unit::coarse, Unit::fine}) {
    const auto block = unit == Unit::coarse ? plan.coarse_block_bytes : plan.fine_block_bytes;
    if (block == 0) continue;
    const auto layout = whole_layout(plan, block);
    const auto placements = to_placements(layout, matches);
    if (!placements) continue;
    out.u8(static_cast<std::uint8_t>(unit));
    return write_runs(out, layout, *placements);
  }
  out.u8(static_cast<std::uint8_t>(Unit::byte));
  write_bytewise(out, matches);
}

std::vector<BlockMatch> read_matches(ByteReader& in, const GapPlan& plan) {
  check_plan(plan);
  const auto unit = in.u8();
  if (unit == static_cast<std::uint8_t>(Unit::byte)) return read_bytewise(in, plan);
  if (unit > static_cast<std::uint8_t>(Unit::byte)) in.fail(Errc::malformed);
  const auto block =
      unit == static_cast<std::uint8_t>(Unit::coarse) ? plan.coarse_block_bytes : plan.fine_block_bytes;
  if (block == 0) in.fail(Errc::malformed);
  return read_runs(in, plan, whole_layout(plan, block));
}

void write_fine_matches(ByteWriter& out, const GapPlan& plan, const std::vector<BlockMatch>& coarse,
                        const std::vector<BlockMatch>& matches) {
  check_plan(plan);
  check_coarse(plan, coarse);
  check_matches(plan, matches);
  if (plan.fine_block_bytes == 0) return;
  const auto layout = fine_layout(plan, coarse);
  const auto placements = to_placements(layout, without(matches, coarse));
  if (!placements) throw Error(Errc::malformed, "fine matches: not made of fine blocks");
  write_runs(out, layout, *placements);
}

std::vector<BlockMatch> read_fine_matches(ByteReader& in, const GapPlan& plan,
                                          const std::vector<BlockMatch>& coarse) {
  check_plan(plan);
  check_coarse(plan, coarse);
  if (plan.fine_block_bytes == 0) return coarse;
  auto all = merged(coarse, read_runs(in, plan, fine_layout(plan, coarse)));
  check_matches(plan, all);
  return all;
}

}  // namespace syncline::delta
