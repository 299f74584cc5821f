// SPDX-License-Identifier: Apache-2.0
// Both rounds of the gap search, from plan to rebuilt bytes.
#include "delta/gap.hpp"

#include "base/limits.hpp"
#include "delta_data.hpp"
#include "hash/digest.hpp"
#include "support/catch.hpp"

namespace {

using namespace syncline;
using namespace syncline::delta;
using namespace syncline::test;

void check_equal(const Bytes& rebuilt, const Bytes& fresh) {
  REQUIRE(rebuilt.size() == fresh.size());
  REQUIRE(std::equal(rebuilt.begin(), rebuilt.end(), fresh.begin()));
}

template <class Action>
void check_refused(Action action, Errc code) {
  try {
    action();
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.is(code));
  }
}

TEST_CASE("a rebuilt gap equals the new side after any edits", "[delta]") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const auto old = random_bytes(rng, pick(rng, 60000));
    const auto fresh = edited(rng, old, static_cast<unsigned>(pick(rng, 12)));
    auto plan = pick(rng, 2) ? plan_gap(pick(rng, 5000), old.size(), fresh.size())
                             : wide_plan(old.size(), fresh.size());
    if (plan.coarse_sum_bits != 0)
      plan.coarse_sum_bits = 32;  // no false matches here: each edit must be exact
    if (plan.fine_sum_bits != 0) plan.fine_sum_bits = 32;
    const auto result = exchange(plan, old, fresh);
    REQUIRE(result.sum_bytes <= sum_bytes_max(plan));
    check_equal(result.rebuilt, fresh);
  }
}

TEST_CASE("planned sums rebuild edited gaps, and a digest tells where they do not", "[delta]") {
  unsigned wrong = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const auto old = random_bytes(rng, 1000 + pick(rng, 60000));
    const auto fresh = edited(rng, old, 4);
    const auto result = exchange(plan_gap(old.size(), fresh.size()), old, fresh, {seed});
    REQUIRE(result.rebuilt.size() == fresh.size());
    wrong += hash::blake3(result.rebuilt) != hash::blake3(fresh);
  }
  CHECK(wrong <= 4);  // one in some hundred gaps is expected
}

TEST_CASE("sums that are too short give wrong bytes of the right length", "[delta]") {
  Rng rng(7);
  const auto old = random_bytes(rng, 64 * 1024);
  const auto fresh = random_bytes(rng, 64 * 1024);
  auto plan = wide_plan(old.size(), fresh.size());
  plan.coarse_sum_bits = plan.fine_sum_bits = 8;
  const auto result = exchange(plan, old, fresh);
  CHECK(result.rebuilt.size() == fresh.size());
  CHECK(hash::blake3(result.rebuilt) != hash::blake3(fresh));
}

TEST_CASE("equal sides need no literals", "[delta]") {
  Rng rng(3);
  for (const std::size_t size : {64u, 65u, 1023u, 1024u, 2048u, 5000u, 70001u}) {
    CAPTURE(size);
    const auto bytes = random_bytes(rng, size);
    const auto result = exchange(plan_gap(777, size, size), bytes, bytes);
    CHECK(result.delta.literals.empty());
    CHECK(result.delta.matches == std::vector<BlockMatch>{{0, 0, static_cast<std::uint32_t>(size)}});
  }
}

TEST_CASE("an insertion costs about its own bytes", "[delta]") {
  Rng rng(4);
  const auto old = random_bytes(rng, 50000);
  for (const std::size_t at : {0u, 1u, 700u, 25000u, 49999u, 50000u}) {
    CAPTURE(at);
    const auto inserted = random_bytes(rng, 1000);
    const auto fresh = joined({slice(old, 0, at), inserted, slice(old, at, old.size() - at)});
    const auto result = exchange(plan_gap(old.size(), fresh.size()), old, fresh);
    check_equal(result.rebuilt, fresh);
    CHECK(result.delta.literals.size() <= inserted.size() + 2 * 64);
    CHECK(result.sum_bytes < 200);
  }
}

TEST_CASE("edits in place cost the blocks they touch", "[delta]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const auto old = random_bytes(rng, 40000);
    auto fresh = old;
    const auto offset = pick(rng, 4096);
    const auto edits = 1 + pick(rng, 10);
    for (std::size_t i = 0; i < edits; ++i) fresh[pick(rng, fresh.size())] ^= std::byte{1};
    auto plan = plan_gap(offset, old.size(), fresh.size());
    plan.coarse_sum_bits = plan.fine_sum_bits = 32;
    const auto result = exchange(plan, old, fresh);
    check_equal(result.rebuilt, fresh);
    // By definition: a block of 128 bytes (64 when more than a third of the gap changed) that did not change
    // is matched.
    std::size_t touched = 0;
    for (std::size_t at = 0; at < old.size();) {
      const auto end = std::min(old.size(), at + 128 - (offset + at) % 128);
      if (!std::equal(old.begin() + static_cast<std::ptrdiff_t>(at),
                      old.begin() + static_cast<std::ptrdiff_t>(end),
                      fresh.begin() + static_cast<std::ptrdiff_t>(at)))
        touched += end - at;
      at = end;
    }
    CHECK(result.delta.literals.size() <= touched);
  }
}

TEST_CASE("blocks that moved within a gap are found", "[delta]") {
  Rng rng(9);
  const auto old = random_bytes(rng, 60000);
  const auto fresh = joined({slice(old, 30000, 30000), slice(old, 0, 30000)});
  const auto result = exchange(plan_gap(old.size(), fresh.size()), old, fresh);
  check_equal(result.rebuilt, fresh);
  CHECK(result.delta.literals.size() < 200);
}

TEST_CASE("crafted bytes are rebuilt", "[delta]") {
  Rng rng(5);
  const Bytes zeros(30000);
  const Bytes one(1, std::byte{7});
  const auto noise = random_bytes(rng, 30000);
  const auto pattern = random_bytes(rng, 100);
  const std::vector<Bytes> contents = {{},
                                       one,
                                       Bytes(63),
                                       Bytes(64),
                                       zeros,
                                       noise,
                                       repeated(pattern, 30000),
                                       repeated(slice(pattern, 0, 3), 30001),
                                       repeated(slice(pattern, 0, 64), 29999),
                                       joined({zeros, noise, zeros}),
                                       joined({noise, zeros, one, noise})};
  for (std::size_t i = 0; i < contents.size(); ++i)
    for (std::size_t k = 0; k < contents.size(); ++k) {
      CAPTURE(i, k);
      const auto plan = wide_plan(contents[i].size(), contents[k].size());
      check_equal(exchange(plan, contents[i], contents[k]).rebuilt, contents[k]);
      check_equal(
          exchange(plan_gap(contents[i].size(), contents[k].size()), contents[i], contents[k]).rebuilt,
          contents[k]);
    }
}

TEST_CASE("one round alone works too", "[delta]") {
  Rng rng(6);
  const auto old = random_bytes(rng, 20000);
  const auto fresh = edited(rng, old, 3);
  check_equal(exchange(wide_plan(old.size(), fresh.size(), 0, 64), old, fresh).rebuilt, fresh);
  check_equal(exchange(wide_plan(old.size(), fresh.size(), 512, 0), old, fresh).rebuilt, fresh);
  check_equal(exchange(wide_plan(old.size(), fresh.size(), 0, 0), old, fresh).rebuilt, fresh);
  check_equal(exchange(wide_plan(old.size(), fresh.size(), 64, 64), old, fresh).rebuilt, fresh);
}

TEST_CASE("no sums are planned where they cannot pay", "[delta]") {
  for (const auto& [old_bytes, new_bytes] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {0, 0}, {0, 100000}, {100000, 0}, {100000, 40}, {limits::gap_side_bytes_max, 10000}}) {
    CAPTURE(old_bytes, new_bytes);
    CHECK(sum_bytes_max(plan_gap(old_bytes, new_bytes)) == 0);
  }
  CHECK(sum_bytes_max(plan_gap(20000, 20000)) > 0);
}

TEST_CASE("a deletion asks for no fine sums", "[delta]") {
  Rng rng(8);
  const auto old = random_bytes(rng, 64 * 1024);
  const auto fresh = joined({slice(old, 0, 8192), slice(old, 40960, 24576)});
  const auto plan = plan_gap(old.size(), fresh.size());
  const auto result = exchange(plan, old, fresh);
  check_equal(result.rebuilt, fresh);
  CHECK(round2_sums(plan, {42}, result.coarse, old).empty());
}

TEST_CASE("a side of a gap reaches its limit and not past it", "[delta][limits]") {
  const auto limit = limits::gap_side_bytes_max;
  CHECK_NOTHROW(plan_gap(limit, limit));
  check_refused([&] { plan_gap(limit + 1, 10); }, Errc::limit_exceeded);
  check_refused([&] { plan_gap(10, limit + 1); }, Errc::limit_exceeded);
  auto plan = plan_gap(limit, limit);
  plan.old_bytes += 1;
  check_refused([&] { sum_bytes_max(plan); }, Errc::limit_exceeded);

  Rng rng(10);
  const auto old = random_bytes(rng, limit);
  auto fresh = old;
  fresh[limit / 2] ^= std::byte{1};
  fresh.insert(fresh.begin() + 1000, std::byte{1});
  fresh.pop_back();
  const auto result = exchange(plan_gap(limit, limit), old, fresh);
  check_equal(result.rebuilt, fresh);
  CHECK(result.delta.literals.size() < 5000);
}

TEST_CASE("what the peer sends is checked", "[delta]") {
  Rng rng(11);
  const auto old = random_bytes(rng, 20000);
  const auto fresh = edited(rng, old, 3);
  const auto plan = plan_gap(old.size(), fresh.size());
  const SumKey key{1};
  auto sums = round1_sums(plan, key, old);

  SECTION("sums of another number") {
    sums.pop_back();
    check_refused([&] { round1_match(plan, key, fresh, sums); }, Errc::malformed);
    sums.resize(sums.size() + 2);
    check_refused([&] { round1_match(plan, key, fresh, sums); }, Errc::malformed);
    check_refused([&] { round2_match(plan, key, fresh, {}, {}); }, Errc::malformed);
  }
  SECTION("sides of another length") {
    check_refused([&] { round1_sums(plan, key, ByteView(old).subspan(1)); }, Errc::malformed);
    check_refused([&] { round1_match(plan, key, ByteView(fresh).subspan(1), sums); }, Errc::malformed);
    check_refused([&] { apply_gap(plan, ByteView(old).subspan(1), {}); }, Errc::malformed);
  }
  SECTION("coarse matches that no round 1 gives") {
    const auto refuse = [&](std::vector<BlockMatch> coarse) {
      check_refused([&] { round2_sums(plan, key, coarse, old); }, Errc::malformed);
      check_refused([&] { round2_match(plan, key, fresh, coarse, {}); }, Errc::malformed);
    };
    refuse({{0, 0, 1}});
    refuse({{0, 1, 1024}});
    refuse({{0, 0, 0}});
    refuse({{1024, 0, 1024}, {2047, 1024, 1024}});
    refuse({{static_cast<std::uint32_t>(fresh.size()) - 1023, 0, 1024}});
    refuse({{0, 19456, 1024}});
    refuse({{0, 0xFFFFFC00, 1024}});
    refuse({{0xFFFFFC00, 0, 1024}});
  }
  SECTION("deltas that do not add up") {
    const auto refuse = [&](GapDelta delta) {
      check_refused([&] { apply_gap(plan, old, delta); }, Errc::malformed);
    };
    auto delta = round2_match(plan, key, fresh, {}, round2_sums(plan, key, {}, old));
    delta.literals.pop_back();
    refuse(delta);
    delta.literals.resize(delta.literals.size() + 2);
    refuse(delta);
    refuse({});
    refuse({{{0, 0, plan.new_bytes}, {10, 0, 10}}, {}});
    refuse({{{0, 0xFFFFFFFF, 0xFFFFFFFF}}, {}});
  }
  SECTION("plans that plan_gap never makes") {
    for (const int field : {0, 1, 2, 3, 4, 5}) {
      auto bad = plan;
      switch (field) {
        case 0: bad.coarse_block_bytes = 1000; break;
        case 1: bad.fine_block_bytes = 8; break;
        case 2: bad.fine_sum_bits = 33; break;
        case 3: bad.coarse_sum_bits = 0; break;
        case 4: bad.fine_block_bytes = 2048; break;
        case 5: bad.old_phase = limits::block_bytes_max; break;
      }
      CAPTURE(field);
      check_refused([&] { round1_sums(bad, key, old); }, Errc::malformed);
    }
  }
}

TEST_CASE("sums depend on the key", "[delta]") {
  Rng rng(12);
  const auto old = random_bytes(rng, 4096);
  const auto plan = plan_gap(old.size(), old.size());
  CHECK(round1_sums(plan, {1}, old) != round1_sums(plan, {2}, old));
}

}  // namespace
