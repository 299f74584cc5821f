// SPDX-License-Identifier: Apache-2.0
// Waiting until a client is to be told that another session is worth while.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "fs/waker.hpp"
#include "sync/followed_sources.hpp"
#include "sync/warm_replicas.hpp"

namespace syncline::sync {

/// For one thread but for wake().
class Stirring {
 public:
  /// Both must outlive it; one for the two of them.
  Stirring(WarmReplicas& warm, FollowedSources& sources);
  ~Stirring();
  Stirring(const Stirring&) = delete;
  Stirring& operator=(const Stirring&) = delete;

  /// Those in whose destinations or sources something has changed, each once until its next session; waits
  /// for them, for so long at most, or until wake().
  std::vector<std::uint64_t> wait(std::chrono::milliseconds limit);
  void wake() noexcept { waker_.wake(); }

 private:
  std::vector<std::uint64_t> take(StirWait& wait);

  WarmReplicas& warm_;
  FollowedSources& sources_;
  fs::Waker waker_;
};

}  // namespace syncline::sync
