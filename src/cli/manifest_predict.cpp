// SPDX-License-Identifier: Apache-2.0
// Alignment, block search and compression of one file pair, counted instead of sent.
#include "cli/manifest_predict.hpp"

#include <algorithm>

#include "cli/stop_signals.hpp"
#include "delta/gap.hpp"

namespace syncline::cli {
namespace {

// Any key will do: nothing is sent.
constexpr delta::SumKey sum_key{0x53796E634C696E65};
// Kind, offsets and length of one step of a recipe, as varints.
constexpr std::uint64_t step_bytes = 8;
constexpr std::uint64_t gap_bytes_max = 64 << 20;

Bytes read_range(const fs::File& file, std::uint64_t offset, std::uint64_t bytes) {
  Bytes out(static_cast<std::size_t>(bytes));
  out.resize(file.pread(out, offset));
  if (out.size() != bytes) throw Error(Errc::changed, "manifest diff");
  return out;
}

/// The bytes of chunks that the old side has in some other file: copied there, not sent.
std::uint64_t bytes_elsewhere(const delta::Step& step, const manifest::Manifest& fresh,
                              const ChunkSet& known) {
  std::uint64_t total = 0;
  for (std::uint32_t k = 0; k < step.chunk_count; ++k) {
    const auto& chunk = fresh.chunks.at(step.first_chunk + k);
    if (known.contains(chunk.id)) total += chunk.total_bytes();
  }
  return std::min(total, step.new_bytes);
}

}  // namespace

void Prediction::add(const Prediction& other) {
  new_bytes += other.new_bytes;
  kept_bytes += other.kept_bytes;
  moved_bytes += other.moved_bytes;
  zero_bytes += other.zero_bytes;
  elsewhere_bytes += other.elsewhere_bytes;
  changed_bytes += other.changed_bytes;
  literal_bytes += other.literal_bytes;
  sum_bytes += other.sum_bytes;
  sent_bytes += other.sent_bytes;
  searched = searched && other.searched;
}

Prediction Predictor::file(const manifest::Manifest& old, const fs::File* old_file,
                           const manifest::Manifest& fresh, const fs::File* new_file,
                           std::vector<ChangedRange>* ranges) {
  Prediction out;
  out.new_bytes = fresh.size_bytes;
  for (const auto& step : delta::align(old, fresh).steps) {
    if (stop_requested()) throw Error(Errc::cancelled, "manifest diff");
    switch (step.kind) {
      case delta::Step::Kind::match:
        (step.new_offset == step.old_offset ? out.kept_bytes : out.moved_bytes) += step.new_bytes;
        break;
      case delta::Step::Kind::zeros: out.zero_bytes += step.new_bytes; break;
      case delta::Step::Kind::gap: gap(step, fresh, old_file, new_file, out, ranges); break;
    }
    if (step.kind != delta::Step::Kind::match || step.new_offset != step.old_offset)
      out.sent_bytes += step_bytes;
  }
  return out;
}

void Predictor::gap(const delta::Step& step, const manifest::Manifest& fresh, const fs::File* old_file,
                    const fs::File* new_file, Prediction& out, std::vector<ChangedRange>* ranges) {
  ChangedRange range{step.new_offset, step.new_bytes, step.old_offset, step.old_bytes, step.new_bytes};
  const auto elsewhere = bytes_elsewhere(step, fresh, known_);
  if (elsewhere == step.new_bytes) {
    out.elsewhere_bytes += elsewhere;
    range.literal_bytes = 0;
  } else {
    out.changed_bytes += step.new_bytes;
    const bool at_hand = new_file != nullptr && (old_file != nullptr || step.old_bytes == 0) &&
                         step.new_bytes <= gap_bytes_max && step.old_bytes <= gap_bytes_max;
    out.searched = out.searched && at_hand;
    if (at_hand) {
      range.literal_bytes = search(step, old_file == nullptr ? *new_file : *old_file, *new_file, out);
    } else {
      out.elsewhere_bytes += elsewhere;
      out.changed_bytes -= elsewhere;
      range.literal_bytes -= elsewhere;
      out.sent_bytes += range.literal_bytes;
    }
    out.literal_bytes += range.literal_bytes;
  }
  if (ranges != nullptr) ranges->push_back(range);
}

std::uint64_t Predictor::search(const delta::Step& step, const fs::File& old_file, const fs::File& new_file,
                                Prediction& out) {
  const auto old = read_range(old_file, step.old_offset, step.old_bytes);
  const auto fresh = read_range(new_file, step.new_offset, step.new_bytes);
  const auto plan = delta::plan_gap(step.old_offset, old.size(), fresh.size());
  Bytes operations;
  ByteWriter writer(operations);
  delta::write_plan(writer, plan);
  const auto sums1 = delta::round1_sums(plan, sum_key, old);
  const auto coarse = delta::round1_match(plan, sum_key, fresh, sums1);
  delta::write_matches(writer, plan, coarse);
  const auto sums2 = delta::round2_sums(plan, sum_key, coarse, old);
  const auto found = delta::round2_match(plan, sum_key, fresh, coarse, sums2);
  delta::write_fine_matches(writer, plan, coarse, found.matches);
  writer.bytes(found.literals);
  out.sum_bytes += sums1.size() + sums2.size();
  out.sent_bytes += sums1.size() + sums2.size() + literals_.compress(operations).size();
  return found.literals.size();
}

}  // namespace syncline::cli
