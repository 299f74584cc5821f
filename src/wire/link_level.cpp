// SPDX-License-Identifier: Apache-2.0
// Thresholds and judgement.
#include "wire/link_level.hpp"

#include <algorithm>

namespace syncline::wire {
namespace {

constexpr double mbit = 1'000'000 / 8.0;
/// Long enough for buffers of the system to fill and for many frames, short against any transfer that
/// matters.
constexpr std::chrono::milliseconds window{200};
/// A rate has to be so far beyond a threshold that the level does not go back and forth at it.
constexpr double margin = 1.25;

/// What to do when compressing is what takes the time. Less than the default only a fast link earns.
int one_lower(int level) { return level > 3 ? 3 : std::min(level, LinkLevel::level_default); }

}  // namespace

int LinkLevel::level_for(double bytes_per_second) {
  if (bytes_per_second <= 10 * mbit) return 6;
  if (bytes_per_second <= 100 * mbit) return 3;
  if (bytes_per_second <= 2'500 * mbit) return level_default;
  return bytes_per_second < 10'000 * mbit ? 1 : 0;
}

void LinkLevel::observe(const LinkView& view) {
  if (last_) {
    const auto passed = std::max(view.at - last_->at, std::chrono::nanoseconds(0));
    // Nothing was added since the last look but the frame handed over then: what waits now, waited
    // throughout.
    if (view.waiting_bytes > 0) {
      busy_ += passed;
      busy_bytes_ += view.sent_bytes - std::min(view.sent_bytes, last_->sent_bytes);
    } else {
      idle_ += passed;
    }
    compressing_ += view.compressing - last_->compressing;
  }
  last_ = view;
  if (busy_ + idle_ >= window) judge();
}

void LinkLevel::judge() {
  if (busy_ >= idle_) {
    const double rate = static_cast<double>(busy_bytes_) / std::chrono::duration<double>(busy_).count();
    level_ = std::clamp(level_, level_for(rate * margin), level_for(rate / margin));
  } else if (2 * compressing_ >= busy_ + idle_) {
    level_ = one_lower(level_);
  }
  busy_ = idle_ = compressing_ = {};
  busy_bytes_ = 0;
}

}  // namespace syncline::wire
