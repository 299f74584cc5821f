// SPDX-License-Identifier: Apache-2.0
// Gaps of a file that is being received: sums of the old bytes go out, matches and literals come back.
#include <algorithm>
#include <utility>

#include "sync/file_state.hpp"

namespace syncline::sync {

/// The sender counts with it once more as soon as it hears of this.
void Applier::refuse_gap(FileState& file, std::uint32_t number) {
  under_way_.give_up(file.begin.file, number);
  answer(wire::GapSums{file.begin.file, number, 0, {}});
}

void Applier::step_gap(FileState& file, wire::StepGap step) {
  const auto number = static_cast<std::uint32_t>(file.gaps.size());
  if (file.failed) return refuse_gap(file, number + file.refused_gaps++);
  file.gaps.push_back({file.offset, step.old_offset, step.plan, std::move(step.chunks), {}, true});
  const auto& kept = file.gaps.back();
  file.offset += kept.plan.new_bytes;
  ++file.open_gaps;
  announce(file, std::max<std::size_t>(1, kept.chunks.size()));
  std::uint64_t announced = 0;
  for (const auto& ref : kept.chunks) announced += ref.length_bytes;
  if (announced != kept.plan.new_bytes) throw Error(Errc::malformed, "chunks of a gap");
  Bytes old(kept.plan.old_bytes);
  if (file.write->basis() == nullptr || file.write->basis()->pread(old, kept.old_offset) != old.size())
    throw Error(Errc::malformed, "gap outside of the base");
  wire::GapSums sums;
  sums.file = file.begin.file;
  sums.gap = number;
  sums.round = kept.plan.coarse_block_bytes != 0 ? 1 : 2;
  sums.sums = sums.round == 1 ? delta::round1_sums(kept.plan, sum_key_, old)
                              : delta::round2_sums(kept.plan, sum_key_, {}, old);
  answer(std::move(sums));
}

void Applier::gap_matches(Worker& worker, const wire::GapMatches& message) {
  FileState& file = *state_of(worker, message.file);
  if (file.failed) return;
  try {
    if (message.gap >= file.gaps.size() || !file.gaps[message.gap].open)
      throw Error(Errc::malformed, "gap number");
    auto& gap = file.gaps[message.gap];
    ByteReader reader(message.matches, "gap matches");
    gap.coarse = delta::read_matches(reader, gap.plan);
    reader.expect_done();
    Bytes old(gap.plan.old_bytes);
    if (file.write->basis()->pread(old, gap.old_offset) != old.size())
      throw Error(Errc::foreign, file.begin.path);
    answer(
        wire::GapSums{message.file, message.gap, 2, delta::round2_sums(gap.plan, sum_key_, gap.coarse, old)});
  } catch (const Error& error) {
    give_up(file, error, false);
  }
}

/// Takes what is in the message: with the old side and the new one it is three times a gap, for each thread.
void Applier::gap_delta(Worker& worker, wire::GapDelta& message) {
  FileState& file = *state_of(worker, message.file);
  if (file.failed) return;
  try {
    if (message.gap >= file.gaps.size() || !file.gaps[message.gap].open)
      throw Error(Errc::malformed, "gap number");
    auto& gap = file.gaps[message.gap];
    ByteReader reader(message.matches, "gap matches");
    Bytes fresh;
    {
      delta::GapDelta found;
      found.matches = delta::read_fine_matches(reader, gap.plan, gap.coarse);
      reader.expect_done();
      found.literals = std::move(message.literals);
      Bytes old(gap.plan.old_bytes);
      if (file.write->basis()->pread(old, gap.old_offset) != old.size())
        throw Error(Errc::foreign, file.begin.path);
      fresh = delta::apply_gap(gap.plan, old, found);
    }
    put_chunks(file, gap.new_offset, gap.chunks, fresh);
    gap.open = false;
    --file.open_gaps;
    give_back(gap.chunks);
    give_back(gap.coarse);
    complete_if_done(worker, file);
  } catch (const Error& error) {
    give_up(file, error, false);
  }
}

}  // namespace syncline::sync
