// SPDX-License-Identifier: Apache-2.0
// The real clock moves, the real randomness differs.
#include "base/world.hpp"

#include <array>
#include <vector>

#include "support/catch.hpp"

using namespace syncline;

TEST_CASE("the clock counts nanoseconds since 1970", "[base]") {
  constexpr std::int64_t year_2020_ns = 1'577'836'800'000'000'000;
  const auto first = system_clock().now_ns();
  CHECK(first > year_2020_ns);
  const auto before = system_clock().steady();
  CHECK(system_clock().steady() >= before);
}

TEST_CASE("random bytes fill the whole buffer and never repeat", "[base]") {
  std::array<std::byte, 32> a{}, b{};
  system_random().fill(a);
  system_random().fill(b);
  CHECK(a != b);
  // getrandom(2) gives at most 256 bytes at once when a signal comes: a long buffer is filled too.
  std::vector<std::byte> large(1 << 20);
  system_random().fill(large);
  CHECK(std::vector(large.end() - 64, large.end()) != std::vector<std::byte>(64));
  system_random().fill({});
}
