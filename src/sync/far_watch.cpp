// SPDX-License-Identifier: Apache-2.0
// Waiting for the other machine.
#include "sync/far_watch.hpp"

namespace syncline::sync {

void FarWatch::Bell::ring() noexcept {
  {
    const std::lock_guard lock(mutex);
    has_rung = true;
  }
  rung.notify_all();
}

FarWatch::News FarWatch::take(std::chrono::milliseconds limit) {
  // What was told stays to be heard until the next round.
  const bool is_told = told_ == copies_.round_count();
  if (!is_told) copies_.on_news([bell = bell_] { bell->ring(); });
  {
    std::unique_lock lock(bell_->mutex);
    bell_->rung.wait_for(lock, limit, [&] { return bell_->has_rung; });
    bell_->has_rung = false;
  }
  if (is_told || !copies_.has_news()) return {};
  told_ = copies_.round_count();
  return {.complete = true};
}

void FarWatch::wake() noexcept { bell_->ring(); }

}  // namespace syncline::sync
