// SPDX-License-Identifier: Apache-2.0
// The codecs of the gap search: plans and match lists from the peer, then applied.
#include "delta/gap.hpp"
#include "fuzz.hpp"

using namespace syncline;

namespace {

void decode_and_apply(ByteView input) {
  ByteReader in(input);
  const auto plan = delta::read_plan(in);
  const auto coarse = delta::read_matches(in, plan);
  delta::GapDelta delta;
  delta.matches = delta::read_fine_matches(in, plan, coarse);
  Bytes again;
  ByteWriter out(again);
  delta::write_plan(out, plan);
  delta::write_matches(out, plan, coarse);
  ByteReader second(again);
  fuzz::require(delta::read_plan(second) == plan, "a plan survives its coding");
  fuzz::require(delta::read_matches(second, plan) == coarse, "matches survive their coding");

  if (plan.old_bytes > (1u << 20) || plan.new_bytes > (1u << 20)) return;
  const Bytes old(plan.old_bytes, std::byte{0x5A});
  delta.literals.assign(plan.new_bytes, std::byte{1});
  // The literals are what the matches leave; every other count must be refused.
  std::uint64_t matched = 0;
  for (const auto& match : delta.matches) matched += match.bytes;
  if (matched <= plan.new_bytes) delta.literals.resize(plan.new_bytes - matched);
  const auto rebuilt = delta::apply_gap(plan, old, delta);
  fuzz::require(rebuilt.size() == plan.new_bytes, "an applied gap has the planned size");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::accept_errors([&] { decode_and_apply(fuzz::view(data, size)); });
  return 0;
}
