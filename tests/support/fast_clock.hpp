// SPDX-License-Identifier: Apache-2.0
// A clock that runs faster than the real one, and that a test may put forward.
#pragma once

#include <atomic>

#include "base/world.hpp"

namespace syncline::test {

class FastClock final : public Clock {
 public:
  /// `speed`: how many of its seconds pass in a real one; 0: it stands still.
  FastClock(std::int64_t now_ns, int speed) : begin_ns_(now_ns), speed_(speed) {}
  std::int64_t now_ns() const override { return begin_ns_ + passed_ns(); }
  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(passed_ns()));
  }
  void put_forward(std::chrono::nanoseconds by) { extra_ns_ += by.count(); }
  std::int64_t passed_ns() const {
    const auto real = std::chrono::steady_clock::now() - real_begin_;
    return extra_ns_ + speed_ * std::chrono::duration_cast<std::chrono::nanoseconds>(real).count();
  }

 private:
  std::int64_t begin_ns_;
  int speed_;
  std::chrono::steady_clock::time_point real_begin_ = std::chrono::steady_clock::now();
  std::atomic<std::int64_t> extra_ns_ = 0;
};

}  // namespace syncline::test
