// SPDX-License-Identifier: Apache-2.0
// Both rounds of the gap search over any two byte strings, and over sums that nobody computed.
#include "delta/gap.hpp"
#include "fuzz.hpp"

using namespace syncline;

namespace {

constexpr delta::SumKey key{0x1234567890ABCDEF};

void both_rounds(std::uint64_t old_offset, ByteView old, ByteView fresh) {
  const auto plan = delta::plan_gap(old_offset, old.size(), fresh.size());
  const auto sums = delta::round1_sums(plan, key, old);
  const auto coarse = delta::round1_match(plan, key, fresh, sums);
  const auto fine = delta::round2_sums(plan, key, coarse, old);
  fuzz::require(sums.size() + fine.size() <= delta::sum_bytes_max(plan), "sums stay below their bound");
  const auto delta = delta::round2_match(plan, key, fresh, coarse, fine);
  const auto rebuilt = delta::apply_gap(plan, old, delta);
  fuzz::require(rebuilt.size() == fresh.size(), "a rebuilt gap has the new size");
}

void foreign_sums(ByteView old, ByteView fresh, ByteView sums) {
  const auto plan = delta::plan_gap(old.size(), fresh.size());
  const auto coarse = delta::round1_match(plan, key, fresh, sums);
  const auto delta = delta::round2_match(plan, key, fresh, coarse, sums);
  fuzz::require(delta::apply_gap(plan, old, delta).size() == fresh.size(),
                "foreign sums cannot break the size");
}

// A small alphabet of repeated pieces: random bytes alone never meet.
Bytes expand(ByteView pieces) {
  Bytes out;
  for (const auto piece : pieces) {
    const auto value = static_cast<std::uint8_t>(piece);
    const std::size_t count = std::size_t{1} << (value % 10);
    for (std::size_t k = 0; k < count; ++k) out.push_back(static_cast<std::byte>((value / 10) * (k % 7 + 1)));
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Source source(fuzz::view(data, size));
  const auto old_offset = source.u16();
  const auto old = expand(source.take(source.u8()));
  const auto fresh = expand(source.take(source.u8()));
  both_rounds(old_offset, old, fresh);  // honest input never throws
  fuzz::accept_errors([&] { foreign_sums(old, fresh, source.rest()); });
  return 0;
}
