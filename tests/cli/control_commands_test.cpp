// SPDX-License-Identifier: Apache-2.0
// status, wait, why and approve against watches of this process.
#include "cli/control_commands.hpp"

#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "cli/control_arguments.hpp"
#include "control/watch_desk.hpp"
#include "fake_console.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"
#include "watch/board.hpp"

namespace syncline::cli {
namespace {

using namespace std::chrono_literals;
using Answered = watch::Attempt::Result;

/// A watch without a loop: the test says what its rounds come to.
class QuietWatch {
 public:
  QuietWatch(const test::TempDir& dir, const std::string& source, const std::string& destination = "/d")
      : watched_{fs::linux_fs().real_path(dir.make_dir(source)), destination, dir.path("state"), 77, 0},
        presence_(fs::linux_fs(), dir.path("runtime/syncline"), watched_),
        desk_(fs::linux_fs(), board, watched_, nullptr),
        server_(presence_.take_socket(), desk_) {
    board.listen([this] { server_.tell_news(); });
  }
  ~QuietWatch() { board.listen(nullptr); }

  bool is_alike = true;  ///< after the rounds that are in step
  void round(Answered result) {
    board.take_requests();
    board.begin_round();
    CopyReport report;
    report.in_step = result == Answered::in_step;
    report.root = "abc";
    report.is_alike = is_alike;
    report.deletions_held = result == Answered::held ? 60 : 0;
    report.changes_held = result == Answered::held ? changes_held : 0;
    if (result == Answered::held) report.held = held;
    board.report(report);
    using enum watch::Standing::State;
    board.stand({result == Answered::in_step ? in_step
                 : result == Answered::held  ? holding
                                             : behind,
                 std::nullopt, false});
    board.end_round(result);
  }

  FakeClock clock;
  watch::Board board{clock};
  std::uint64_t changes_held = 0;  ///< by rounds that hold something
  HeldPlan held;

 private:
  control::Watched watched_;
  control::Presence presence_;
  control::WatchDesk desk_;
  control::Server server_;
};

struct AskScene {
  AskScene() {
    dir.make_dir("runtime");
    ::setenv("XDG_RUNTIME_DIR", dir.path("runtime").c_str(), 1);
    ::setenv("XDG_STATE_HOME", dir.path("home").c_str(), 1);
  }
  ~AskScene() {
    ::unsetenv("XDG_RUNTIME_DIR");
    ::unsetenv("XDG_STATE_HOME");
  }

  Run run(int (*command)(const std::vector<std::string>&, Console&),
          const std::vector<std::string>& args = {}) {
    FakeConsole fake;
    Run out;
    out.code = command(args, fake.console);
    out.out = fake.out.str();
    out.err = fake.err.str();
    return out;
  }
  Run wait(
      const std::vector<std::string>& args, const std::function<bool()>& cancelled = [] { return false; }) {
    FakeConsole fake;
    Run out;
    out.code = run_wait(args, fake.console, cancelled);
    out.err = fake.err.str();
    return out;
  }

  test::TempDir dir;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

TEST_CASE("without a watch there is nothing to ask", "[ask]") {
  AskScene scene;
  for (const auto command : {run_status, run_approve}) {
    const auto run = scene.run(command);
    CHECK(run.code == exit_code::not_running);
    CHECK(run.err == "syncline: no watch runs; start one with 'syncline watch SRC DST'\n");
  }
  CHECK(scene.run(run_why, {scene.dir.path()}).code == exit_code::not_running);
  CHECK(scene.wait({"--timeout=0"}).code == exit_code::not_running);
}

TEST_CASE("a wait gives a watch some time to appear, or what it may take itself", "[ask][limits]") {
  AskScene scene;
  const auto time_of = [&](const std::vector<std::string>& args) {
    const auto begun = std::chrono::steady_clock::now();
    CHECK(scene.wait(args).code == exit_code::not_running);
    return std::chrono::steady_clock::now() - begun;
  };
  CHECK(time_of({}) >= limits::control_appear);
  CHECK(time_of({"--timeout=0.1"}) < limits::control_appear / 2);
  std::optional<QuietWatch> late;
  std::thread other([&] {
    std::this_thread::sleep_for(limits::control_appear / 4);
    late.emplace(scene.dir, "a");
    while (!late->board.is_round_wanted()) std::this_thread::sleep_for(1ms);
    late->round(Answered::in_step);
  });
  CHECK(scene.wait({}).code == 0);
  other.join();
}

TEST_CASE("wrong arguments are usage errors that name the command", "[ask]") {
  AskScene scene;
  for (const auto& args :
       {std::vector<std::string>{"a", "b", "c"}, {"--frob"}, {""}, {"a", ""}, {"--state"}}) {
    const auto run = scene.run(run_status, args);
    CHECK(run.code == exit_code::usage);
    CHECK(run.err.ends_with("see 'syncline status --help'\n"));
  }
  CHECK(scene.run(run_why).code == exit_code::usage);
  CHECK(scene.wait({"--timeout", "-1"}).code == exit_code::usage);
  const auto help = scene.run(run_status, {"--help"});
  CHECK(help.code == 0);
  CHECK(has(help.out, "--json"));
  CHECK(scene.run(run_why, {"--", "-x"}).code == exit_code::not_running);
}

TEST_CASE("of the watches of one SRC a DST chooses", "[ask]") {
  AskScene scene;
  QuietWatch one(scene.dir, "a", "/d1");
  QuietWatch two(scene.dir, "a", "nas:d2/");
  one.round(Answered::held);
  two.round(Answered::held);
  const auto source = scene.dir.path("a");
  const auto several = scene.run(run_approve, {source});
  CHECK(several.code == exit_code::usage);
  CHECK(has(several.err, "several watches hold something; name the SRC of one, and its DST"));
  const auto approved = scene.run(run_approve, {source, "nas:d2"});
  CHECK(approved.code == 0);
  CHECK(has(approved.out, "-> nas:d2/: 60 deletions"));
  CHECK_FALSE(one.board.is_round_wanted());
  CHECK(two.board.is_round_wanted());
  two.round(Answered::in_step);
  CHECK(scene.run(run_status, {source}).code == exit_code::guard);
  CHECK(scene.run(run_status, {source, "/d1/"}).code == exit_code::guard);
  CHECK(scene.run(run_status, {source, "nas:d2"}).code == 0);
  CHECK(scene.run(run_status, {source, "/d3"}).code == exit_code::not_running);
  CHECK(has(scene.run(run_why, {source + "/x", "/d1"}).out, "a/x: "));
}

TEST_CASE("a status says how each watch stands, and the worst is the exit code", "[ask]") {
  AskScene scene;
  QuietWatch good(scene.dir, "a,[good]"), other(scene.dir, "b");
  good.round(Answered::in_step);
  other.round(Answered::in_step);
  auto run = scene.run(run_status);
  CHECK(run.code == 0);
  CHECK(has(run.out, "a,[good] -> /d\n  in step\n  last proven equal 0:00 ago, tree abc\n"));
  good.is_alike = false;
  good.round(Answered::in_step);
  run = scene.run(run_status);
  CHECK(run.code == 0);
  CHECK(has(run.out, "  in step, but for what DST has of its own\n  last proven equal but for that 0:00 ago"));
  other.board.changed();
  CHECK(scene.run(run_status).code == exit_code::not_in_step);
  CHECK(has(scene.run(run_status).out, "  behind, for 0:00\n"));
  CHECK(scene.run(run_status, {scene.dir.path("a,[good]")}).code == 0);
  CHECK(scene.run(run_status, {scene.dir.path("c")}).code == exit_code::not_running);
  other.board.error({"x\n", "source", "no\n", "", 23});
  ProgressEvent progress;
  progress.phase = ProgressEvent::Phase::transferring;
  progress.files_total = 3;
  progress.bytes_total = 1'200'000;
  other.board.progress(progress);
  other.board.failed("", "away");
  other.board.stand({watch::Standing::State::behind, 5s, true});
  other.board.end_round(Answered::failed);
  run = scene.run(run_status, {scene.dir.path("b")});
  CHECK(has(run.out, "  behind by 3 files, 1.20 MB, for 0:00; tried again in 0:05\n"));
  CHECK(has(run.out, "  last failure 0:00 ago: away\n  1 entry fails\n    x\\012: no?\n"));
  CHECK(has(run.out, "not all directories can be watched"));
  CHECK_FALSE(has(run.out, "events were lost"));
  other.board.overflowed(1);
  CHECK(has(scene.run(run_status).out, "  events were lost (fs.inotify.max_queued_events)"));
  other.round(Answered::held);
  CHECK(scene.run(run_status).code == exit_code::guard);
  other.board.stand({watch::Standing::State::blocked, std::nullopt, false});
  CHECK(has(scene.run(run_status).out, "SRC or DST is not the directory that it was"));
}

TEST_CASE("a status for programs is one object a line, with moments as they write them", "[ask]") {
  AskScene scene;
  QuietWatch one(scene.dir, "a\xFF");
  one.round(Answered::in_step);
  const auto run = scene.run(run_status, {"--json"});
  CHECK(run.code == 0);
  const auto record = control::parse_answer(run.out);
  CHECK(control::name_in(record, "source").ends_with("/a\xFF"));
  CHECK(record["type"] == "status");
  CHECK(record["running"] == true);
  CHECK(record["state"] == "in-step");
  CHECK(record["since"] == "1970-01-01T00:00:00.000Z");
  CHECK(record["proof"]["at"] == "2026-01-02T03:04:05.678Z");
  CHECK_FALSE(record.contains("since_ns"));
  CHECK(record["failing_first"].is_array());
}

TEST_CASE("only watches with the state that is given are asked", "[ask]") {
  AskScene scene;
  QuietWatch one(scene.dir, "a");
  one.round(Answered::in_step);
  CHECK(scene.run(run_status, {"--state", scene.dir.path("state/")}).code == 0);
  CHECK(scene.run(run_status, {"--state=" + scene.dir.path("other")}).code == exit_code::not_running);
}

TEST_CASE("a wait ends with the round that it asked for, at every watch", "[ask]") {
  AskScene scene;
  QuietWatch one(scene.dir, "a"), two(scene.dir, "b");
  one.round(Answered::in_step);
  std::atomic<int> code = -1;
  std::thread waiting([&] { code = scene.wait({}).code; });
  for (auto* each : {&one, &two})
    while (!each->board.is_round_wanted()) std::this_thread::sleep_for(1ms);
  one.round(Answered::in_step);
  std::this_thread::sleep_for(20ms);
  CHECK(code == -1);
  two.round(Answered::in_step);
  waiting.join();
  CHECK(code == 0);
}

TEST_CASE("a wait that takes too long says for what, and whether somebody must look", "[ask]") {
  AskScene scene;
  QuietWatch one(scene.dir, "a");
  one.round(Answered::failed);
  auto run = scene.wait({"--timeout", "0.05", scene.dir.path("a/f")});
  CHECK(run.code == exit_code::timeout);
  CHECK(has(run.err, "still waiting: something failed"));
  CHECK(has(run.err, "not in step in time"));
  one.round(Answered::held);
  run = scene.wait({"--timeout=0.05"});
  CHECK(run.code == exit_code::guard);
  CHECK(has(run.err, "'syncline approve'"));
  CHECK(scene.wait({}, [] { return true; }).code == exit_code::interrupted);
}

TEST_CASE("a watch that has ended in a program that goes on is told as one that fails", "[ask]") {
  AskScene scene;
  QuietWatch good(scene.dir, "a"), over(scene.dir, "b");
  good.round(Answered::in_step);
  over.board.failed("", "no such place");
  over.board.end(exit_code::selection);
  auto run = scene.run(run_status);
  CHECK(run.code == exit_code::not_in_step);
  CHECK(has(run.out, "b -> /d\n  ended with exit code 3 at "));
  CHECK(has(run.out, "no such place"));
  const auto record = control::parse_answer(scene.run(run_status, {"--json", scene.dir.path("b")}).out);
  CHECK(record["state"] == "ended");
  CHECK(record["ended"]["exit_code"] == 3);
  CHECK(record["ended"]["cause"] == "no such place");
  CHECK(record["ended"]["at"].is_string());
  run = scene.wait({});
  CHECK(run.code == exit_code::not_in_step);
  CHECK(has(run.err, "ended: no such place"));
  run = scene.run(run_why, {scene.dir.path("b/f")});
  CHECK(run.code == exit_code::not_in_step);
  CHECK(has(run.out, "its watch has ended "));
  CHECK_FALSE(over.board.approve());
}

TEST_CASE("a wait ends with its watch", "[ask]") {
  AskScene scene;
  auto one = std::make_unique<QuietWatch>(scene.dir, "a");
  std::atomic<int> code = -1;
  std::thread waiting([&] { code = scene.wait({}).code; });
  while (!one->board.is_round_wanted()) std::this_thread::sleep_for(1ms);
  one.reset();
  waiting.join();
  CHECK(code == exit_code::not_running);
}

TEST_CASE("deletions are approved at one watch at a time", "[ask]") {
  AskScene scene;
  QuietWatch one(scene.dir, "a"), two(scene.dir, "b");
  CHECK(scene.run(run_approve).out == "nothing is held\n");
  one.round(Answered::held);
  two.round(Answered::held);
  CHECK(scene.run(run_approve).code == exit_code::usage);
  CHECK_FALSE(one.board.is_round_wanted());
  CHECK(has(scene.run(run_approve, {scene.dir.path("a")}).out, "60 deletions that were held are made now"));
  CHECK(one.board.is_round_wanted());
  CHECK_FALSE(two.board.is_round_wanted());
  CHECK(scene.run(run_approve, {scene.dir.path("a/below")}).code == exit_code::not_running);
}

TEST_CASE("changes of files that are held are told beside deletions", "[ask]") {
  AskScene scene;
  QuietWatch one(scene.dir, "a");
  one.changes_held = 1234;
  one.board.watched_by("fanotify");
  one.round(Answered::held);
  const auto status = scene.run(run_status);
  CHECK(status.code == exit_code::guard);
  CHECK(has(status.out,
            "  60 deletions and 1,234 changes of files are held ('syncline approve' lets them be made)"));
  CHECK(has(status.out, ", process 77, watched by fanotify\n"));
  CHECK(has(scene.wait({"--timeout=0.05"}).err,
            "still waiting: 60 deletions and 1,234 changes of files are held"));
  CHECK(
      has(scene.run(run_approve).out, "60 deletions and 1,234 changes of files that were held are made now"));
}

TEST_CASE("what is held is listed as a dry run would, and nothing comes of it", "[ask]") {
  AskScene scene;
  QuietWatch one(scene.dir, "a"), two(scene.dir, "b", "/other");
  CHECK(scene.run(run_approve, {"-n"}).out == "nothing is held\n");
  one.changes_held = 2;
  one.held.deletions = {{{"*deleting  ", "sub/", "", "", false}, {"*deleting  ", "x\n\xFF", "", "", true}},
                        58};
  one.held.changes = {{{">fcst......", "f", "", "", false}}, 1};
  one.round(Answered::held);
  two.round(Answered::in_step);
  const auto run = scene.run(run_approve, {"-n"});
  CHECK(run.code == 0);
  CHECK(
      run.out.ends_with("/a -> /d: 60 deletions and 2 changes of files are held\n"
                        "*deleting   sub/\n"
                        "*deleting   x\\012\\377 [edited in destination]\n"
                        "... and 58 more deletions\n"
                        ">fcst...... f\n"
                        "... and 1 more changes of files\n"));
  CHECK_FALSE(one.board.is_round_wanted());
  two.round(Answered::held);
  CHECK(has(scene.run(run_approve, {"--dry-run"}).out, "/b -> /other: 60 deletions are held\n"));
  CHECK_FALSE(has(scene.run(run_approve, {"-n", scene.dir.path("a")}).out, "/b"));
  CHECK(scene.run(run_approve, {"-n", scene.dir.path("c")}).code == exit_code::not_running);
  const auto record =
      control::parse_answer(scene.run(run_approve, {"-n", "--json", scene.dir.path("a")}).out);
  CHECK(record["type"] == "held");
  CHECK(record["holding"] == true);
  CHECK(record["held_more"] == 58);
  CHECK(control::name_in(record["held_first"][1], "path") == "x\n\xFF");
  CHECK(scene.run(run_approve, {"--json"}).code == exit_code::usage);
  CHECK_FALSE(one.board.is_round_wanted());
  CHECK_FALSE(two.board.is_round_wanted());
}

TEST_CASE("a path is told in a sentence, with the exit code that belongs to it", "[ask]") {
  AskScene scene;
  QuietWatch one(scene.dir, "a");
  one.board.take_requests();
  one.board.begin_round();
  one.board.error({"bad", "destination", "no", "", 23});
  one.board.end_round(Answered::partly);
  scene.dir.make_dir("a/bad");
  const auto run = scene.run(run_why, {scene.dir.path("a/bad/x")});
  CHECK(run.code == exit_code::not_in_step);
  CHECK(run.out.ends_with(
      "/x: fails, as 'bad' above it does since 2026-01-02T03:04:05.678Z (0:00 ago): no (destination)\n"));
  one.board.stand({watch::Standing::State::blocked, std::nullopt, false});
  CHECK(scene.run(run_why, {scene.dir.path("a/x")}).code == exit_code::guard);
}

}  // namespace
}  // namespace syncline::cli
