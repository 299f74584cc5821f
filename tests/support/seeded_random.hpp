// SPDX-License-Identifier: Apache-2.0
// Randomness that is the same in every run: what is sent depends on the keys of chunks and of sums, a false
// match by chance among the latter.
#pragma once

#include <algorithm>
#include <mutex>
#include <random>

#include "base/world.hpp"

namespace syncline::test {

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(unsigned seed) : engine_(seed) {}
  void fill(std::span<std::byte> out) override {
    std::lock_guard lock(mutex_);
    std::ranges::generate(out, [this] { return static_cast<std::byte>(engine_() >> 8); });
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

}  // namespace syncline::test
