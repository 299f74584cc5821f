// SPDX-License-Identifier: Apache-2.0
// A wait for several descriptors that another thread can end.
#pragma once

#include <chrono>
#include <vector>

#include "fs/fd.hpp"

namespace syncline::fs {

/// For one thread but for wake().
class Waker {
 public:
  /// Throws Error where there is no descriptor to be had.
  Waker();
  /// Until one of them can be read, for so long at most, or until a signal or wake() comes.
  void wait(const std::vector<int>& descriptors, std::chrono::milliseconds limit);
  /// Ends a wait() that goes on, or the next one; from any thread.
  void wake() noexcept;

 private:
  Fd event_;
};

}  // namespace syncline::fs
