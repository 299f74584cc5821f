// SPDX-License-Identifier: Apache-2.0
// How pairs stand, in words.
#include "cli/watch_summary.hpp"

#include "fake_console.hpp"
#include "support/catch.hpp"

namespace syncline::cli {
namespace {

using State = watch::Standing::State;

constexpr std::int64_t second_ns = 1'000'000'000;

struct StandingScene {
  PairStanding pair(State state) {
    watch::BoardView view;
    view.state = state;
    return {"/d", view, false, std::nullopt};
  }
  std::string line(const PairStanding& one) { return standing_line(one, clock); }
  std::int64_t ago(int seconds) { return clock.now_ns() - seconds * second_ns; }

  FakeClock clock;
};

TEST_CASE("a pair in step tells since when, and when something changed", "[summary]") {
  StandingScene scene;
  auto pair = scene.pair(State::in_step);
  CHECK(scene.line(pair) == "/d: in step");
  pair.view->proof = watch::Proof{scene.ago(6), scene.ago(5), "00"};
  pair.changed_ns = scene.ago(200);
  CHECK(scene.line(pair) == "/d: in step, proven 0:05 ago, last change 3:20 ago");
  pair.label.clear();
  CHECK(scene.line(pair) == "in step, proven 0:05 ago, last change 3:20 ago");
}

TEST_CASE("a pair that is behind tells by how much and for how long", "[summary]") {
  StandingScene scene;
  auto pair = scene.pair(State::behind);
  pair.view->missing = watch::Missing{3, 1'200'000};
  pair.view->changed_ns = scene.ago(90);
  pair.view->retry_in = std::chrono::seconds(4);
  CHECK(scene.line(pair) == "/d: behind by 3 files, 1.20 MB, for 1:30; tried again in 0:04");
  // What has changed and is not looked at yet.
  auto touched = scene.pair(State::in_step);
  touched.view->changed_ns = scene.ago(1);
  CHECK(scene.line(touched) == "/d: behind, for 0:01");
}

TEST_CASE("a pair that a person must look at says so, and one that copies leaves its line to the bar",
          "[summary]") {
  StandingScene scene;
  auto holding = scene.pair(State::holding);
  holding.view->held.deletions = 60;
  CHECK(scene.line(holding) == "/d: 60 deletions are held");
  CHECK(scene.line(scene.pair(State::blocked)) == "/d: SRC or DST is not the directory that it was");
  CHECK(scene.line(scene.pair(State::copying)).empty());
  CHECK(scene.line({"/d", std::nullopt, false, std::nullopt}).empty());
  CHECK(scene.line({"/d", std::nullopt, true, std::nullopt}) == "/d: ended");
}

TEST_CASE("many pairs are summed up in one line", "[summary]") {
  StandingScene scene;
  auto behind = scene.pair(State::behind);
  behind.view->missing = watch::Missing{3, 1'000'000};
  auto copying = scene.pair(State::copying);
  copying.view->missing = watch::Missing{1, 500'000};
  const std::vector<PairStanding> all{behind,
                                      copying,
                                      scene.pair(State::in_step),
                                      scene.pair(State::in_step),
                                      {"/e", std::nullopt, true, std::nullopt}};
  CHECK(summary_line(all) == "2 in step, 1 copying, 1 behind, 1 ended; 4 files, 1.50 MB to go");
  CHECK(summary_line({scene.pair(State::in_step)}) == "1 in step");
  CHECK(summary_line({scene.pair(State::holding), scene.pair(State::blocked)}) == "1 holding, 1 without SRC");
}

TEST_CASE("a line fits its terminal and is cut between characters", "[summary]") {
  CHECK(cut_to_columns("abc", 4) == "abc");
  CHECK(cut_to_columns("abcd", 4) == "abc");
  CHECK(cut_to_columns("\u00e4\u00f6\u00fc", 3) == "\u00e4\u00f6");
  CHECK(cut_to_columns("abc", 0).empty());
}

}  // namespace
}  // namespace syncline::cli
