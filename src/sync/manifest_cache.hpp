// SPDX-License-Identifier: Apache-2.0
// Manifests of large files that were recorded last.
#pragma once

#include <list>
#include <memory>
#include <mutex>

#include "manifest/manifest.hpp"
#include "state/state.hpp"

namespace syncline::sync {

using SharedManifest = std::shared_ptr<const manifest::Manifest>;

/// For files that change again and again while somebody watches: to read the manifest of a file of 1 GB takes
/// 10 ms from the state. Thread-safe. A leaf of the order of locks.
class ManifestCache {
 public:
  static constexpr std::size_t chunks_min = 1024;  ///< shorter ones are not worth it

  /// Null if it is not there. The number may have been another manifest's, if a transaction was rolled back:
  /// so the root has to be the same.
  SharedManifest find(state::ManifestId id, const hash::Digest& root);
  /// Instead of those that were used least recently, if they are more than limits::kept_manifest_bytes_max
  /// together.
  void put(state::ManifestId id, const hash::Digest& root, manifest::Manifest&& manifest);
  void drop(state::ManifestId id);
  void clear();
  std::size_t bytes() const;

 private:
  struct Kept {
    state::ManifestId id;
    hash::Digest root;
    SharedManifest manifest;
  };
  mutable std::mutex mutex_;
  std::list<Kept> kept_;  ///< the one used last first
};

}  // namespace syncline::sync
