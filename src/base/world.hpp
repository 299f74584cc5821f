// SPDX-License-Identifier: Apache-2.0
// Clock and randomness: with fs::Fs the whole of the outside world, so that a test can replace it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace syncline {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t now_ns() const = 0;  ///< since the epoch
  virtual std::chrono::steady_clock::time_point steady() const = 0;
};

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::byte> out) = 0;  ///< cryptographic randomness
};

Clock& system_clock();
Random& system_random();

/// Of this machine, as it calls itself; "localhost" where it does not tell.
std::string system_host_name();

}  // namespace syncline
