// SPDX-License-Identifier: Apache-2.0
#include "cli/event_log_output.hpp"

#include <cerrno>

#include "event_log_scene.hpp"
#include "support/catch.hpp"
#include "support/fault_fs.hpp"

namespace syncline::cli {
namespace {

using Types = std::vector<std::string>;

TEST_CASE("a run begins with its places and options, and ends", "[event-log]") {
  EventLogScene scene;
  scene.options.delete_extra = true;
  scene.options.filters = {{false, "*.o"}, {true, "keep"}};
  scene.begin({"watch"});
  const auto records = scene.records();
  REQUIRE(records.size() == 2);
  const auto& began = records[0];
  CHECK(began["v"] == 1);
  CHECK(began["type"] == "run_began");
  CHECK(began["ts"] == "2026-01-02T03:04:05.678Z");
  CHECK(began["began"] == began["ts"]);
  CHECK(began["run"].get<std::string>().size() == 16);
  CHECK(began["command"] == "watch");
  CHECK_FALSE(began.contains("again"));
  CHECK(began["sources"][0]["path"] == scene.options.sources[0]);
  CHECK(began["sources"][0]["at"] == scene.temp.path("src"));
  CHECK(began["sources"][0]["as"] == "");
  CHECK(began["destination"]["at"] == scene.temp.path("dst"));
  CHECK(began["options"]["delete"] == true);
  CHECK(began["options"]["filters"] == Json::array({"- *.o", "+ keep"}));
  CHECK(records[1]["type"] == "run_ended");
  CHECK(records[1]["run"] == began["run"]);
}

TEST_CASE("every kind of event has its record", "[event-log]") {
  EventLogScene scene;
  const auto log = scene.begin();
  auto event = renamed("old", "new");
  event.edited_in_destination = true;
  log->change(event);
  log->error({"bad", "source", "Permission denied", "the rest is copied", 23});
  log->notice("recovered");
  log->standing("in-step", "in step");
  CopyReport report;
  report.files_changed = 7;
  log->summary(report);
  log->failure({"subject", "cause", "next", 12});
  const auto records = scene.records();
  REQUIRE(records.size() == 7);
  CHECK(records[1]["type"] == "change");
  CHECK(records[1]["itemized"] == ".f.........");
  CHECK(records[1]["renamed_from"] == "old");
  CHECK(records[1]["edited_in_destination"] == true);
  CHECK(records[2]["type"] == "error");
  CHECK(records[2]["side"] == "source");
  CHECK(records[2]["exit_code"] == 23);
  CHECK(records[3]["text"] == "recovered");
  CHECK(records[4]["standing"] == "in-step");
  CHECK(records[5]["files_changed"] == 7);
  CHECK(records[6]["type"] == "failure");
  CHECK(records[6]["subject"] == "subject");
  CHECK(records[6]["exit_code"] == 12);
}

TEST_CASE("changes wait a second at most, and for nothing at the end of a round or at an error",
          "[event-log]") {
  EventLogScene scene;
  const auto log = scene.begin();
  log->change(changed("a"));
  CHECK(scene.types() == Types{"run_began"});
  scene.clock.moment += limits::event_log_delay_max - std::chrono::milliseconds(1);
  log->progress({});
  CHECK(scene.types() == Types{"run_began"});
  scene.clock.moment += std::chrono::milliseconds(1);
  log->progress({});
  CHECK(scene.types() == Types{"run_began", "change"});
  log->change(changed("b"));
  log->error({"c", "source", "cause", "next", 23});
  CHECK(scene.types() == Types{"run_began", "change", "change", "error"});
  log->change(changed("d"));
  log->summary({});
  CHECK(scene.types().size() == 6);
}

TEST_CASE("many changes do not wait", "[event-log]") {
  EventLogScene scene;
  const auto log = scene.begin();
  for (int number = 0; number < 1000; ++number) log->change(changed("file-" + std::to_string(number)));
  CHECK(scene.types().size() > 500);
}

TEST_CASE("names that are not UTF-8 and names with newlines lose nothing", "[event-log]") {
  EventLogScene scene;
  const std::vector<std::string> names{"line\nbreak", "latin \xE9", "\x01\x1F\x7F", "quote\"\\",
                                       "\xFF\n\xFE/"};
  const auto log = scene.begin();
  for (const auto& name : names) log->change(renamed(name + "-old", name));
  log->summary({});
  const auto records = scene.records();
  REQUIRE(records.size() == names.size() + 2);
  for (std::size_t k = 0; k < names.size(); ++k) {
    CHECK(get_name(records[k + 1], "path") == names[k]);
    CHECK(get_name(records[k + 1], "renamed_from") == names[k] + "-old");
  }
  CHECK(records[2]["path"] == "latin \xEF\xBF\xBD");
}

TEST_CASE("the longest names that there are fit into a line", "[event-log]") {
  EventLogScene scene;
  const auto log = scene.begin();
  std::string path(limits::path_bytes_max, '\xFF');
  auto event = renamed(path, path);
  event.link_target = std::string(limits::link_target_bytes_max, '\xFF');
  log->change(event);
  std::string controls(limits::path_bytes_max, '\x01');
  controls.back() = '\xFF';
  log->change(renamed(controls, controls));
  log->summary({});
  const auto records = scene.records();
  REQUIRE(records.size() == 4);
  CHECK(get_name(records[1], "path") == path);
  CHECK(get_name(records[2], "renamed_from") == controls);
}

TEST_CASE("as many sources are noted as fit, and the others counted", "[event-log]") {
  EventLogScene scene;
  scene.options.sources.assign(1000, scene.temp.path("nothing"));
  (void)scene.begin();
  CHECK_FALSE(scene.records()[0].contains("sources_left_out"));
  scene.options.sources.assign(10'000, scene.temp.path("nothing"));
  (void)scene.begin();
  const auto began = scene.records()[2];
  const auto noted = began["sources"].size();
  CHECK(noted < 10'000);
  CHECK(began["sources_left_out"] == 10'000 - noted);
  CHECK(record_line(began).size() < 2 * limits::event_log_roots_bytes_max);
}

TEST_CASE("copy notes what it does where --event-log is given, and not in a dry run", "[event-log]") {
  const auto run = [](const std::vector<std::string>& args, FakeConsole& fake, int& made) {
    return run_copy(
        args, fake.console, [](const CopyOptions&, const CopyObserver&) { return CopyReport{}; },
        [] { return false; },
        [&](const CopyOptions&, Output&) {
          ++made;
          return std::make_unique<NotedMessages>();
        });
  };
  FakeConsole fake;
  int made = 0;
  CHECK(run({"s", "d"}, fake, made) == 0);
  CHECK(run({"--event-log", "--no-event-log", "s", "d"}, fake, made) == 0);
  CHECK(made == 0);
  CHECK(run({"--event-log", "s", "d"}, fake, made) == 0);
  CHECK(made == 1);
  CHECK(run({"-n", "--event-log", "s", "d"}, fake, made) == 1);
  CHECK(made == 1);
  CHECK(fake.err.str().find("--event-log does not go with --dry-run") != std::string::npos);
}

TEST_CASE("a full disk is told once, and what happened meanwhile is written when there is room",
          "[event-log]") {
  EventLogScene scene;
  test::FaultFs faults(fs::linux_fs());
  const auto log = scene.begin({.command = "watch", .files = faults});
  faults.fail_every("append", ENOSPC);
  for (int round = 0; round < 5; ++round) {
    log->change(changed("file-" + std::to_string(round)));
    log->error({"bad", "source", "cause", "next", 23});
    log->summary({});
  }
  REQUIRE(scene.messages.notices.size() == 1);
  CHECK(scene.messages.notices[0].find("No space left on device") != std::string::npos);
  CHECK(scene.types() == Types{"run_began"});
  faults.reset();
  log->summary({});
  CHECK(scene.types().size() == 1 + 15 + 1);
  faults.fail_every("append", ENOSPC);
  log->summary({});
  CHECK(scene.messages.notices.size() == 2);
}

TEST_CASE("while the disk is full no more is kept than the limit, and what is lost is counted",
          "[event-log]") {
  EventLogScene scene;
  test::FaultFs faults(fs::linux_fs());
  const auto log = scene.begin({.files = faults});
  faults.fail_every("append", ENOSPC);
  constexpr int count = 20'000;
  for (int number = 0; number < count; ++number) log->change(changed("file-" + std::to_string(number)));
  const auto tries = faults.struck();
  CHECK(tries < 5);  // the clock stands still: no second attempt for each line
  faults.reset();
  log->summary({});
  const auto records = scene.records();
  REQUIRE(records.size() > 2);
  const auto& last = records.back();
  CHECK(last["type"] == "notice");
  // One more than the changes: the summary found no room either.
  CHECK(last["records_lost"].get<std::size_t>() == count + 1 - (records.size() - 2));
  CHECK(scene.text().size() < limits::event_log_pending_bytes_max + limits::kib);
}

TEST_CASE("a write that the disk has no room to finish is taken up again at that line", "[event-log]") {
  EventLogScene scene;
  test::FaultFs faults(fs::linux_fs());
  const auto log = scene.begin({.files = faults});
  faults.fail_op("append", ENOSPC, 1, test::Moment::torn);
  for (int number = 0; number < 3; ++number) log->change(changed("file-" + std::to_string(number)));
  log->summary({});
  log->summary({});
  CHECK(scene.messages.notices.size() == 1);
  // What was torn stands there twice at worst, and one line of it is no record.
  std::size_t torn = 0, last = 0;
  for (const auto& line : scene.lines()) {
    const auto record = Json::parse(line, nullptr, false);
    if (record.is_discarded()) ++torn;
    else if (record.value("path", "") == "file-2") ++last;
  }
  CHECK(torn == 1);
  CHECK(last == 1);
}

TEST_CASE("a log that cannot be begun stops nothing", "[event-log]") {
  EventLogScene scene;
  scene.temp.write("state", "a file where the directory should be");
  const auto log = scene.begin();
  log->change(changed("a"));
  log->summary({});
  REQUIRE(scene.messages.notices.size() == 1);
  CHECK(scene.messages.notices[0].find("cannot be written") != std::string::npos);
}

}  // namespace
}  // namespace syncline::cli
