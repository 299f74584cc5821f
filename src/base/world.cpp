// SPDX-License-Identifier: Apache-2.0
// The real clock and the kernel's random numbers.
#include "base/world.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/error.hpp"

namespace syncline {
namespace {

class SystemClock final : public Clock {
 public:
  std::int64_t now_ns() const override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  std::chrono::steady_clock::time_point steady() const override { return std::chrono::steady_clock::now(); }
};

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    while (!out.empty()) {
      const auto got = ::getrandom(out.data(), out.size(), 0);
      if (got < 0) {
        if (errno == EINTR) continue;
        throw_errno("getrandom");
      }
      out = out.subspan(static_cast<std::size_t>(got));
    }
  }
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

Random& system_random() {
  static SystemRandom random;
  return random;
}

std::string system_host_name() {
  std::array<char, 256> buffer{};
  return ::gethostname(buffer.data(), buffer.size() - 1) == 0 ? std::string(buffer.data()) : "localhost";
}

}  // namespace syncline
