// SPDX-License-Identifier: Apache-2.0
// What one round leaves of the limits of the next.
#include "watch/recent_deletes.hpp"

#include "base/limits.hpp"
#include "support/catch.hpp"

namespace {

using namespace syncline;
using namespace std::chrono_literals;
constexpr auto span = limits::guarded_span;

struct Rounds {
  /// What the next round is given, of a --max-delete of 100.
  CopyOptions given() {
    CopyOptions out;
    out.max_delete = 100;
    recent.count_into(out, now);
    return out;
  }
  void ended(std::uint64_t deleted, bool is_holding = false, bool is_approved = false) {
    recent.note({deleted, false, is_holding, is_approved}, now);
  }
  void guarded(std::uint64_t deleted = 0) { recent.note({deleted, true, true, false}, now); }

  watch::RecentDeletes recent;
  watch::RecentDeletes::Moment now{1h};
};

TEST_CASE("deletions count for a span of time and no longer", "[watch][bounds]") {
  Rounds rounds;
  rounds.ended(30);
  rounds.now += span / 2;
  rounds.ended(20);
  rounds.now += span / 2;
  CHECK(rounds.given().recent_deletes == 50);
  CHECK(rounds.given().max_delete == 50);
  rounds.now += 1ms;
  CHECK(rounds.given().recent_deletes == 20);
  rounds.now += span;
  CHECK(rounds.given().recent_deletes == 0);
  CHECK(rounds.given().max_delete == 100);
}

TEST_CASE("what a guard holds stays so, however little there is to delete, until a person allows it",
          "[watch]") {
  Rounds rounds;
  SECTION("since the round before") { rounds.guarded(); }
  SECTION("since this watch was ended") { rounds.recent.hold(); }
  rounds.now += 10 * span;
  CHECK(rounds.given().recent_deletes == limits::guarded_until_approved);
  CHECK(rounds.given().max_delete == 0);
  rounds.guarded();
  CHECK(rounds.given().recent_deletes == limits::guarded_until_approved);
  rounds.ended(60, false, true);
  CHECK(rounds.given().recent_deletes == 0);
}

TEST_CASE("what is held is not released by waiting, but by a person or by being there again", "[watch]") {
  Rounds rounds;
  rounds.ended(40);
  rounds.ended(0, true);
  rounds.now += 10 * span;
  CHECK(rounds.given().recent_deletes == 40);
  SECTION("a person") {
    rounds.ended(60, false, true);
    CHECK(rounds.given().recent_deletes == 0);
  }
  SECTION("there again") {
    rounds.ended(0);
    CHECK(rounds.given().recent_deletes == 0);
  }
}

TEST_CASE("a limit that was used up leaves nothing", "[watch]") {
  Rounds rounds;
  rounds.ended(120);
  CHECK(rounds.given().max_delete == 0);
}

}  // namespace
