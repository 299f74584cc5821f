// SPDX-License-Identifier: Apache-2.0
// Manifests that are kept between the rounds of a watch.
#include "sync/manifest_cache.hpp"

#include "support/catch.hpp"

namespace {

using namespace syncline;
using namespace syncline::sync;

constexpr std::size_t chunks_max = ManifestCache::bytes_max / sizeof(manifest::Chunk);

SharedManifest manifest_with(std::size_t chunks, std::uint32_t length_bytes = 1) {
  manifest::Manifest out;
  out.chunks.resize(chunks);
  for (auto& chunk : out.chunks) chunk.length_bytes = length_bytes;
  out.size_bytes = chunks * length_bytes;
  return std::make_shared<const manifest::Manifest>(std::move(out));
}

void put(ManifestCache& cache, state::ManifestId id, const SharedManifest& manifest) {
  cache.put(id, manifest->root(), manifest);
}

bool holds(ManifestCache& cache, state::ManifestId id, const SharedManifest& manifest) {
  return cache.find(id, manifest->root()) == manifest;
}

TEST_CASE("a manifest is found by number and root, until it is dropped", "[sync]") {
  ManifestCache cache;
  const auto one = manifest_with(ManifestCache::chunks_min);
  put(cache, 1, one);
  CHECK(holds(cache, 1, one));
  CHECK_FALSE(holds(cache, 2, one));
  // The number was given again after a rollback.
  const auto other = manifest_with(ManifestCache::chunks_min, 2);
  CHECK(cache.find(1, other->root()) == nullptr);
  put(cache, 1, other);
  CHECK(holds(cache, 1, other));
  CHECK(cache.find(1, one->root()) == nullptr);
  cache.drop(1);
  CHECK(cache.find(1, other->root()) == nullptr);
}

TEST_CASE("short manifests are not kept, nor those that are too long", "[sync][bounds]") {
  ManifestCache cache;
  const auto sizes = {ManifestCache::chunks_min - 1, ManifestCache::chunks_min, chunks_max, chunks_max + 1};
  for (const auto size : sizes) {
    CAPTURE(size);
    const auto one = manifest_with(size);
    put(cache, 1, one);
    CHECK(holds(cache, 1, one) == (size >= ManifestCache::chunks_min && size <= chunks_max));
    cache.drop(1);
  }
}

TEST_CASE("what was used last is kept, up to the limit", "[sync][bounds]") {
  ManifestCache cache;
  const auto third = manifest_with(chunks_max / 3);
  for (const state::ManifestId id : {1, 2, 3}) put(cache, id, third);
  for (const state::ManifestId id : {1, 2, 3}) CHECK(holds(cache, id, third));
  CHECK(holds(cache, 1, third));
  put(cache, 4, manifest_with(ManifestCache::chunks_min));
  CHECK(holds(cache, 1, third));
  CHECK_FALSE(holds(cache, 2, third));
  CHECK(holds(cache, 3, third));
}

}  // namespace
