// SPDX-License-Identifier: Apache-2.0
// Coding of plans and match lists.
#include "base/limits.hpp"
#include "delta/gap.hpp"
#include "delta_data.hpp"
#include "support/catch.hpp"

namespace {

using namespace syncline;
using namespace syncline::delta;
using namespace syncline::test;

template <class Write>
Bytes coded(Write write) {
  Bytes out;
  ByteWriter writer(out);
  write(writer);
  return out;
}

std::string hex(ByteView bytes) {
  std::string out;
  for (const auto byte : bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    out += "0123456789abcdef"[value >> 4];
    out += "0123456789abcdef"[value & 15];
  }
  return out;
}

Bytes plan_bytes(const GapPlan& plan) {
  return coded([&](ByteWriter& out) { write_plan(out, plan); });
}
Bytes match_bytes(const GapPlan& plan, const std::vector<BlockMatch>& matches) {
  return coded([&](ByteWriter& out) { write_matches(out, plan, matches); });
}
std::vector<BlockMatch> read_back(ByteView bytes, const GapPlan& plan) {
  ByteReader in(bytes);
  auto matches = read_matches(in, plan);
  in.expect_done();
  return matches;
}

const GapPlan example_plan = plan_gap(512, 10240, 10240);  // pieces: 512, 9 * 1024, 512
const std::vector<BlockMatch> in_place = {{0, 0, 2560}, {3584, 3584, 1024}, {5632, 5632, 4608}};
const std::vector<BlockMatch> moved = {
    {0, 0, 1536}, {2000, 5632, 2048}, {4048, 2560, 1024}, {9728, 9728, 512}};
const std::vector<BlockMatch> bytewise = {{1, 3, 5}, {100, 90, 33}};

TEST_CASE("plans and matches have their documented bytes", "[delta][golden]") {
  CHECK(hex(plan_bytes({})) == "000000");
  CHECK(hex(plan_bytes(example_plan)) ==
        "8050"
        "00"
        "01"
        "8004");
  CHECK(hex(plan_bytes(wide_plan(300, 200))) ==
        "ac02"
        "c701"
        "02"
        "00"
        "0a20"
        "0620");
  CHECK(hex(match_bytes(example_plan, {})) == "0000");
  // Three runs where the match before predicts them: 3 pieces at once, 1 after skipping 1, 5 after
  // skipping 1.
  CHECK(hex(match_bytes(example_plan, in_place)) ==
        "00"
        "03"
        "0800"
        "0001"
        "1001");
  CHECK(hex(match_bytes(example_plan, moved)) ==
        "00"
        "04"
        "0400"
        "0708d003"
        "030900"
        "0006");
  CHECK(hex(match_bytes(example_plan, bytewise)) ==
        "02"
        "02"
        "010605"
        "5ea40121");
}

TEST_CASE("plans survive coding", "[delta]") {
  Rng rng(1);
  for (int i = 0; i < 2000; ++i) {
    GapPlan plan = plan_gap(rng() % 10000, rng() % 300000, rng() % 300000);
    if (i % 3 == 0) plan = wide_plan(rng() % 300000, rng() % 300000, i % 2 ? 8192 : 256, 16);
    if (i % 6 == 0) plan.old_phase = static_cast<std::uint16_t>(rng() % 8192);
    const auto bytes = plan_bytes(plan);
    ByteReader in(bytes);
    REQUIRE(read_plan(in) == plan);
    REQUIRE(in.done());
  }
}

TEST_CASE("every match list survives coding", "[delta]") {
  for (const auto& list : {in_place, moved, bytewise, std::vector<BlockMatch>{}})
    CHECK(read_back(match_bytes(example_plan, list), example_plan) == list);
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const auto old = random_bytes(rng, 500 + pick(rng, 30000));
    const auto fresh = edited(rng, old, 6);
    const auto plan = wide_plan(old.size(), fresh.size(), 256, 16);
    const SumKey key{seed};
    const auto coarse = round1_match(plan, key, fresh, round1_sums(plan, key, old));
    const auto all = round2_match(plan, key, fresh, coarse, round2_sums(plan, key, coarse, old)).matches;
    REQUIRE(read_back(match_bytes(plan, coarse), plan) == coarse);
    REQUIRE(read_back(match_bytes(plan, all), plan) == all);
    const auto fine = coded([&](ByteWriter& out) { write_fine_matches(out, plan, coarse, all); });
    ByteReader in(fine);
    REQUIRE(read_fine_matches(in, plan, coarse) == all);
    REQUIRE(in.done());
    REQUIRE(fine.size() <= match_bytes(plan, all).size() + 4);
  }
}

TEST_CASE("a truncated list is never accepted", "[delta]") {
  for (const auto& list : {in_place, moved, bytewise}) {
    const auto bytes = match_bytes(example_plan, list);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CAPTURE(size);
      CHECK_THROWS_AS(read_back(ByteView(bytes).first(size), example_plan), Error);
    }
  }
  const auto bytes = plan_bytes(example_plan);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ByteReader in(ByteView(bytes).first(size));
    CHECK_THROWS_AS(read_plan(in), Error);
  }
}

TEST_CASE("a plan without blocks has no phase", "[delta]") {
  const auto plan_of = [](std::uint64_t phase) {
    return coded([&](ByteWriter& out) {
      out.varint(100);
      out.svarint(0);
      out.u8(2);  // explicit: phase, then block size and sum width of both rounds
      out.varint(phase);
      for (int i = 0; i < 4; ++i) out.u8(0);
    });
  };
  const auto read = [](const Bytes& bytes) {
    ByteReader in(bytes);
    return read_plan(in);
  };
  CHECK(read(plan_of(0)) == GapPlan{.old_bytes = 100, .new_bytes = 100});
  CHECK_THROWS_AS(read(plan_of(1)), Error);
}

/// Whatever a decoder lets through can be applied without leaving either side.
void check_harmless(ByteView bytes, const GapPlan& plan, const Bytes& old) {
  try {
    ByteReader in(bytes);
    GapDelta delta{read_matches(in, plan), {}};
    std::size_t matched = 0;
    for (const auto& match : delta.matches) matched += match.bytes;
    REQUIRE(matched <= plan.new_bytes);
    delta.literals.resize(plan.new_bytes - matched);
    REQUIRE(apply_gap(plan, old, delta).size() == plan.new_bytes);
  } catch (const Error&) {
    SUCCEED();
  }
}

TEST_CASE("flipped bits and noise give an error or a harmless list", "[delta]") {
  const Bytes old(example_plan.old_bytes);
  for (const auto& list : {in_place, moved, bytewise}) {
    const auto bytes = match_bytes(example_plan, list);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      auto flipped = bytes;
      flipped[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
      check_harmless(flipped, example_plan, old);
    }
  }
  Rng rng(2);
  for (int i = 0; i < 20000; ++i) {
    auto noise = random_bytes(rng, 2 + pick(rng, 30));
    noise[0] = static_cast<std::byte>(pick(rng, 3));
    noise[1] = static_cast<std::byte>(pick(rng, 6));
    for (auto& byte : noise)
      if (pick(rng, 2)) byte &= std::byte{0x0F};
    check_harmless(noise, example_plan, old);
    ByteReader in(noise);
    try {
      const auto plan = read_plan(in);
      REQUIRE(sum_bytes_max(plan) <= 4u * (limits::gap_side_bytes_max / limits::block_bytes_min + 2) * 2);
    } catch (const Error&) {
      SUCCEED();
    }
  }
}

TEST_CASE("a coded plan keeps to the limits", "[delta][limits]") {
  const auto limit = limits::gap_side_bytes_max;
  const auto plan_of = [](std::uint64_t old_bytes, std::int64_t difference) {
    return coded([&](ByteWriter& out) {
      out.varint(old_bytes);
      out.svarint(difference);
      out.u8(0);
    });
  };
  const auto read = [](const Bytes& bytes) {
    ByteReader in(bytes);
    return read_plan(in);
  };
  CHECK(read(plan_of(limit, 0)).new_bytes == limit);
  CHECK(read(plan_of(0, static_cast<std::int64_t>(limit))).new_bytes == limit);
  CHECK_THROWS_AS(read(plan_of(limit + 1, -5)), Error);
  CHECK_THROWS_AS(read(plan_of(0, static_cast<std::int64_t>(limit) + 1)), Error);
  CHECK_THROWS_AS(read(plan_of(5, -6)), Error);
  CHECK_THROWS_AS(read(plan_of(5, INT64_MIN)), Error);
  CHECK_THROWS_AS(read(plan_of(5, INT64_MAX)), Error);
}

}  // namespace
