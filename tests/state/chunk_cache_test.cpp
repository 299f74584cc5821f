// SPDX-License-Identifier: Apache-2.0
#include "sample.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::state;
using syncline::test::TempDir;

namespace {

constexpr std::uint64_t mib = 1024 * 1024;

Bytes random_bytes(Sample& sample, std::size_t size) {
  Bytes out(size);
  for (auto& byte : out) byte = static_cast<std::byte>(sample.number());
  return out;
}

/// Puts a chunk of random bytes and returns its id.
hash::ChunkId put_random(ChunkCache& cache, Sample& sample, std::size_t size) {
  const auto data = random_bytes(sample, size);
  const auto id = hash::blake3(data);
  cache.put(id, data);
  return id;
}

}  // namespace

TEST_CASE("a cached chunk comes back after reopening", "[state]") {
  TempDir temp;
  Sample sample(1);
  const auto data = random_bytes(sample, 40'000);
  const auto id = hash::blake3(data);
  {
    const auto cache = ChunkCache::open(temp.path("cache.db"), 10 * mib);
    cache->put(id, data);
    cache->put(id, data);
    cache->put(hash::blake3({}), {});
    cache->commit();
  }
  const auto cache = ChunkCache::open(temp.path("cache.db"), 10 * mib);
  CHECK(cache->get(id) == data);
  CHECK(cache->get(hash::blake3({})) == Bytes{});
  CHECK_FALSE(cache->get(sample.digest()));
}

TEST_CASE("the least recently used chunks go first and the file stays bounded", "[state]") {
  TempDir temp;
  Sample sample(2);
  const auto cache = ChunkCache::open(temp.path("cache.db"), 2 * mib);
  const auto kept = put_random(*cache, sample, 16'000);
  const auto lost = put_random(*cache, sample, 16'000);
  cache->commit();
  hash::ChunkId last;
  for (int round = 0; round < 50; ++round) {
    for (int k = 0; k < 10; ++k) last = put_random(*cache, sample, 16'000);
    CHECK(cache->get(kept));
    cache->commit();
  }
  CHECK(cache->get(kept));
  CHECK(cache->get(last));
  CHECK_FALSE(cache->get(lost));
  CHECK(std::filesystem::file_size(temp.path("cache.db")) < 2 * mib + 512 * 1024);
}

TEST_CASE("a chunk larger than the whole cache is not kept", "[state]") {
  TempDir temp;
  Sample sample(3);
  const auto cache = ChunkCache::open(temp.path("cache.db"), 50'000);
  const auto small = put_random(*cache, sample, 10'000);
  const auto large = put_random(*cache, sample, 60'000);
  cache->commit();
  CHECK(cache->get(small));
  CHECK_FALSE(cache->get(large));
}

TEST_CASE("a damaged chunk is a miss", "[state]") {
  TempDir temp;
  Sample sample(4);
  const auto data = random_bytes(sample, 20'000);
  const auto id = hash::blake3(data);
  {
    const auto cache = ChunkCache::open(temp.path("cache.db"), mib);
    cache->put(id, data);
    cache->commit();
  }
  auto bytes = temp.read("cache.db");
  const auto at = bytes.find(std::string(as_text(ByteView(data).subspan(10'000, 16))));
  REQUIRE(at != std::string::npos);
  bytes[at] ^= 1;
  temp.write("cache.db", bytes);
  const auto cache = ChunkCache::open(temp.path("cache.db"), mib);
  CHECK_FALSE(cache->get(id));
  cache->put(id, data);
  cache->commit();
  CHECK(cache->get(id) == data);
}

TEST_CASE("a damaged cache file is replaced and never throws or lies", "[state]") {
  TempDir temp;
  Sample sample(5);
  std::vector<hash::ChunkId> ids;
  {
    const auto cache = ChunkCache::open(temp.path("good.db"), 4 * mib);
    for (int k = 0; k < 40; ++k) ids.push_back(put_random(*cache, sample, 3'000));
    cache->commit();
  }
  const auto good = temp.read("good.db");
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Sample random(seed);
    auto bytes = good;
    if (seed % 5 == 0) bytes.resize(random.below(bytes.size()));
    for (auto count = 1 + random.below(30); count > 0 && !bytes.empty(); --count)
      bytes[random.below(seed % 2 == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 12'000))] ^=
          static_cast<char>(1 + random.below(255));
    temp.write("bad.db", bytes);
    std::unique_ptr<ChunkCache> cache;
    try {
      cache = ChunkCache::open(temp.path("bad.db"), mib / 16);
    } catch (const Error& error) {
      CHECK(error.is(Errc::foreign));  // its mark was hit
      continue;
    }
    for (const auto& id : ids)
      if (const auto data = cache->get(id)) REQUIRE(hash::blake3(*data) == id);
    put_random(*cache, random, 9'000);
    cache->commit();
  }
}

TEST_CASE("a cache that another process uses is empty for this one", "[state]") {
  TempDir temp;
  Sample sample(6);
  const auto first = ChunkCache::open(temp.path("cache.db"), mib);
  const auto id = put_random(*first, sample, 1'000);
  first->commit();
  const auto second = ChunkCache::open(temp.path("cache.db"), mib);
  CHECK_FALSE(second->get(id));
  put_random(*second, sample, 1'000);
  second->commit();
  CHECK(first->get(id));
}
