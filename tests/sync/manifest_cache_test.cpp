// SPDX-License-Identifier: Apache-2.0
// Manifests that are kept between the rounds of a watch.
#include "sync/manifest_cache.hpp"

#include "base/limits.hpp"
#include "support/catch.hpp"

namespace {

using namespace syncline;
using namespace syncline::sync;

constexpr std::size_t chunks_max = limits::kept_manifest_bytes_max / sizeof(manifest::Chunk);

manifest::Manifest manifest_with(std::size_t chunks, std::uint32_t length_bytes = 1) {
  manifest::Manifest out;
  out.chunks.resize(chunks);
  for (auto& chunk : out.chunks) chunk.length_bytes = length_bytes;
  out.size_bytes = chunks * length_bytes;
  return out;
}

void put(ManifestCache& cache, state::ManifestId id, manifest::Manifest manifest) {
  cache.put(id, manifest.root(), std::move(manifest));
}

bool holds(ManifestCache& cache, state::ManifestId id, const manifest::Manifest& manifest) {
  const auto found = cache.find(id, manifest.root());
  return found != nullptr && found->root() == manifest.root();
}

}  // namespace

TEST_CASE("a manifest is found by number and root, until it is dropped", "[sync]") {
  ManifestCache cache;
  const auto one = manifest_with(ManifestCache::chunks_min);
  put(cache, 1, one);
  CHECK(holds(cache, 1, one));
  CHECK_FALSE(holds(cache, 2, one));
  // The number was given again after a rollback.
  const auto other = manifest_with(ManifestCache::chunks_min, 2);
  CHECK_FALSE(holds(cache, 1, other));
  put(cache, 1, other);
  CHECK(holds(cache, 1, other));
  CHECK_FALSE(holds(cache, 1, one));
  cache.drop(1);
  CHECK_FALSE(holds(cache, 1, other));
  put(cache, 1, one);
  put(cache, 1, manifest_with(1));  // what it is now is not kept, and what it was is no more
  CHECK(cache.bytes() == 0);
  put(cache, 1, one);
  cache.clear();
  CHECK(cache.bytes() == 0);
}

TEST_CASE("short manifests are not kept, nor those that are too long", "[sync][bounds]") {
  ManifestCache cache;
  const auto sizes = {ManifestCache::chunks_min - 1, ManifestCache::chunks_min, chunks_max, chunks_max + 1};
  for (const auto size : sizes) {
    CAPTURE(size);
    const auto one = manifest_with(size);
    put(cache, 1, one);
    const bool is_kept = size >= ManifestCache::chunks_min && size <= chunks_max;
    CHECK(holds(cache, 1, one) == is_kept);
    CHECK(cache.bytes() == (is_kept ? size * sizeof(manifest::Chunk) : 0));
  }
}

TEST_CASE("manifests that were used last are kept, up to the limit", "[sync][bounds]") {
  ManifestCache cache;
  const auto third = manifest_with(chunks_max / 3);
  for (const state::ManifestId id : {1, 2, 3}) put(cache, id, third);
  for (const state::ManifestId id : {1, 2, 3}) CHECK(holds(cache, id, third));
  CHECK(holds(cache, 1, third));
  put(cache, 4, manifest_with(ManifestCache::chunks_min));
  CHECK(holds(cache, 1, third));
  CHECK_FALSE(holds(cache, 2, third));
  CHECK(holds(cache, 3, third));
  CHECK(cache.bytes() <= limits::kept_manifest_bytes_max);
}
