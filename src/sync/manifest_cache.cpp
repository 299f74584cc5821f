// SPDX-License-Identifier: Apache-2.0
// A few manifests, in the order of their use.
#include "sync/manifest_cache.hpp"

#include <algorithm>
#include <utility>

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

void ManifestCache::put(state::ManifestId id, const hash::Digest& root, SharedManifest manifest) {
  auto bytes = bytes_of(*manifest);
  if (manifest->chunks.size() < chunks_min || bytes > bytes_max) return;
  std::lock_guard lock(mutex_);
  std::erase_if(kept_, [&](const Kept& kept) { return kept.id == id; });
  for (const auto& kept : kept_) bytes += bytes_of(*kept.manifest);
  for (; bytes > bytes_max; kept_.pop_back()) bytes -= bytes_of(*kept_.back().manifest);
  kept_.push_front({id, root, std::move(manifest)});
}

void ManifestCache::drop(state::ManifestId id) {
  std::lock_guard lock(mutex_);
  std::erase_if(kept_, [&](const Kept& kept) { return kept.id == id; });
}

}  // namespace syncline::sync
