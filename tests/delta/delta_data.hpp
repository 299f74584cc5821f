// SPDX-License-Identifier: Apache-2.0
// Bytes and edits for the tests of the second level.
#pragma once

#include <algorithm>
#include <random>

#include "delta/gap.hpp"

namespace syncline::test {

using Rng = std::mt19937_64;

inline std::size_t pick(Rng& rng, std::size_t below) { return below == 0 ? 0 : rng() % below; }

inline Bytes random_bytes(Rng& rng, std::size_t count) {
  Bytes out(count);
  for (auto& byte : out) byte = static_cast<std::byte>(rng());
  return out;
}

inline Bytes repeated(ByteView pattern, std::size_t count) {
  Bytes out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = pattern[i % pattern.size()];
  return out;
}

inline Bytes joined(std::initializer_list<ByteView> parts) {
  Bytes out;
  for (const auto part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

inline ByteView slice(const Bytes& bytes, std::size_t begin, std::size_t count) {
  return ByteView(bytes).subspan(begin, count);
}

/// `old` after `edits` random edits: overwrites, insertions, deletions, moves and copies of up to 3,000
/// bytes.
inline Bytes edited(Rng& rng, Bytes bytes, unsigned edits) {
  for (; edits != 0; --edits) {
    const auto at = static_cast<std::ptrdiff_t>(pick(rng, bytes.size() + 1));
    const auto count =
        std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(1 + pick(rng, pick(rng, 2) ? 20 : 3000)),
                                 static_cast<std::ptrdiff_t>(bytes.size()) - at);
    const Bytes taken(bytes.begin() + at, bytes.begin() + at + count);
    const auto put = [&](const Bytes& what) {
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(pick(rng, bytes.size() + 1)), what.begin(),
                   what.end());
    };
    switch (pick(rng, 5)) {
      case 0:
        std::generate_n(bytes.begin() + at, count, [&] { return static_cast<std::byte>(rng()); });
        break;
      case 1: put(random_bytes(rng, 1 + pick(rng, 3000))); break;
      case 2: bytes.erase(bytes.begin() + at, bytes.begin() + at + count); break;
      case 3:
        bytes.erase(bytes.begin() + at, bytes.begin() + at + count);
        put(taken);
        break;
      default: put(taken); break;
    }
  }
  return bytes;
}

/// A plan with sums so wide that no false match is met.
inline delta::GapPlan wide_plan(std::size_t old_bytes, std::size_t new_bytes, std::uint16_t coarse = 1024,
                                std::uint16_t fine = 64) {
  delta::GapPlan plan;
  plan.old_bytes = static_cast<std::uint32_t>(old_bytes);
  plan.new_bytes = static_cast<std::uint32_t>(new_bytes);
  plan.coarse_block_bytes = coarse;
  plan.coarse_sum_bits = coarse == 0 ? 0 : 32;
  plan.fine_block_bytes = fine;
  plan.fine_sum_bits = fine == 0 ? 0 : 32;
  return plan;
}

struct Exchange {
  std::vector<delta::BlockMatch> coarse;
  delta::GapDelta delta;
  std::size_t sum_bytes = 0;
  Bytes rebuilt;
};

/// Both rounds, each message coded and decoded as on the wire.
inline Exchange exchange(const delta::GapPlan& sent_plan, ByteView old, ByteView fresh,
                         delta::SumKey key = {42}) {
  const auto over_wire = [](auto write, auto read) {
    Bytes coded;
    ByteWriter out(coded);
    write(out);
    ByteReader in(coded);
    auto result = read(in);
    in.expect_done();
    return result;
  };
  const auto plan = over_wire([&](ByteWriter& out) { delta::write_plan(out, sent_plan); }, delta::read_plan);
  Exchange result;
  const auto first = delta::round1_sums(plan, key, old);
  const auto coarse = delta::round1_match(plan, key, fresh, first);
  result.coarse = over_wire([&](ByteWriter& out) { delta::write_matches(out, plan, coarse); },
                            [&](ByteReader& in) { return delta::read_matches(in, plan); });
  const auto second = delta::round2_sums(plan, key, result.coarse, old);
  result.sum_bytes = first.size() + second.size();
  result.delta = delta::round2_match(plan, key, fresh, coarse, second);
  result.delta.matches =
      over_wire([&](ByteWriter& out) { delta::write_fine_matches(out, plan, coarse, result.delta.matches); },
                [&](ByteReader& in) { return delta::read_fine_matches(in, plan, result.coarse); });
  result.rebuilt = delta::apply_gap(plan, old, result.delta);
  return result;
}

}  // namespace syncline::test
