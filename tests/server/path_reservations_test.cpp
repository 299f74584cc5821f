// SPDX-License-Identifier: Apache-2.0
#include "server/path_reservations.hpp"

#include <atomic>
#include <thread>

#include "base/error.hpp"
#include "support/catch.hpp"

using namespace syncline;
using namespace syncline::server;
using Use = sync::PlaceUse;

TEST_CASE("places that do not meet are reserved side by side", "[server]") {
  const auto reservations = std::make_shared<PathReservations>();
  const auto one = reservations->reserve({"/s/a"});
  const auto other = reservations->reserve({"/s/ab"});
  const auto third = reservations->reserve({"/s/b/c"});
  CHECK_FALSE(reservations->is_wanted({"/s/a"}));
}

TEST_CASE("a place waits for its parents and for what is below it, in the order of asking", "[server]") {
  const auto reservations = std::make_shared<PathReservations>();
  for (const std::string meets : {"/s/a", "/s", "/", "/s/a/b/c"}) {
    CAPTURE(meets);
    auto held = reservations->reserve({"/s/a"});
    std::atomic<bool> got = false;
    std::thread waiting([&] {
      const auto mine = reservations->reserve({meets});
      got = true;
    });
    while (!reservations->is_wanted({"/s/a"})) std::this_thread::yield();
    CHECK_FALSE(got);
    held.reset();
    waiting.join();
    CHECK(got);
  }
}

TEST_CASE("those that read a place have it side by side, and one that writes waits for all of them",
          "[server]") {
  const auto reservations = std::make_shared<PathReservations>();
  auto one = reservations->reserve({"/s/a", Use::read});
  auto other = reservations->reserve({"/s", Use::read});
  CHECK_FALSE(reservations->is_wanted({"/s/a", Use::read}));
  std::atomic<bool> got = false;
  std::thread waiting([&] {
    const auto mine = reservations->reserve({"/s/a", Use::write});
    got = true;
  });
  while (!reservations->is_wanted({"/s/a", Use::read})) std::this_thread::yield();
  one.reset();
  CHECK_FALSE(got);
  other.reset();
  waiting.join();
  CHECK(got);
}

TEST_CASE("one that reads does not overtake one that waits to write", "[server]") {
  const auto reservations = std::make_shared<PathReservations>();
  auto reading = reservations->reserve({"/s", Use::read});
  std::atomic<int> order = 0;
  int wrote = 0;
  int read = 0;
  std::thread writer([&] {
    const auto mine = reservations->reserve({"/s", Use::write});
    wrote = ++order;
  });
  while (!reservations->is_wanted({"/s", Use::read})) std::this_thread::yield();
  std::atomic<bool> begun = false;
  std::thread reader([&] {
    begun = true;
    const auto mine = reservations->reserve({"/s", Use::read});
    read = ++order;
  });
  while (!begun) std::this_thread::yield();
  reading.reset();
  writer.join();
  reader.join();
  CHECK(wrote == 1);
  CHECK(read == 2);
}

TEST_CASE("nobody waits any more once reservations are closed", "[server]") {
  const auto reservations = std::make_shared<PathReservations>();
  const auto held = reservations->reserve({"/s"});
  bool cancelled = false;
  std::thread waiting([&] {
    try {
      (void)reservations->reserve({"/s"});
    } catch (const Error& error) {
      cancelled = error.is(Errc::cancelled);
    }
  });
  while (!reservations->is_wanted({"/s"})) std::this_thread::yield();
  reservations->close();
  waiting.join();
  CHECK(cancelled);
}
