// SPDX-License-Identifier: Apache-2.0
// Waiting for something to tell.
#include "server/stir_teller.hpp"

#include <utility>

#include "base/limits.hpp"

namespace syncline::server {
namespace {

/// Nothing depends on it: what is to be told ends the wait.
constexpr std::chrono::milliseconds wait_longest{60'000};

}  // namespace

StirTeller::StirTeller(sync::WarmReplicas& warm, sync::FollowedSources& sources,
                       std::function<void(std::uint64_t)> tell)
    : stirring_(warm, sources), tell_(std::move(tell)), thread_([this] { run(); }) {}

StirTeller::~StirTeller() {
  is_over_ = true;
  stirring_.wake();
  thread_.join();
}

/// One that cannot be told must not keep it from the others.
void StirTeller::tell(std::uint64_t owner) noexcept {
  try {
    tell_(owner);
  } catch (const std::exception&) {
    // It looks at everything within the hour.
  }
}

void StirTeller::run() {
  while (!is_over_) {
    try {
      for (const auto owner : stirring_.wait(wait_longest)) tell(owner);
    } catch (const std::exception&) {
      std::this_thread::sleep_for(
          limits::stir_interval);  // of memory or threads, perhaps: they may be there again
    }
  }
}

}  // namespace syncline::server
