// SPDX-License-Identifier: Apache-2.0
#include "wire/link_level.hpp"

#include "support/catch.hpp"

using namespace syncline::wire;
using namespace std::chrono_literals;

namespace {

constexpr double mbit = 125'000;

/// A connection as a sender sees it who looks every 10 ms.
struct Observed {
  LinkLevel level;
  LinkView view;
  /// Frames wait all the time, and so many bytes a second are taken.
  void busy(double bytes_per_second, std::chrono::milliseconds time) {
    for (auto passed = 0ms; passed < time; passed += 10ms) {
      view.at += 10ms;
      view.sent_bytes += static_cast<std::uint64_t>(bytes_per_second / 100);
      view.waiting_bytes = 1000;
      level.observe(view);
    }
  }
  /// The connection takes all at once; of our time so much goes into compressing.
  void idle(double compressing, std::chrono::milliseconds time) {
    for (auto passed = 0ms; passed < time; passed += 10ms) {
      view.at += 10ms;
      view.sent_bytes += 1'000'000;
      view.waiting_bytes = 0;
      view.compressing += std::chrono::duration_cast<std::chrono::nanoseconds>(10ms * compressing);
      level.observe(view);
    }
  }
};

}  // namespace

TEST_CASE("the level for a speed is what was decided", "[wire]") {
  CHECK(LinkLevel::level_for(0) == 6);
  CHECK(LinkLevel::level_for(10 * mbit) == 6);
  CHECK(LinkLevel::level_for(10 * mbit + 1) == 3);
  CHECK(LinkLevel::level_for(100 * mbit) == 3);
  CHECK(LinkLevel::level_for(100 * mbit + 1) == 2);
  CHECK(LinkLevel::level_for(2'500 * mbit) == 2);
  CHECK(LinkLevel::level_for(2'500 * mbit + 1) == 1);
  CHECK(LinkLevel::level_for(10'000 * mbit - 1) == 1);
  CHECK(LinkLevel::level_for(10'000 * mbit) == 0);
}

TEST_CASE("a connection that nothing is known of gets level 2", "[wire]") {
  Observed link;
  CHECK(link.level.level() == 2);
  link.busy(mbit, 190ms);  // not long enough to tell
  CHECK(link.level.level() == 2);
}

TEST_CASE("the slower a busy connection, the higher the level", "[wire]") {
  for (const auto& [speed, level] :
       {std::pair{1.0, 6}, {7.0, 6}, {20.0, 3}, {79.0, 3}, {200.0, 2}, {7'000.0, 1}, {20'000.0, 0}}) {
    CAPTURE(speed);
    Observed link;
    link.busy(speed * mbit, 500ms);
    CHECK(link.level.level() == level);
  }
}

TEST_CASE("a connection that changes its speed changes its level, both ways", "[wire]") {
  Observed link;
  for (const auto& [speed, level] :
       {std::pair{5.0, 6}, {1'000.0, 2}, {50.0, 3}, {20'000.0, 0}, {5'000.0, 1}, {1'000.0, 2}}) {
    CAPTURE(speed);
    link.busy(speed * mbit, 500ms);
    CHECK(link.level.level() == level);
  }
}

TEST_CASE("a speed about a threshold does not make the level go back and forth", "[wire]") {
  Observed link;
  for (const double speed : {95.0, 105.0, 90.0, 120.0}) {
    link.busy(speed * mbit, 300ms);
    CHECK(link.level.level() == 2);
  }
  link.busy(50 * mbit, 300ms);
  for (const double speed : {105.0, 95.0, 120.0, 90.0}) {
    link.busy(speed * mbit, 300ms);
    CHECK(link.level.level() == 3);
  }
}

TEST_CASE("where compressing is what takes the time the level sinks step by step, to 2", "[wire]") {
  Observed link;
  link.busy(5 * mbit, 300ms);
  REQUIRE(link.level.level() == 6);
  link.idle(0.9, 400ms);
  CHECK(link.level.level() == 3);
  link.idle(0.9, 200ms);
  CHECK(link.level.level() == 2);
  link.idle(2.0, 1000ms);
  CHECK(link.level.level() == 2);
}

TEST_CASE("a connection that waits for a slow disk keeps its level", "[wire]") {
  Observed link;
  link.busy(5 * mbit, 300ms);
  link.idle(0.1, 2000ms);
  CHECK(link.level.level() == 6);
  Observed fast;
  fast.busy(20'000 * mbit, 300ms);
  fast.idle(0.0, 2000ms);
  CHECK(fast.level.level() == 0);
  fast.idle(0.9, 2000ms);  // not by us
  CHECK(fast.level.level() == 0);
}

TEST_CASE("one look after a long wait is a judgement", "[wire]") {
  LinkLevel level;
  level.observe({1s, 0, 0, 0s});
  level.observe({11s, 9'000'000, 1, 0s});  // 7 Mbit/s
  CHECK(level.level() == 6);
}

TEST_CASE("clocks and counters that go backwards do no harm", "[wire]") {
  LinkLevel level;
  level.observe({10s, 1'000'000, 5, 1s});
  level.observe({9s, 500'000, 5, 0s});
  level.observe({20s, 500'000, 5, 0s});
  CHECK(level.level() == 6);
}
