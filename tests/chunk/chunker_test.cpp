// SPDX-License-Identifier: Apache-2.0
// Cut points against a slow definition, on random and on crafted bytes.
#include "chunk/chunker.hpp"

#include <algorithm>
#include <bit>
#include <map>

#include "chunk/gear.hpp"
#include "chunk_data.hpp"
#include "support/catch.hpp"

namespace {

using namespace syncline;
using namespace syncline::test;
using chunk::ChunkParams;
using chunk::cut_point;

/// The definition: one byte a step, a 64-bit gear hash from the minimum on, cut after the byte that makes
/// the masked bits zero.
std::size_t slow_cut_point(ByteView data, const ChunkParams& params) {
  std::uint64_t table[256];
  std::uint64_t seed = 0x73796e636c6ba3b2;
  for (auto& entry : table) {  // splitmix64
    std::uint64_t z = (seed += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    entry = z ^ (z >> 31);
  }
  const auto zero_bits = [](std::uint64_t hash, int count) {  // the `count` bits below the top one
    return (hash << 1) >> (64 - count) == 0;
  };
  const int avg_bits = std::countr_zero(params.avg_bytes);
  const auto end = std::min<std::size_t>(data.size(), params.max_bytes);
  std::uint64_t hash = 0;
  for (std::size_t at = params.min_bytes; at < end; ++at) {
    hash = (hash << 1) + table[std::to_integer<unsigned>(data[at])];
    if (zero_bits(hash, at < params.avg_bytes ? avg_bits + 2 : avg_bits - 2)) return at + 1;
  }
  return end;
}

void check_all_cuts(ByteView data, const ChunkParams& params) {
  for (std::size_t at = 0; at < data.size();) {
    const auto rest = data.subspan(at);
    const auto length = cut_point(rest, params);
    if (length != slow_cut_point(rest, params)) {
      CAPTURE(at, length);
      FAIL("the fast search differs from the definition");
    }
    at += length;
  }
  SUCCEED();
}

const ChunkParams all_params[] = {
    real_params,      tiny_params,        small_params, {1, 32, 64}, {16384, 65536, 262144},
    {100, 256, 1001}, {4096, 4096, 65535}};

TEST_CASE("cut points equal the one-byte-a-step definition on random bytes", "[chunk]") {
  const auto seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  Rng rng(seed);
  for (const auto& params : all_params) {
    CAPTURE(params.avg_bytes);
    check_all_cuts(random_bytes(rng, 600'000 + pick(rng, 9)), params);
  }
}

TEST_CASE("cut points equal the definition on bytes of little variety", "[chunk]") {
  Rng rng(4);
  for (const auto& params : all_params) {
    auto data = random_bytes(rng, 200'000);
    for (auto& byte : data) byte &= std::byte{3};
    check_all_cuts(data, params);
    for (std::size_t at = 0; at < data.size(); ++at)
      if (at % 5000 > 300) data[at] = std::byte{0};
    check_all_cuts(data, params);
  }
}

TEST_CASE("cut points equal the definition on periodic bytes of every period up to 64", "[chunk]") {
  Rng rng(5);
  for (std::size_t period = 1; period <= 64; ++period) {
    CAPTURE(period);
    const auto data = repeated(random_bytes(rng, period), 70'000);
    check_all_cuts(data, real_params);
    check_all_cuts(ByteView(data).first(20'000), small_params);
    check_all_cuts(ByteView(data).first(5'000), tiny_params);
  }
}

TEST_CASE("cut points equal the definition for every length around min, avg and max", "[chunk]") {
  Rng rng(6);
  const Bytes zeros(70'000);
  for (const auto& params : {real_params, small_params, tiny_params, ChunkParams{1, 32, 64}})
    for (const auto edge : {params.min_bytes, params.avg_bytes, params.max_bytes})
      for (int delta = -9; delta <= 9; ++delta) {
        if (static_cast<int>(edge) + delta < 0) continue;
        const auto size = edge + static_cast<std::uint32_t>(delta);
        CAPTURE(params.avg_bytes, size);
        check_all_cuts(random_bytes(rng, size), params);
        CHECK(cut_point(ByteView(zeros).first(size), params) ==
              std::min<std::size_t>(size, params.max_bytes));
      }
}

TEST_CASE("no bytes give no chunk and one byte gives one", "[chunk]") {
  const Bytes one{std::byte{7}};
  CHECK(cut_point({}, real_params) == 0);
  CHECK(cut_point(one, real_params) == 1);
  CHECK(chunk::chunk_bytes({}, real_params, test_key()).chunks.empty());
  const auto manifest = chunk::chunk_bytes(one, real_params, test_key());
  REQUIRE(manifest.chunks.size() == 1);
  CHECK(manifest.chunks[0].id == hash::blake3(one));
}

/// A run of bytes after which every hash cuts: found by search, two bytes that make the masked bits zero.
Bytes cutting_everywhere(const ChunkParams& params) {
  Rng rng(7);
  Bytes chunk(params.min_bytes, std::byte{1});
  while (true) {
    const auto tail = random_bytes(rng, 8);
    auto tried = chunk;
    tried.insert(tried.end(), tail.begin(), tail.end());
    const auto length = slow_cut_point(tried, params);
    if (length < tried.size())
      return Bytes(tried.begin(), tried.begin() + static_cast<std::ptrdiff_t>(length));
  }
}

TEST_CASE("bytes crafted to cut everywhere give chunks just above the minimum", "[chunk]") {
  const auto data = repeated(cutting_everywhere(real_params), 400'000);
  const auto manifest = chunk::chunk_bytes(data, real_params, test_key());
  check_all_cuts(data, real_params);
  CHECK(manifest.chunks.size() > 400'000 / (real_params.min_bytes + 9));
  for (std::size_t i = 0; i + 1 < manifest.chunks.size(); ++i) {
    CHECK(manifest.chunks[i].length_bytes > real_params.min_bytes);
    CHECK(manifest.chunks[i].length_bytes <= real_params.min_bytes + 8);
  }
}

TEST_CASE("constant bytes of any value give chunks of max_bytes", "[chunk]") {
  for (unsigned value = 0; value < 256; ++value) {
    CAPTURE(value);
    const Bytes data(real_params.max_bytes + 1, static_cast<std::byte>(value));
    CHECK(cut_point(data, real_params) == real_params.max_bytes);
  }
}

TEST_CASE("every chunk but the last lies between min and max and the mean is near the average", "[chunk]") {
  Rng rng(8);
  const auto data = random_bytes(rng, 24 << 20);
  const auto manifest = chunk::chunk_bytes(data, real_params, test_key());
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < manifest.chunks.size(); ++i) {
    const auto& chunk = manifest.chunks[i];
    if (i + 1 < manifest.chunks.size()) CHECK(chunk.length_bytes > real_params.min_bytes);
    CHECK(chunk.length_bytes <= real_params.max_bytes);
    CHECK(chunk.repeat_count == 1);
    total += chunk.total_bytes();
  }
  CHECK(total == data.size());
  const auto mean = static_cast<double>(total) / static_cast<double>(manifest.chunks.size());
  CHECK(mean > 1.05 * real_params.avg_bytes);
  CHECK(mean < 1.35 * real_params.avg_bytes);
}

TEST_CASE("an insertion changes only the chunks around it", "[chunk]") {
  Rng rng(9);
  auto data = random_bytes(rng, 4 << 20);
  const auto before = chunk::chunk_bytes(data, real_params, test_key());
  data.insert(data.begin() + (2 << 20), std::byte{1});
  const auto after = chunk::chunk_bytes(data, real_params, test_key());
  std::map<hash::ChunkId, int> ids;
  for (const auto& chunk : before.chunks) ids[chunk.id] = 1;
  const auto fresh = std::count_if(after.chunks.begin(), after.chunks.end(),
                                   [&](const auto& chunk) { return !ids.count(chunk.id); });
  CHECK(fresh >= 1);
  CHECK(fresh <= 6);
}

TEST_CASE("the gear table and the cuts of a fixed input never change", "[chunk]") {
  // Golden values: other ones would make every stored manifest useless.
  CHECK(chunk::gear[0] == 0x1eedb7e1bc37819e);
  const ByteView table(reinterpret_cast<const std::byte*>(chunk::gear.data()), sizeof chunk::gear);
  CHECK(hash::blake3(table).hex() == "81030ce7577a22c91bf666b0e8120530bf528b91d895c0992a84b316160012cd");
  Bytes data(300'000);
  std::uint32_t state = 1;
  for (auto& byte : data) {
    state = state * 1664525 + 1013904223;  // Numerical Recipes
    byte = static_cast<std::byte>(state >> 24);
  }
  const auto manifest = chunk::chunk_bytes(data, real_params, test_key());
  std::vector<std::uint32_t> lengths;
  for (const auto& chunk : manifest.chunks) lengths.push_back(chunk.length_bytes);
  CHECK(lengths == std::vector<std::uint32_t>{16830, 25250, 8838, 18180, 16622, 17900, 19012, 19115, 29551,
                                              25834, 23992, 19625, 25383, 16894, 16974});
  CHECK(manifest.root().hex() == "988523e3e00d4232b01862d5ebceac15e0bba6c21082995ebfb107a3c9b5389e");
}

TEST_CASE("parameters that cannot be chunked with are refused", "[chunk]") {
  const Bytes data(100);
  for (const auto& params :
       {ChunkParams{0, 16384, 65536}, ChunkParams{4096, 16383, 65536}, ChunkParams{32768, 16384, 65536},
        ChunkParams{4096, 16384, 8192}, ChunkParams{4, 16, 64}, ChunkParams{0, 0, 0}}) {
    CAPTURE(params.min_bytes, params.avg_bytes, params.max_bytes);
    CHECK_THROWS_AS(chunk::chunk_bytes(data, params, test_key()), Error);
  }
}

}  // namespace
