// SPDX-License-Identifier: Apache-2.0
// Tells clients that will come again when it is time to.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

#include "sync/stirring.hpp"

namespace syncline::server {

/// A thread, from construction to destruction.
class StirTeller {
 public:
  /// Both live longer. `tell` is called by that thread, for each owner in whose place something is not as
  /// its last session left it. What it throws is passed over, and so is what watching throws.
  StirTeller(sync::WarmReplicas& warm, sync::FollowedSources& sources,
             std::function<void(std::uint64_t owner)> tell);
  StirTeller(const StirTeller&) = delete;
  StirTeller& operator=(const StirTeller&) = delete;
  ~StirTeller();

 private:
  void run();
  void tell(std::uint64_t owner) noexcept;

  sync::Stirring stirring_;
  const std::function<void(std::uint64_t)> tell_;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

}  // namespace syncline::server
