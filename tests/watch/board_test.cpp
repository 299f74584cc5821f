// SPDX-License-Identifier: Apache-2.0
// What a board remembers, and which round a ticket is for.
#include "watch/board.hpp"

#include <atomic>
#include <thread>

#include "base/limits.hpp"
#include "support/catch.hpp"

namespace {

using namespace syncline;
using namespace std::chrono_literals;
using watch::Board;
using watch::Standing;
using BoardResult = watch::Attempt::Result;

/// Each look at it is a second later.
class StepClock final : public Clock {
 public:
  std::int64_t now_ns() const override { return now_ += 1'000'000'000; }
  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(now_));
  }

 private:
  mutable std::atomic<std::int64_t> now_ = 0;
};

CopyReport report_in_step() {
  CopyReport report;
  report.in_step = true;
  report.root = "abc";
  return report;
}

struct BoardScene {
  void begin() {
    board.take_requests();
    board.begin_round();
  }
  void end(BoardResult result, CopyReport report = report_in_step()) {
    report.in_step = result == BoardResult::in_step;
    board.report(report);
    board.end_round(result);
  }
  void round(BoardResult result) {
    begin();
    end(result);
  }

  StepClock clock;
  Board board{clock};
};

TEST_CASE("a ticket is served by a round that begins after it, and by none that goes on", "[board]") {
  BoardScene scene;
  scene.begin();
  const auto ticket = scene.board.want_round();
  CHECK(scene.board.is_round_wanted());
  scene.end(BoardResult::in_step);
  CHECK_FALSE(scene.board.is_proven(ticket));
  CHECK(scene.board.is_round_wanted());
  scene.begin();
  CHECK_FALSE(scene.board.is_round_wanted());
  CHECK_FALSE(scene.board.is_proven(ticket));
  scene.end(BoardResult::in_step);
  CHECK(scene.board.is_proven(ticket));
}

TEST_CASE("a request between the taking of requests and the copy waits for the next round", "[board]") {
  BoardScene scene;
  scene.board.take_requests();
  const auto ticket = scene.board.want_round();
  scene.board.begin_round();
  scene.end(BoardResult::in_step);
  CHECK_FALSE(scene.board.is_proven(ticket));
  CHECK(scene.board.is_round_wanted());
}

TEST_CASE("a round that does not end in step serves nobody, and the next one that does serves all",
          "[board]") {
  BoardScene scene;
  const auto first = scene.board.want_round();
  for (const auto result : {BoardResult::failed, BoardResult::partly, BoardResult::held}) {
    scene.round(result);
    CHECK_FALSE(scene.board.is_proven(first));
    CHECK_FALSE(scene.board.is_round_wanted());  // tried again when it is due, not without end
  }
  const auto second = scene.board.want_round();
  scene.round(BoardResult::in_step);
  CHECK(scene.board.is_proven(first));
  CHECK(scene.board.is_proven(second));
}

TEST_CASE("a copy without failures that is not proven serves nobody", "[board]") {
  BoardScene scene;
  const auto ticket = scene.board.want_round();
  scene.begin();
  scene.board.report(CopyReport{});
  scene.board.end_round(BoardResult::in_step);
  CHECK_FALSE(scene.board.is_proven(ticket));
  scene.begin();
  scene.board.end_round(BoardResult::in_step);
  CHECK_FALSE(scene.board.is_proven(ticket));
}

TEST_CASE("a request wakes the loop as long as there is one", "[board]") {
  BoardScene scene;
  int woken = 0;
  {
    const Board::Awake awake(&scene.board, [&] { ++woken; });
    scene.board.want_round();
    CHECK(woken == 1);
    CHECK_FALSE(scene.board.approve());
    CHECK(woken == 1);
  }
  scene.board.want_round();
  CHECK(woken == 1);
  const Board::Awake nobody(nullptr, [] {});
}

TEST_CASE("approval is for one round, and only where something is held", "[board]") {
  BoardScene scene;
  CHECK_FALSE(scene.board.approve());
  scene.begin();
  CopyReport held;
  held.deletions_held = 60;
  scene.end(BoardResult::held, held);
  CHECK(scene.board.view().is_holding);
  CHECK(scene.board.view().held.deletions == 60);
  CHECK(scene.board.approve()->deletions == 60);
  CHECK(scene.board.is_round_wanted());
  CHECK_FALSE(scene.board.is_approved());
  scene.begin();
  CHECK(scene.board.is_approved());
  SECTION("a round that fails uses it up") {
    scene.board.end_round(BoardResult::failed);
    CHECK(scene.board.view().is_holding);
    scene.begin();
    CHECK_FALSE(scene.board.is_approved());
  }
  SECTION("what comes during the round is for the next one") {
    CHECK(scene.board.approve()->deletions == 60);
    scene.end(BoardResult::held, held);
    scene.begin();
    CHECK(scene.board.is_approved());
  }
  SECTION("nothing is held once all is done") {
    scene.end(BoardResult::in_step);
    CHECK_FALSE(scene.board.view().is_holding);
    CHECK_FALSE(scene.board.approve());
  }
}

TEST_CASE("where the directory is another one it is that which is approved, and nothing else", "[board]") {
  BoardScene scene;
  scene.begin();
  scene.board.stand({watch::Standing::State::blocked, std::nullopt, false});
  scene.end(BoardResult::blocked);
  CHECK(scene.board.approve()->everything);
  CHECK(scene.board.is_round_wanted());
  scene.begin();
  CHECK(scene.board.is_root_approved());
  CHECK_FALSE(scene.board.is_approved());
  scene.board.stand({watch::Standing::State::in_step, std::nullopt, false});
  scene.end(BoardResult::in_step);
  CHECK_FALSE(scene.board.approve());
  scene.begin();
  CHECK_FALSE(scene.board.is_root_approved());
}

TEST_CASE("how much is held is known as soon as that something is", "[board]") {
  watch::Board board(system_clock());
  board.take_requests();
  board.begin_round();
  CopyReport report;
  report.deletions_held = 60;
  board.report(report);
  board.stand({Standing::State::holding, std::nullopt, false});
  CHECK(board.view().held.deletions == 60);
}

TEST_CASE("what is held is known by name until a round has ended without it", "[board]") {
  BoardScene scene;
  CHECK_FALSE(scene.board.held().is_holding);
  CopyReport report;
  report.deletions_held = 2;
  report.held.deletions.first.push_back({"*deleting  ", "a", "", "", false});
  report.held.deletions.more = 1;
  scene.begin();
  scene.end(BoardResult::held, report);
  const auto holds = [&] {
    const auto view = scene.board.held();
    return view.is_holding && view.held.deletions == 2 && view.plan.deletions.first.size() == 1 &&
           view.plan.deletions.first[0].path == "a" && view.plan.deletions.more == 1;
  };
  CHECK(holds());
  scene.begin();
  CHECK(holds());
  scene.board.end_round(BoardResult::failed);
  CHECK(holds());
  scene.round(BoardResult::in_step);
  CHECK_FALSE(scene.board.held().is_holding);
  CHECK(scene.board.held().plan.deletions.first.empty());
  CHECK(scene.board.held().plan.deletions.more == 0);
}

TEST_CASE("changes are open until a round that begins after them has proven them", "[board]") {
  BoardScene scene;
  CHECK(scene.board.view().changed_ns);  // nobody knows what was before
  scene.round(BoardResult::in_step);
  CHECK_FALSE(scene.board.view().changed_ns);
  scene.board.changed();
  const auto first = scene.board.view().changed_ns;
  REQUIRE(first);
  scene.board.changed();
  CHECK(scene.board.view().changed_ns == first);
  scene.round(BoardResult::failed);
  scene.board.changed();
  CHECK(scene.board.view().changed_ns == first);
  scene.begin();
  scene.board.changed();
  scene.end(BoardResult::in_step);
  CHECK(scene.board.view().changed_ns > first);
  scene.round(BoardResult::in_step);
  CHECK_FALSE(scene.board.view().changed_ns);
}

TEST_CASE("an entry fails since the first of the rounds in a row, also across one that is broken off",
          "[board]") {
  BoardScene scene;
  const auto fail = [&] { scene.board.error({"a/b", "source", "no", "", 23}); };
  scene.begin();
  fail();
  scene.end(BoardResult::partly);
  const auto since = scene.board.failing("a/b")->second.since_ns;
  scene.round(BoardResult::failed);
  scene.begin();
  fail();
  scene.end(BoardResult::partly);
  REQUIRE(scene.board.failing("a/b"));
  CHECK(scene.board.failing("a/b")->second.since_ns == since);
  CHECK(scene.board.failing("a/b/c")->first == "a/b");
  CHECK_FALSE(scene.board.failing("a"));
  CHECK_FALSE(scene.board.failing("a/bc"));
  CHECK(scene.board.view(10).failing.size() == 1);
  CHECK(scene.board.view().failing.empty());
  scene.round(BoardResult::in_step);
  CHECK_FALSE(scene.board.failing("a/b"));
  CHECK(scene.board.view().failing_count == 0);
  CHECK(scene.board.view().failure->path == "a/b");
}

TEST_CASE("entries that fail are named up to a limit, and counted beyond it", "[board][limits]") {
  BoardScene scene;
  const auto fail = [&](std::size_t count) {
    scene.begin();
    for (std::size_t k = 0; k < count; ++k)
      scene.board.error(
          {"f" + std::to_string(k), "source", std::string(2 * limits::board_text_bytes_max, 'x'), "", 23});
    scene.end(BoardResult::partly);
  };
  fail(limits::board_failures_max);
  CHECK(scene.board.view().failing_count == limits::board_failures_max);
  CHECK(scene.board.view().failing_unnamed == 0);
  fail(limits::board_failures_max + 1);
  CHECK(scene.board.view().failing_count == limits::board_failures_max + 1);
  CHECK(scene.board.view().failing_unnamed == 1);
  CHECK(scene.board.view(SIZE_MAX).failing.size() == limits::board_failures_max);
  CHECK(scene.board.failing("f0")->second.cause.size() == limits::board_text_bytes_max);
  CHECK(scene.board.view().failure->cause.size() == limits::board_text_bytes_max);
}

TEST_CASE("what a round has still to do is known once there is a plan, and after it failed", "[board]") {
  BoardScene scene;
  scene.begin();
  ProgressEvent event;
  event.files_scanned = 9;
  scene.board.progress(event);
  CHECK_FALSE(scene.board.view().missing);
  event.phase = ProgressEvent::Phase::transferring;
  event.files_total = 5;
  event.files_done = 2;
  event.bytes_total = 100;
  event.bytes_done = 101;  // what is compared is counted too
  scene.board.progress(event);
  CHECK(scene.board.view().missing->files == 3);
  CHECK(scene.board.view().missing->bytes == 0);
  scene.board.end_round(BoardResult::failed);
  scene.begin();
  CHECK(scene.board.view().missing->files == 3);
  scene.end(BoardResult::in_step);
  CHECK_FALSE(scene.board.view().missing);
}

TEST_CASE("a retry comes nearer", "[board]") {
  BoardScene scene;
  scene.board.stand({Standing::State::behind, 10s, true});
  CHECK(scene.board.view().retry_in == 10s);
  CHECK(scene.board.view().is_degraded);
  scene.clock.now_ns();
  CHECK(scene.board.view().retry_in == 9s);
  scene.board.stand({Standing::State::in_step, std::nullopt, false});
  CHECK_FALSE(scene.board.view().retry_in);
}

TEST_CASE("those who listen hear of each standing and each end of a round", "[board]") {
  BoardScene scene;
  int heard = 0;
  scene.board.listen([&] { ++heard; });
  scene.round(BoardResult::in_step);
  scene.board.stand({});
  CHECK(heard == 2);
  scene.board.listen(nullptr);
  scene.board.stand({});
  CHECK(heard == 2);
}

TEST_CASE("many ask while one works", "[board][threads]") {
  BoardScene scene;
  std::atomic<bool> is_over = false;
  const Board::Awake awake(&scene.board, [] {});
  std::thread loop([&] {
    while (!is_over) {
      scene.board.error({"f", "source", "no", "", 23});
      scene.round(BoardResult::in_step);
      scene.board.stand({Standing::State::in_step, std::nullopt, false});
    }
  });
  std::vector<std::thread> askers;
  for (int k = 0; k < 3; ++k)
    askers.emplace_back([&] {
      for (int turn = 0; turn < 200; ++turn) {
        const auto ticket = scene.board.want_round();
        while (!scene.board.is_proven(ticket)) std::this_thread::yield();
        scene.board.view(10);
        scene.board.failing("f/g");
        scene.board.approve();
      }
    });
  for (auto& one : askers) one.join();
  is_over = true;
  loop.join();
  CHECK(scene.board.view().proof->root == "abc");
}

}  // namespace
