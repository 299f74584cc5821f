// SPDX-License-Identifier: Apache-2.0
// A few manifests, in the order of their use.
#include "sync/manifest_cache.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "base/limits.hpp"

namespace syncline::sync {
namespace {

std::size_t bytes_of(const manifest::Manifest& manifest) {
  return manifest.chunks.size() * sizeof(manifest::Chunk);
}

}  // namespace

SharedManifest ManifestCache::find(state::ManifestId id, const hash::Digest& root) {
  std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(kept_, id, &Kept::id);
  if (found == kept_.end() || found->root != root) return nullptr;
  kept_.splice(kept_.begin(), kept_, found);
  return found->manifest;
}

void ManifestCache::put(state::ManifestId id, const hash::Digest& root, manifest::Manifest&& manifest) {
  drop(id);
  if (manifest.chunks.size() < chunks_min || bytes_of(manifest) > limits::kept_manifest_bytes_max) return;
  manifest.chunks.shrink_to_fit();
  auto shared = std::make_shared<const manifest::Manifest>(std::move(manifest));
  std::lock_guard lock(mutex_);
  kept_.push_front({id, root, std::move(shared)});
  std::size_t bytes = 0;
  const auto fits = [&](const Kept& kept) {
    bytes += bytes_of(*kept.manifest);
    return bytes <= limits::kept_manifest_bytes_max;
  };
  kept_.erase(std::ranges::find_if_not(kept_, fits), kept_.end());
}

void ManifestCache::drop(state::ManifestId id) {
  std::lock_guard lock(mutex_);
  std::erase_if(kept_, [&](const Kept& kept) { return kept.id == id; });
}

void ManifestCache::clear() {
  std::lock_guard lock(mutex_);
  kept_.clear();
}

std::size_t ManifestCache::bytes() const {
  std::lock_guard lock(mutex_);
  return std::transform_reduce(kept_.begin(), kept_.end(), std::size_t{0}, std::plus(),
                               [](const Kept& kept) { return bytes_of(*kept.manifest); });
}

}  // namespace syncline::sync
