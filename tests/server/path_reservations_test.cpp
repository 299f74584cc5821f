// SPDX-License-Identifier: Apache-2.0
#include "server/path_reservations.hpp"

#include <atomic>
#include <thread>

#include "base/error.hpp"
#include "support/catch.hpp"

using namespace syncline;
using namespace syncline::server;

TEST_CASE("places that do not meet are reserved side by side", "[server]") {
  const auto reservations = std::make_shared<PathReservations>();
  const auto one = reservations->reserve("/s/a");
  const auto other = reservations->reserve("/s/ab");
  const auto third = reservations->reserve("/s/b/c");
  CHECK_FALSE(reservations->is_wanted("/s/a"));
}

TEST_CASE("a place waits for its parents and for what is below it, in the order of asking", "[server]") {
  const auto reservations = std::make_shared<PathReservations>();
  for (const std::string meets : {"/s/a", "/s", "/", "/s/a/b/c"}) {
    CAPTURE(meets);
    auto held = reservations->reserve("/s/a");
    std::atomic<bool> got = false;
    std::thread waiting([&] {
      const auto mine = reservations->reserve(meets);
      got = true;
    });
    while (!reservations->is_wanted("/s/a")) std::this_thread::yield();
    CHECK_FALSE(got);
    held.reset();
    waiting.join();
    CHECK(got);
  }
}

TEST_CASE("nobody waits any more once reservations are closed", "[server]") {
  const auto reservations = std::make_shared<PathReservations>();
  const auto held = reservations->reserve("/s");
  bool cancelled = false;
  std::thread waiting([&] {
    try {
      (void)reservations->reserve("/s");
    } catch (const Error& error) {
      cancelled = error.is(Errc::cancelled);
    }
  });
  while (!reservations->is_wanted("/s")) std::this_thread::yield();
  reservations->close();
  waiting.join();
  CHECK(cancelled);
}
