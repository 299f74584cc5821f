// SPDX-License-Identifier: Apache-2.0
// Verdicts on single paths, and the status as a whole.
#include <filesystem>
#include <thread>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "control/watch_desk.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace syncline;
using namespace std::chrono_literals;
using control::Ask;
using watch::Attempt;
using watch::Standing;
using WhyResult = Attempt::Result;

struct WhyScene {
  explicit WhyScene(std::string far = "") : far_source(std::move(far)) {
    dir.make_dir("root/sub");
    dir.write("root/sub/f", "x");
    dir.write("root/g", "x");
    settle();
  }
  /// Files have the times of a clock that goes in steps.
  static void settle() { std::this_thread::sleep_for(25ms); }

  void round(WhyResult result, const char* failing = nullptr) {
    board.take_requests();
    board.begin_round();
    if (failing != nullptr) board.error({failing, "source", "no entry", "", 23});
    CopyReport report;
    report.in_step = result == WhyResult::in_step;
    report.deletions_held = result == WhyResult::held ? 60 : 0;
    report.changes_held = result == WhyResult::held ? changes_held : 0;
    report.root = "abc";
    board.report(report);
    using enum Standing::State;
    board.stand({result == WhyResult::in_step ? in_step
                 : result == WhyResult::held  ? holding
                                              : behind,
                 std::nullopt, false});
    board.end_round(result);
  }
  control::Json why(const std::string& path) { return desk.answer({Ask::why, path}); }
  std::string verdict(const std::string& path) { return why(path)["verdict"]; }
  control::Json status() { return desk.answer({Ask::status, ""}); }
  control::Json held() { return desk.answer({Ask::held, ""}); }

  test::TempDir dir;
  const std::string far_source;
  watch::Board board{system_clock()};
  std::string ignored;
  std::uint64_t changes_held = 0;
  control::WatchDesk desk{fs::linux_fs(), board,
                          far_source.empty()
                              ? control::Watched{dir.path("root"), "/d", "/state", 77, 5}
                              : control::Watched{far_source, "/d", "/state", 77, 5, dir.path("root")},
                          [this](const std::string& path, bool is_dir) -> std::optional<std::string> {
                            if (!ignored.empty() && path == ignored && is_dir) return "--exclude=" + path;
                            return std::nullopt;
                          }};
};

TEST_CASE("what is held is told by name, as far as an answer has room", "[held][limits]") {
  WhyScene scene;
  CHECK(scene.held()["holding"] == false);
  const auto worst = std::string(limits::path_bytes_max, '\x01');  // six bytes each where it is told
  CopyReport report;
  report.deletions_held = report.changes_held = limits::held_named_max + 1;
  report.held.deletions = {{limits::held_named_max, {"*deleting  ", worst + "\xFF", "", "", true}}, 1};
  report.held.changes = {{limits::held_named_max, {">fcst......", "n\xFF", "", "", false}}, 1};
  scene.board.take_requests();
  scene.board.begin_round();
  scene.board.report(report);
  scene.board.end_round(WhyResult::held);
  const auto answer = scene.held();
  CHECK(control::answer_line(answer).size() <= limits::control_answer_bytes_max);
  CHECK(control::text_in(answer, "destination") == "/d");
  CHECK(answer["holding"] == true);
  CHECK(answer["held"] == report.deletions_held);
  const auto& deletions = answer["held_first"];
  CHECK(deletions.size() > 1);
  CHECK(deletions.size() < limits::held_named_max);
  CHECK(deletions.size() + answer["held_more"].get<std::size_t>() == report.deletions_held);
  CHECK(control::name_in(deletions[0], "path") == worst + "\xFF");
  CHECK(control::flag_in(deletions[0], "edited_in_destination"));
  const auto& changes = answer["held_changes_first"];
  CHECK(changes.size() == limits::held_named_max);
  CHECK(answer["held_changes_more"] == 1);
  CHECK(control::name_in(changes[0], "path") == "n\xFF");
}

TEST_CASE("an entry waits until a round after its change has ended", "[why]") {
  WhyScene scene;
  CHECK(scene.verdict("sub/f") == "waiting");
  scene.round(WhyResult::in_step);
  CHECK(scene.verdict("sub/f") == "in-step");
  CHECK(scene.why("sub/f")["since_ns"] == scene.status()["proof"]["at_ns"]);
  scene.settle();
  scene.dir.write("root/sub/f", "y");
  CHECK(scene.verdict("sub/f") == "waiting");
  CHECK(scene.verdict("g") == "in-step");
  CHECK(scene.verdict("sub") == "in-step");
  scene.settle();
  scene.round(WhyResult::failed);
  CHECK(scene.verdict("sub/f") == "waiting");
  scene.round(WhyResult::in_step);
  CHECK(scene.verdict("sub/f") == "in-step");
  CHECK(scene.verdict("") == "in-step");
}

TEST_CASE("what was moved with the directory above it waits too", "[why]") {
  WhyScene scene;
  scene.round(WhyResult::in_step);
  scene.settle();
  std::filesystem::rename(scene.dir.path("root/sub"), scene.dir.path("root/moved"));
  CHECK(scene.verdict("moved/f") == "waiting");
  CHECK(scene.verdict("sub/f") == "waiting");  // its absence
  CHECK(scene.verdict("g") == "in-step");
  scene.settle();
  scene.round(WhyResult::in_step);
  CHECK(scene.verdict("moved/f") == "in-step");
  CHECK(scene.verdict("sub/f") == "absent");
}

TEST_CASE("an entry that fails says with what, and so does what is below it", "[why]") {
  WhyScene scene;
  scene.round(WhyResult::partly, "sub/");
  for (const auto* path : {"sub", "sub/f"}) {
    const auto answer = scene.why(path);
    CHECK(answer["verdict"] == "failing");
    CHECK(answer["failing_path"] == "sub");
    CHECK(answer["cause"] == "no entry");
    CHECK(answer["side"] == "source");
  }
  CHECK(scene.verdict("g") == "in-step");
  scene.round(WhyResult::in_step);
  CHECK(scene.verdict("sub/f") == "in-step");
}

TEST_CASE("what waits says why the last round brought nothing, until one has", "[why]") {
  WhyScene scene;
  scene.round(WhyResult::in_step);
  scene.settle();
  scene.dir.write("root/g", "y");
  scene.board.changed();
  CHECK_FALSE(scene.why("g").contains("cause"));
  scene.board.failed("", "'sub/.synclineignore' is too long");
  scene.round(WhyResult::failed);
  CHECK(scene.why("g")["verdict"] == "waiting");
  CHECK(scene.why("g")["cause"] == "'sub/.synclineignore' is too long");
  scene.round(WhyResult::in_step);
  CHECK(scene.verdict("g") == "in-step");
}

TEST_CASE("what fails of the source as a whole has a name", "[control]") {
  WhyScene scene;
  scene.round(WhyResult::partly, "");
  CHECK(scene.status()["failing_first"][0]["path"] == "./");
}

TEST_CASE("what is gone is held by a guard, or gone at the other side too", "[why]") {
  WhyScene scene;
  std::filesystem::remove(scene.dir.path("root/g"));
  scene.settle();
  scene.round(WhyResult::held);
  CHECK(scene.verdict("g") == "held");
  CHECK(scene.verdict("sub/f") == "in-step");
  CHECK(scene.desk.answer({Ask::approve, ""})["deletions"] == 60);
  scene.round(WhyResult::in_step);
  CHECK(scene.verdict("g") == "absent");
  CHECK(scene.desk.answer({Ask::approve, ""})["held"] == false);
}

TEST_CASE("while changes are held every file that changed since both sides were equal may be one of them",
          "[why]") {
  WhyScene scene;
  scene.round(WhyResult::in_step);
  scene.settle();
  scene.dir.write("root/g", "other");
  scene.settle();
  scene.changes_held = 70;
  scene.round(WhyResult::held);
  CHECK(scene.verdict("g") == "may-be-held");
  CHECK(scene.verdict("sub/f") == "in-step");
  CHECK(scene.verdict("sub") == "in-step");
  CHECK(scene.status()["held_changes"] == 70);
  const auto approved = scene.desk.answer({Ask::approve, ""});
  CHECK(approved["deletions"] == 60);
  CHECK(approved["changes"] == 70);
  scene.round(WhyResult::in_step);
  CHECK(scene.verdict("g") == "in-step");
}

TEST_CASE("of a source on another machine what is here is looked at, and any path may be what waits",
          "[why]") {
  WhyScene scene("syncline://host/share");
  CHECK(scene.verdict("sub/f") == "waiting");
  scene.round(WhyResult::in_step);
  CHECK(scene.verdict("sub/f") == "in-step");
  CHECK(scene.verdict("nothing") == "absent");
  CHECK(scene.status()["mirror"] == scene.dir.path("root"));
  CHECK(scene.status()["source"] == "syncline://host/share");
  scene.board.changed();
  CHECK(scene.verdict("sub/f") == "waiting");
  CHECK(scene.verdict("nothing") == "waiting");
  scene.round(WhyResult::held);
  CHECK(scene.verdict("sub/f") == "may-be-held");
  scene.ignored = "sub";
  CHECK(scene.verdict("sub") == "ignored");
}

TEST_CASE("a rule that leaves it out comes before how it stands, and a failure before that", "[why]") {
  WhyScene scene;
  scene.ignored = "sub";
  CHECK(scene.verdict("sub") == "ignored");
  CHECK(scene.why("sub")["rule"] == "--exclude=sub");
  scene.round(WhyResult::partly, "sub");
  CHECK(scene.verdict("sub") == "failing");
}

TEST_CASE("nothing can be told of a root that is away, nor of what is no path", "[why]") {
  WhyScene scene;
  scene.round(WhyResult::in_step);
  scene.board.stand({Standing::State::blocked, std::nullopt, false});
  CHECK(scene.verdict("g") == "blocked");
  for (const auto* bad : {"/g", "../g", "sub//f", "sub/"}) CHECK_THROWS_AS(scene.why(bad), Error);
}

TEST_CASE("a status has every state's figures", "[control]") {
  WhyScene scene;
  auto status = scene.status();
  CHECK(status["state"] == "copying");
  CHECK(status["overflows"] == 0);
  CHECK(status["rescanning"] == false);
  scene.board.overflowed(3);
  CHECK(scene.status()["rescanning"] == true);
  CHECK(status["source"] == scene.dir.path("root"));
  CHECK(status["pid"] == 77);
  CHECK_FALSE(status.contains("proof"));
  scene.round(WhyResult::in_step);
  status = scene.status();
  CHECK(status["state"] == "in-step");
  CHECK(status["overflows"] == 3);
  CHECK(status["rescanning"] == false);
  CHECK(status["proof"]["root"] == "abc");
  CHECK_FALSE(status.contains("changed_ns"));
  scene.board.changed();
  CHECK(scene.status()["state"] == "behind");
  scene.round(WhyResult::partly, "g");
  status = scene.status();
  CHECK(status["failing"] == 1);
  CHECK(status["failing_first"][0]["path"] == "g");
  CHECK(status["failure"]["cause"] == "no entry");
  scene.round(WhyResult::held);
  CHECK(scene.status()["held"] == 60);
  CHECK(scene.status()["holding"] == true);
}

TEST_CASE("a status names so many entries that fail, and fits into an answer with the longest of them",
          "[control][limits]") {
  WhyScene scene;
  scene.board.take_requests();
  scene.board.begin_round();
  for (std::size_t k = 0; k <= limits::control_failures_shown_max; ++k)
    scene.board.error({static_cast<char>('a' + k) + std::string(limits::path_bytes_max - 1, '\x01'), "source",
                       std::string(limits::board_text_bytes_max, '\x01'), "", 23});
  scene.board.end_round(WhyResult::partly);
  const auto status = scene.status();
  CHECK(status["failing"] == limits::control_failures_shown_max + 1);
  CHECK(status["failing_first"].size() == limits::control_failures_shown_max);
  CHECK(control::answer_line(status).size() <= limits::control_answer_bytes_max);
}

}  // namespace
