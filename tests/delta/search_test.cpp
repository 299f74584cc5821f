// SPDX-License-Identifier: Apache-2.0
// The block sum against its definition, and the search against brute force and against crafted pile-ups.
#include "delta/block_search.hpp"

#include <set>

#include "base/limits.hpp"
#include "delta_data.hpp"
#include "support/catch.hpp"

namespace {

using namespace syncline;
using namespace syncline::delta;
using namespace syncline::test;

struct Found {
  Layout layout;
  std::vector<BlockMatch> matches;
  SearchCost cost;
};

Found find(ByteView old, ByteView fresh, std::uint16_t block, unsigned bits) {
  auto plan = wide_plan(old.size(), fresh.size(), block, 0);
  Found found{whole_layout(plan, block), {}, {}};
  const BlockHash hash({99}, block, bits);
  std::vector<std::uint32_t> sums;
  for (const auto& piece : found.layout.pieces)
    sums.push_back(hash.sum(old.subspan(piece.old_offset, piece.bytes)));
  found.matches = search_blocks({plan, found.layout, hash, bits, fresh, sums, {}}, &found.cost);
  return found;
}

bool equal(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

TEST_CASE("rolled sums equal the sums of each window", "[delta]") {
  Rng rng(1);
  for (const std::uint32_t window : {1u, 7u, 8u, 64u, 100u, 1024u})
    for (const std::size_t count : {1u, 2u, 63u, 64u, 65u, 1023u, 5000u}) {
      CAPTURE(window, count);
      const auto bits = 1 + static_cast<unsigned>(pick(rng, 32));
      const BlockHash hash({rng()}, window, bits);
      auto data = random_bytes(rng, count + window - 1);
      if (pick(rng, 3) == 0) std::fill(data.begin(), data.end(), std::byte{0xFF});
      std::vector<std::uint32_t> sums(count);
      hash.roll(data, sums);
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < count; ++i) wrong += sums[i] != hash.sum(slice(data, i, window));
      CHECK(wrong == 0);
    }
}

TEST_CASE("blocks that collide in simpler rolling hashes differ here for nearly every key", "[delta]") {
  Rng rng(2);
  auto swapped = random_bytes(rng, 1024);  // equal for a 64-bit buzhash under any table
  const auto base = swapped;
  std::swap(swapped[10], swapped[74]);
  Bytes thue(2048), morse(2048);  // equal modulo 2^64 for any multiplier
  for (std::size_t i = 0; i < thue.size(); ++i) {
    const bool odd = std::popcount(i) % 2 != 0;
    thue[i] = static_cast<std::byte>(odd ? 'a' : 'b');
    morse[i] = static_cast<std::byte>(odd ? 'b' : 'a');
  }
  unsigned collisions = 0;
  for (int i = 0; i < 2000; ++i) {
    const SumKey key{rng()};
    collisions += BlockHash(key, 1024, 32).sum(base) == BlockHash(key, 1024, 32).sum(swapped);
    collisions += BlockHash(key, 2048, 32).sum(thue) == BlockHash(key, 2048, 32).sum(morse);
  }
  CHECK(collisions == 0);
}

TEST_CASE("short sums collide as often as their width says, also for one edit made in many blocks",
          "[delta]") {
  Rng rng(3);
  constexpr unsigned pairs = 20000;
  unsigned collisions = 0;
  for (unsigned key = 0; key < 10; ++key) {
    const BlockHash hash({key}, 64, 12);
    const auto at = pick(rng, 64);
    const auto change = static_cast<std::byte>(1 + pick(rng, 255));
    unsigned same_edit = 0;
    for (unsigned i = 0; i < pairs; ++i) {
      const auto a = random_bytes(rng, 64);
      auto b = a;
      b[at] = static_cast<std::byte>(std::to_integer<unsigned>(b[at]) + std::to_integer<unsigned>(change));
      same_edit += hash.sum(a) == hash.sum(b);
    }
    CAPTURE(key);
    CHECK(same_edit < 20);  // 5 expected
    collisions += same_edit;
  }
  CHECK(collisions > 25);  // 49 expected
  CHECK(collisions < 80);
}

TEST_CASE("the search finds what brute force finds", "[delta]") {
  constexpr std::uint16_t block = 16;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const auto old = random_bytes(rng, pick(rng, 3000));
    const auto fresh = edited(rng, old, static_cast<unsigned>(pick(rng, 10)));
    const auto found = find(old, fresh, block, 32);
    const std::size_t run = block * blocks_needed(found.layout.pieces.size(), fresh.size(), 32);
    std::set<std::string> runs;  // as many old blocks as a match must have at least
    for (std::size_t begin = 0; begin + run <= old.size(); begin += block)
      runs.insert(std::string(as_text(slice(old, begin, run))));
    std::size_t at = 0;
    const auto check_literal = [&](std::size_t end) {  // none of them lies in what is left
      for (; at + run <= end; ++at) REQUIRE(runs.count(std::string(as_text(slice(fresh, at, run)))) == 0);
    };
    for (const auto& match : found.matches) {
      check_literal(match.new_offset);
      REQUIRE(equal(slice(old, match.old_offset, match.bytes), slice(fresh, match.new_offset, match.bytes)));
      at = match.new_offset + match.bytes;
    }
    check_literal(fresh.size());
  }
}

TEST_CASE("narrow sums need several blocks in a row", "[delta]") {
  CHECK(blocks_needed(64, 65536, 32) == 2);
  CHECK(blocks_needed(64, 65536, 15) == 3);
  CHECK(blocks_needed(8, 100, 32) == 1);
  CHECK(blocks_needed(131072, 8388608, 15) == 4);
}

TEST_CASE("a pile-up of equal sums costs linear time", "[delta]") {
  Rng rng(4);
  constexpr std::uint16_t block = 64;
  const auto noise = random_bytes(rng, 1 << 20);
  const auto same = repeated(slice(noise, 0, block), 1 << 20);
  const Bytes zeros(1 << 20);
  // Equal blocks with something else after each: every place of an equal run has many candidates, each a
  // disappointment.
  Bytes bait;
  for (std::size_t at = 0; bait.size() < (1 << 20); at += block) {
    const auto equal_part = slice(zeros, 0, 3 * block);
    bait.insert(bait.end(), equal_part.begin(), equal_part.end());
    const auto other = slice(noise, at, block);
    bait.insert(bait.end(), other.begin(), other.end());
  }
  const std::vector<std::pair<const char*, std::pair<ByteView, ByteView>>> cases = {
      {"zeros in zeros", {zeros, ByteView(zeros).first(zeros.size() - 1)}},
      {"bait in zeros", {bait, ByteView(zeros).first(zeros.size() - 1)}},
      {"bait in shifted bait", {bait, ByteView(bait).subspan(30)}},
      {"zeros in bait", {zeros, ByteView(bait).subspan(30)}},
      {"period of a block", {same, ByteView(same).subspan(1)}},
      {"noise in noise", {noise, ByteView(same).subspan(1)}},
  };
  for (const auto& [name, sides] : cases)
    for (const unsigned bits : {8u, 15u, 32u}) {
      CAPTURE(name, bits);
      const auto cost_of = [&](std::size_t size) {
        const auto old = sides.first.first(std::min(size, sides.first.size()));
        const auto fresh = sides.second.first(std::min(size, sides.second.size()));
        return find(old, fresh, block, bits).cost.comparisons;
      };
      const auto needed = blocks_needed((1 << 20) / block, 1 << 20, bits);
      const std::uint64_t bound = limits::block_chain_max * (2 * needed + 2) * 5;  // per byte and pass
      CHECK(cost_of(1 << 18) <= bound << 18);
      CHECK(cost_of(1 << 20) <= bound << 20);
      CHECK(cost_of(1 << 20) <= 6 * cost_of(1 << 18) + 100000);
    }
}

}  // namespace
