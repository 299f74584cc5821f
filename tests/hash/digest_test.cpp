// SPDX-License-Identifier: Apache-2.0
// Digests: published vectors, increments, keys, and the collision that rules XXH3 out as an identity.
#include "hash/digest.hpp"

#include <xxhash.h>

#include <random>

#include "support/catch.hpp"
#include "support/xxh3_collision.hpp"

namespace {

using namespace syncline;
using hash::Blake3;
using hash::Digest;
using hash::QuickKey;

/// The input of the official BLAKE3 test vectors.
Bytes counting_bytes(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i % 251);
  return out;
}

QuickKey random_key(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::array<std::byte, QuickKey::size_bytes> secret;
  for (auto& byte : secret) byte = static_cast<std::byte>(random());
  return QuickKey(secret);
}

TEST_CASE("blake3 gives the published test vectors", "[hash]") {
  CHECK(hash::blake3({}).hex() == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
  CHECK(hash::blake3(counting_bytes(1)).hex() ==
        "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213");
  CHECK(hash::blake3(counting_bytes(1024)).hex() ==
        "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7");
  CHECK(hash::blake3(counting_bytes(1025)).hex() ==
        "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444");
  CHECK(hash::blake3(counting_bytes(31744)).hex() ==
        "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47");
}

TEST_CASE("incremental blake3 equals the one-shot form for any split", "[hash]") {
  const auto data = counting_bytes(40'000);
  const auto whole = hash::blake3(data);
  for (const std::size_t step : {1UL, 63UL, 64UL, 1023UL, 1024UL, 1025UL, 16'384UL, 39'999UL}) {
    CAPTURE(step);
    Blake3 hasher;
    for (std::size_t at = 0; at < data.size(); at += step)
      hasher.update(ByteView(data).subspan(at, std::min(step, data.size() - at)));
    CHECK(hasher.finish() == whole);
    CHECK(hasher.finish() == whole);
  }
}

TEST_CASE("a copy of a hasher goes on by itself", "[hash]") {
  Blake3 first;
  first.update(as_bytes("common "));
  Blake3 second(first);
  Blake3 third;
  third = first;
  first.update(as_bytes("left"));
  second.update(as_bytes("right"));
  CHECK(first.finish() == hash::blake3(as_bytes("common left")));
  CHECK(second.finish() == hash::blake3(as_bytes("common right")));
  CHECK(third.finish() == hash::blake3(as_bytes("common ")));
}

TEST_CASE("hex prints every byte as two lower-case digits in order", "[hash]") {
  Digest digest;
  digest.bytes[0] = std::byte{0x0F};
  digest.bytes[31] = std::byte{0xA0};
  CHECK(digest.hex() == "0f" + std::string(60, '0') + "a0");
}

TEST_CASE("a quick hash depends on the data, on its length and on the key", "[hash]") {
  const auto key = random_key(1);
  for (const std::size_t size :
       {0UL, 1UL, 16UL, 17UL, 128UL, 129UL, 240UL, 241UL, 1024UL, 16'384UL, 65'536UL}) {
    CAPTURE(size);
    auto data = counting_bytes(size);
    const auto before = key(data);
    CHECK(before == key(data));
    CHECK(before == random_key(1)(data));
    CHECK_FALSE(before == random_key(2)(data));
    data.push_back(std::byte{0});
    CHECK_FALSE(before == key(data));
    data.pop_back();
    if (size == 0) continue;
    data[size / 2] ^= std::byte{1};
    CHECK_FALSE(before == key(data));
  }
}

TEST_CASE("the quick hash is XXH3-128 with the secret, whichever code path is taken", "[hash]") {
  const auto key = random_key(3);
  for (const std::size_t size : {0UL, 5UL, 100UL, 200UL, 241UL, 5'000UL, 70'000UL}) {
    const auto data = counting_bytes(size);
    const auto expected =
        XXH3_128bits_withSecret(data.data(), data.size(), key.secret().data(), key.secret().size());
    CHECK(key(data) == hash::QuickHash{expected.low64, expected.high64});
  }
}

TEST_CASE("crafted buffers with equal unseeded XXH3 get different ids and different keyed hashes", "[hash]") {
  const auto [one, other] = test::xxh3_collision();
  REQUIRE(one.size() == 64 * 1024);
  REQUIRE(one != other);
  const auto first = XXH3_128bits(one.data(), one.size());
  const auto second = XXH3_128bits(other.data(), other.size());
  REQUIRE(first.low64 == second.low64);
  REQUIRE(first.high64 == second.high64);
  CHECK(hash::blake3(one) != hash::blake3(other));
  CHECK_FALSE(random_key(4)(one) == random_key(4)(other));
}

}  // namespace
