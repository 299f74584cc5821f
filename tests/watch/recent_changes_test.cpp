// SPDX-License-Identifier: Apache-2.0
// Which files one round leaves to the guard of the next.
#include "watch/recent_changes.hpp"

#include "base/limits.hpp"
#include "support/catch.hpp"

namespace {

using namespace syncline;
using namespace std::chrono_literals;

struct ChangeRounds {
  RecentFiles given() {
    CopyOptions out;
    out.guard_changes = true;
    recent.count_into(out, now);
    return *out.recent_files;
  }
  void changed(const std::string& path) { told(">f.st......", path); }
  void created(const std::string& path) { told(">f+++++++++", path); }
  void told(const std::string& itemized, const std::string& path) {
    ChangeEvent event;
    event.itemized = itemized;
    event.path = path;
    recent.note(event);
  }
  void ended(bool is_holding = false, bool is_approved = false) {
    recent.end_round({false, is_holding, is_approved}, now);
  }

  watch::RecentChanges recent;
  watch::RecentChanges::Moment now{1h};
};

TEST_CASE("a file counts once, for a span of time and no longer", "[watch][bounds]") {
  ChangeRounds rounds;
  rounds.changed("a");
  rounds.ended();
  rounds.now += limits::guarded_span / 2;
  rounds.changed("a");
  rounds.changed("b");
  rounds.ended();
  CHECK(rounds.given().changed.size() == 2);
  rounds.now += limits::guarded_span / 2;
  CHECK(rounds.given().changed.size() == 2);
  rounds.now += 1ms;
  CHECK(rounds.given().changed.size() == 1);
  rounds.now += limits::guarded_span;
  CHECK(rounds.given().changed.empty());
}

TEST_CASE(
    "changes that a guard holds stay so, however few they are, until there are none or a person allows it",
    "[watch]") {
  ChangeRounds rounds;
  const bool was_ended = GENERATE(true, false);
  const bool is_approved = GENERATE(true, false);
  if (was_ended) rounds.recent.hold();
  else rounds.recent.end_round({true, true, false}, rounds.now);
  rounds.now += 10 * limits::guarded_span;
  CHECK(rounds.given().changed_more == limits::guarded_until_approved);
  rounds.ended(false, is_approved);
  CHECK(rounds.given().changed_more == 0);
}

TEST_CASE("only content that came for a file that was there counts", "[watch]") {
  ChangeRounds rounds;
  rounds.created("new");
  rounds.told(".f...p.....", "mode");
  rounds.told("cL+++++++++", "link");
  rounds.told("*deleting  ", "gone");
  rounds.told("hf+++++++++", "name");
  rounds.ended();
  CHECK(rounds.given().changed.empty());
  CHECK(rounds.given().created.contains("new"));
  rounds.changed("new");
  rounds.ended();
  CHECK(rounds.given().changed.empty());
  rounds.now += limits::guarded_span + 1ms;
  CHECK(rounds.given().created.empty());
  rounds.changed("new");
  rounds.ended();
  CHECK(rounds.given().changed.contains("new"));
}

TEST_CASE("of new files so many are remembered and no more", "[watch][bounds]") {
  ChangeRounds rounds;
  for (std::size_t i = 0; i + 1 < limits::guarded_created_max; ++i) rounds.created(std::to_string(i));
  rounds.ended();
  rounds.created("last");
  rounds.created("one more");
  rounds.ended();
  CHECK(rounds.given().created.size() == limits::guarded_created_max);
  CHECK(rounds.given().created.contains("last"));
}

TEST_CASE("changes that are held are not released by waiting, but by a person", "[watch]") {
  ChangeRounds rounds;
  rounds.changed("a");
  rounds.ended(true);
  rounds.now += 10 * limits::guarded_span;
  CHECK(rounds.given().changed.size() == 1);
  SECTION("a person") {
    rounds.changed("b");
    rounds.ended(false, true);
    CHECK(rounds.given().changed.empty());
  }
  SECTION("there again") {
    rounds.ended();
    CHECK(rounds.given().changed.empty());
  }
}

}  // namespace
