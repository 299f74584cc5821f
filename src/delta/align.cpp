// SPDX-License-Identifier: Apache-2.0
// Alignment: ids that occur once anchor the order, the rest follows its neighbours.
#include "delta/align.hpp"

#include <algorithm>
#include <bitset>
#include <map>

#include "base/limits.hpp"
#include "delta/id_index.hpp"
#include "delta/monotone.hpp"

namespace syncline::delta {
namespace {

using manifest::Chunk;
using manifest::Manifest;

constexpr std::uint32_t unmatched = IdIndex::none;
constexpr std::size_t candidates_max = 16;  // equal old ids that one new chunk is compared with

/// Id of one zero chunk of the largest size. There are few sizes, so each is computed once.
const hash::ChunkId& zero_id(std::uint32_t max_bytes) {
  thread_local std::map<std::uint32_t, hash::ChunkId> known;
  auto found = known.find(max_bytes);
  if (found == known.end()) found = known.emplace(max_bytes, hash::blake3(Bytes(max_bytes))).first;
  return found->second;
}

std::vector<std::uint64_t> offsets_of(const Manifest& manifest) {
  std::vector<std::uint64_t> out;
  out.reserve(manifest.chunks.size() + 1);
  std::uint64_t at = 0;
  for (const auto& chunk : manifest.chunks) {
    out.push_back(at);
    if (chunk.length_bytes == 0 || chunk.length_bytes > limits::gap_side_bytes_max || chunk.repeat_count == 0)
      throw Error(Errc::malformed, "manifest: chunk length");
    at += chunk.total_bytes();
  }
  if (at != manifest.size_bytes)
    throw Error(Errc::malformed, "manifest: chunks do not add up to the file size");
  out.push_back(at);
  return out;
}

/// Says for certain only which ids are not in it.
class IdFilter {
 public:
  void add(const hash::ChunkId& id) { bits_.set(bit_of(id)); }
  bool may_hold(const hash::ChunkId& id) const { return bits_.test(bit_of(id)); }

 private:
  static constexpr std::size_t bits = 1u << 16;
  static std::size_t bit_of(const hash::ChunkId& id) { return id.prefix() % bits; }
  std::bitset<bits> bits_;
};

/// Which old record each new record equals. Most files are changed in a few places: what is equal before the
/// first and behind the last of them is settled first, and only ids in between are looked for.
class Matcher {
 public:
  Matcher(const Manifest& old, const Manifest& fresh)
      : old_(old.chunks),
        fresh_(fresh.chunks),
        match_(fresh_.size(), unmatched),
        zero_(zero_id(fresh.params.max_bytes)),
        ends_(match_ends()),
        index_(old_, [wanted = ids_between_ends()](const hash::ChunkId& id) { return wanted.may_hold(id); }) {
  }

  std::vector<std::uint32_t> run() {
    anchor();
    extend();
    place_rest();
    return std::move(match_);
  }

 private:
  bool equal(std::uint32_t fresh, std::uint32_t old) const {
    return fresh_[fresh].id == old_[old].id && fresh_[fresh].repeat_count == old_[old].repeat_count;
  }
  /// How many records at the start and at the end are the same.
  struct Ends {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
  };
  Ends match_ends() {
    Ends ends;
    const auto old_count = static_cast<std::uint32_t>(old_.size());
    const auto fresh_count = static_cast<std::uint32_t>(fresh_.size());
    const auto count_max = std::min(old_count, fresh_count);
    for (; ends.first < count_max && equal(ends.first, ends.first); ++ends.first)
      if (searched(ends.first)) match_[ends.first] = ends.first;
    for (; ends.first + ends.last < count_max; ++ends.last) {
      const auto fresh = fresh_count - 1 - ends.last;
      const auto old = old_count - 1 - ends.last;
      if (!equal(fresh, old)) break;
      if (searched(fresh)) match_[fresh] = old;
    }
    return ends;
  }
  IdFilter ids_between_ends() const {
    IdFilter out;
    for (std::size_t i = ends_.first; i < fresh_.size() - ends_.last; ++i) out.add(fresh_[i].id);
    return out;
  }
  bool is_between_ends(std::uint32_t old) const {
    return old >= ends_.first && old < old_.size() - ends_.last;
  }
  bool searched(std::uint32_t fresh) const { return match_[fresh] == unmatched && fresh_[fresh].id != zero_; }

  /// Ids that occur once on both sides, those of them that keep their order (patience diff, Bram Cohen).
  void anchor() {
    std::vector<std::uint32_t> found(fresh_.size(), unmatched);
    std::vector<std::uint8_t> times(old_.size(), 0);
    for (std::uint32_t i = 0; i < fresh_.size(); ++i) {
      if (!searched(i)) continue;
      const auto old = index_.first(fresh_[i].id);
      if (old == unmatched || index_.next(old) != unmatched || !is_between_ends(old)) continue;
      found[i] = old;
      if (times[old] < 2) ++times[old];
    }
    std::vector<OldSpan> spans;
    std::vector<std::uint32_t> records;
    for (std::uint32_t i = 0; i < fresh_.size(); ++i) {
      if (found[i] == unmatched || times[found[i]] != 1 || !equal(i, found[i])) continue;
      spans.push_back({found[i], found[i] + 1});
      records.push_back(i);
    }
    const auto keep = heaviest_chain(spans);
    for (std::size_t i = 0; i < records.size(); ++i)
      if (keep[i]) match_[records[i]] = static_cast<std::uint32_t>(spans[i].begin);
  }

  /// Neighbours of anchors, forwards and backwards, as far as the next anchor.
  void extend() {
    const auto fresh_count = static_cast<std::uint32_t>(fresh_.size());
    const auto old_count = static_cast<std::uint32_t>(old_.size());
    const auto limits_after = next_anchor();
    std::uint32_t expected = 0;  // the old record after the last match
    for (std::uint32_t i = 0; i < fresh_count; ++i) {
      const bool follows = match_[i] == unmatched && expected < limits_after[i] && equal(i, expected);
      if (follows && searched(i)) match_[i] = expected;
      if (match_[i] != unmatched) expected = match_[i] + 1;
      else
        expected =
            follows ? expected + 1 : old_count;  // zeros keep step; else out of step until the next match
    }
    std::uint32_t limit = 0;  // first old record that is free, by new record, for the way back
    std::vector<std::uint32_t> limits_before(fresh_count);
    for (std::uint32_t i = 0; i < fresh_count; ++i) {
      limits_before[i] = limit;
      if (match_[i] != unmatched) limit = match_[i] + 1;
    }
    expected = old_count;
    for (std::uint32_t i = fresh_count; i-- > 0;) {
      const bool precedes = match_[i] == unmatched && expected > limits_before[i] && equal(i, expected - 1);
      if (precedes && searched(i)) match_[i] = expected - 1;
      if (match_[i] != unmatched) expected = match_[i];
      else expected = precedes ? expected - 1 : 0;
    }
  }

  /// For each new record the old record of the first match after it.
  std::vector<std::uint32_t> next_anchor() const {
    std::vector<std::uint32_t> out(fresh_.size());
    auto next = static_cast<std::uint32_t>(old_.size());
    for (auto i = static_cast<std::uint32_t>(fresh_.size()); i-- > 0;) {
      out[i] = next;
      if (match_[i] != unmatched) next = match_[i];
    }
    return out;
  }

  /// Ids that occur several times or moved: the one that continues the match before, else one in order, else
  /// any.
  void place_rest() {
    const auto after = next_anchor();
    std::uint32_t in_order_from = 0;
    std::uint32_t expected = 0;
    for (std::uint32_t i = 0; i < fresh_.size(); ++i) {
      if (searched(i)) match_[i] = candidate(i, expected, in_order_from, after[i]);
      if (match_[i] == unmatched) {
        if (expected < old_.size() && equal(i, expected)) ++expected;  // zeros
        continue;
      }
      expected = match_[i] + 1;
      if (match_[i] >= in_order_from && match_[i] < after[i]) in_order_from = expected;
    }
  }
  std::uint32_t candidate(std::uint32_t fresh, std::uint32_t expected, std::uint32_t from,
                          std::uint32_t until) const {
    if (expected < old_.size() && equal(fresh, expected)) return expected;
    std::uint32_t moved = unmatched;
    std::size_t tried = 0;
    for (auto old = index_.first(fresh_[fresh].id); old != unmatched && tried < candidates_max;
         old = index_.next(old), ++tried) {
      if (!equal(fresh, old)) continue;
      if (old >= from && old < until) return old;
      if (moved == unmatched) moved = old;
    }
    return moved;
  }

  const std::vector<Chunk>& old_;
  const std::vector<Chunk>& fresh_;
  std::vector<std::uint32_t> match_;
  const hash::ChunkId& zero_;
  const Ends ends_;
  const IdIndex index_;
};

/// Writes the steps: first matches, zeros and whole runs of changed chunks, then the old sides of those runs.
class RecipeBuilder {
 public:
  RecipeBuilder(const Manifest& old, const Manifest& fresh, const std::vector<std::uint32_t>& match)
      : fresh_(fresh), old_offsets_(offsets_of(old)), fresh_offsets_(offsets_of(fresh)), match_(match) {}

  Recipe build() {
    for (std::uint32_t i = 0; i < fresh_.chunks.size(); ++i) add(i);
    bound_gaps();
    Recipe recipe;
    for (const auto& step : steps_) {
      if (step.kind == Step::Kind::gap) split(step, recipe.steps);
      else recipe.steps.push_back(step);
      count(step, recipe);
    }
    return recipe;
  }

 private:
  void add(std::uint32_t record) {
    const auto& chunk = fresh_.chunks[record];
    Step step{Step::Kind::match, fresh_offsets_[record], chunk.total_bytes(), 0, 0, 0, 0};
    if (match_[record] != unmatched) {
      step.old_offset = old_offsets_[match_[record]];
      step.old_bytes = step.new_bytes;
    } else if (chunk.id == zero_id(fresh_.params.max_bytes)) {
      step.kind = Step::Kind::zeros;
    } else {
      if (chunk.repeat_count != 1)
        throw Error(Errc::malformed, "manifest: a repeated chunk that is not zeros");
      step.kind = Step::Kind::gap;
      step.first_chunk = record;
      step.chunk_count = 1;
    }
    if (!steps_.empty() && join(steps_.back(), step)) return;
    steps_.push_back(step);
  }

  static bool join(Step& last, const Step& step) {
    if (last.kind != step.kind) return false;
    if (step.kind == Step::Kind::match && last.old_offset + last.old_bytes != step.old_offset) return false;
    last.new_bytes += step.new_bytes;
    last.old_bytes += step.old_bytes;
    last.chunk_count += step.chunk_count;
    return true;
  }

  /// Gives each run of changed chunks what lies between the two matches in order around it. Several runs
  /// between the same two matches (with zeros or moved chunks between them) share it in proportion.
  void bound_gaps() {
    std::vector<OldSpan> spans;
    for (const auto& step : steps_)
      if (step.kind == Step::Kind::match)
        spans.push_back({step.old_offset, step.old_offset + step.old_bytes});
    const auto keep = heaviest_chain(spans);
    std::size_t span = 0;
    std::size_t open = 0;
    std::uint64_t old_at = 0;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].kind != Step::Kind::match || !keep[span++]) continue;
      share(open, i, old_at, steps_[i].old_offset);
      old_at = steps_[i].old_offset + steps_[i].old_bytes;
      open = i + 1;
    }
    share(open, steps_.size(), old_at, old_offsets_.back());
  }
  void share(std::size_t first, std::size_t last, std::uint64_t old_begin, std::uint64_t old_end) {
    std::uint64_t total = 0;
    for (std::size_t i = first; i < last; ++i) total += steps_[i].new_bytes;
    std::uint64_t before = 0;
    for (std::size_t i = first; i < last; ++i) {
      auto& step = steps_[i];
      const auto part = [&](std::uint64_t new_bytes) {
        return old_begin + scale(new_bytes, old_end - old_begin, total);
      };
      if (step.kind == Step::Kind::gap) {
        step.old_offset = part(before);
        step.old_bytes = part(before + step.new_bytes) - step.old_offset;
      }
      before += step.new_bytes;
    }
  }
  static std::uint64_t scale(std::uint64_t value, std::uint64_t numerator, std::uint64_t denominator) {
    __extension__ using Wide = unsigned __int128;
    return denominator == 0 ? 0 : static_cast<std::uint64_t>(Wide{value} * numerator / denominator);
  }

  /// Cuts a run into gaps whose sides keep to the limit, the old side in proportion and with some of its
  /// neighbours.
  void split(const Step& run, std::vector<Step>& out) const {
    const std::uint64_t side_max = limits::gap_side_bytes_max;
    if (run.new_bytes <= side_max && run.old_bytes <= side_max) {
      out.push_back(run);
      return;
    }
    // Equal lengths are edits in place: there the two sides of each gap shall keep their offsets.
    const std::uint64_t overlap = run.new_bytes == run.old_bytes ? 0 : side_max / 16;
    const std::uint64_t run_end = run.old_offset + run.old_bytes;
    std::uint32_t record = run.first_chunk;
    for (std::uint64_t done = 0; done < run.new_bytes;) {
      Step gap{Step::Kind::gap, run.new_offset + done, 0, 0, 0, record, 0};
      for (; gap.chunk_count < run.first_chunk + run.chunk_count - record; ++gap.chunk_count) {
        const auto next = fresh_.chunks[record + gap.chunk_count].total_bytes();
        if (gap.new_bytes + next > side_max) break;
        gap.new_bytes += next;
      }
      const auto begin = run.old_offset + scale(done, run.old_bytes, run.new_bytes);
      const auto end = run.old_offset + scale(done + gap.new_bytes, run.old_bytes, run.new_bytes);
      gap.old_offset = begin - std::min(overlap, begin - run.old_offset);
      gap.old_bytes = std::min({end + overlap, run_end, gap.old_offset + side_max}) - gap.old_offset;
      out.push_back(gap);
      done += gap.new_bytes;
      record += gap.chunk_count;
    }
  }

  static void count(const Step& step, Recipe& recipe) {
    switch (step.kind) {
      case Step::Kind::zeros: recipe.zero_bytes += step.new_bytes; break;
      case Step::Kind::gap: recipe.gap_bytes += step.new_bytes; break;
      case Step::Kind::match:
        (step.new_offset == step.old_offset ? recipe.matched_in_place_bytes : recipe.matched_moved_bytes) +=
            step.new_bytes;
    }
  }

  const Manifest& fresh_;
  const std::vector<std::uint64_t> old_offsets_;
  const std::vector<std::uint64_t> fresh_offsets_;
  const std::vector<std::uint32_t>& match_;
  std::vector<Step> steps_;
};

}  // namespace

Recipe align(const Manifest& old, const Manifest& fresh) {
  if (fresh.params.max_bytes > limits::gap_side_bytes_max)
    throw Error(Errc::limit_exceeded, "manifest: chunks longer than a side of a gap");
  std::vector<std::uint32_t> match(fresh.chunks.size(), unmatched);
  if (old.params == fresh.params) match = Matcher(old, fresh).run();
  return RecipeBuilder(old, fresh, match).build();
}

}  // namespace syncline::delta
