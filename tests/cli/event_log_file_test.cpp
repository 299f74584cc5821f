// SPDX-License-Identifier: Apache-2.0
#include "cli/event_log_file.hpp"

#include <unistd.h>

#include <map>

#include "base/error.hpp"
#include "event_log_scene.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/fault_fs.hpp"

namespace syncline::cli {
namespace {

std::string no_heading(bool) { return ""; }

EventLogFile file_in(const EventLogScene& scene, EventLogBounds bounds = {}) {
  return {fs::linux_fs(), scene.log_dir(), bounds};
}

TEST_CASE("a torn last line stays alone: the next writer begins a new one", "[event-log]") {
  const EventLogScene scene;
  scene.temp.make_dir("state/log");
  scene.temp.write("state/log/events.jsonl", "{\"whole\":1}\n{\"to");
  auto file = file_in(scene);
  CHECK(file.append("{\"next\":1}\n", no_heading) == 11);
  CHECK(file.append("{\"last\":1}\n", no_heading) == 11);
  CHECK(scene.text() == "{\"whole\":1}\n{\"to\n{\"next\":1}\n{\"last\":1}\n");
}

TEST_CASE("the log is made with its directories, for its owner alone", "[event-log]") {
  const EventLogScene scene;
  file_in(scene).append("x\n", no_heading);
  CHECK(fs::linux_fs().stat_path(scene.log_dir(), false)->mode == 0700);
  CHECK(fs::linux_fs().stat_path(scene.log_dir() + "/events.jsonl", false)->mode == 0600);
}

TEST_CASE("a file takes its limit and is put aside for one byte more", "[event-log]") {
  const EventLogScene scene;
  EventLogBounds bounds;
  bounds.bytes_max = 10;
  auto file = file_in(scene, bounds);
  file.append("12345\n", no_heading);
  file.append("123\n", no_heading);
  CHECK(scene.text() == "12345\n123\n");
  CHECK_FALSE(scene.exists(1));
  file.append("123456789\n", no_heading);
  CHECK(scene.text(1) == "12345\n123\n");
  file.append("\n", no_heading);
  CHECK(scene.text(2) == "12345\n123\n");
  CHECK(scene.text(1) == "123456789\n");
  CHECK(scene.text() == "\n");
}

TEST_CASE("so many old files are kept as the limit says, and not one more", "[event-log]") {
  const EventLogScene scene;
  EventLogBounds bounds;
  bounds.bytes_max = 2;
  auto file = file_in(scene, bounds);
  for (unsigned number = 0; number <= limits::event_log_old_max; ++number)
    file.append(std::to_string(number) + "\n", no_heading);
  CHECK(scene.text(limits::event_log_old_max) == "0\n");
  file.append("x\n", no_heading);
  CHECK(scene.text(limits::event_log_old_max) == "1\n");
  CHECK_FALSE(scene.exists(limits::event_log_old_max + 1));
  CHECK(scene.lines() == std::vector<std::string>{"1", "2", "3", "4", "x"});
}

TEST_CASE("every file that a writer comes to begins with its heading", "[event-log]") {
  const EventLogScene scene;
  EventLogBounds bounds;
  bounds.bytes_max = 12;
  const auto heading = [](bool is_again) { return is_again ? "again\n" : "begin\n"; };
  auto one = file_in(scene, bounds);
  auto other = file_in(scene, bounds);
  one.append("", heading);
  one.append("1\n", heading);
  CHECK(scene.text() == "begin\n1\n");
  other.append("2\n", heading);  // puts it aside
  CHECK(scene.text() == "begin\n2\n");
  one.append("3\n", heading);
  CHECK(scene.text() == "again\n3\n");
  CHECK(scene.text(1) == "begin\n2\n");
  CHECK(scene.text(2) == "begin\n1\n");
}

TEST_CASE("two processes that write and rotate at once lose and mix nothing", "[event-log]") {
  const EventLogScene scene;
  EventLogBounds bounds;
  bounds.bytes_max = 8 * limits::kib;
  bounds.lock_attempts_max = 10'000;
  constexpr int count = 400;  // of both together a little less than all files hold
  const auto write = [&](char who) {
    auto file = file_in(scene, bounds);
    for (int number = 0; number < count; ++number) {
      const auto line = std::string(1, who) + std::to_string(number) + std::string(30, who) + "\n";
      if (file.append(line, no_heading) != line.size()) return 1;
    }
    return 0;
  };
  CHECK(test::run_in_child([&] {
          const pid_t other = ::fork();
          if (other == 0) ::_exit(write('b'));
          const int own = write('a');
          int status = -1;
          ::waitpid(other, &status, 0);
          return own + status;
        }).exit_code == 0);
  CHECK(scene.exists(2));
  std::map<char, int> next;
  for (const auto& line : scene.lines()) {
    REQUIRE_FALSE(line.empty());
    const char who = line.front();
    CHECK(line == std::string(1, who) + std::to_string(next[who]++) + std::string(30, who));
  }
  CHECK(next['a'] == count);
  CHECK(next['b'] == count);
  for (unsigned age = 0; age <= limits::event_log_old_max; ++age)
    if (scene.exists(age)) CHECK(scene.text(age).size() <= bounds.bytes_max);
}

TEST_CASE("a process that hangs with the lock in its hands stops nobody, but no file is put aside",
          "[event-log]") {
  const EventLogScene scene;
  EventLogBounds bounds;
  bounds.bytes_max = 4;
  bounds.lock_attempts_max = 1;
  auto file = file_in(scene, bounds);
  file.append("one\n", no_heading);
  const auto held = fs::linux_fs().open_root(scene.log_dir());
  REQUIRE(held->try_lock());
  file.append("two\n", no_heading);
  CHECK(scene.text() == "one\n\ntwo\n");
  CHECK_FALSE(scene.exists(1));
}

TEST_CASE("a log that somebody removed is begun anew", "[event-log]") {
  const EventLogScene scene;
  auto file = file_in(scene);
  const auto heading = [](bool) { return "heading\n"; };
  file.append("one\n", heading);
  std::filesystem::remove_all(scene.log_dir());
  file.append("two\n", heading);
  CHECK(scene.text() == "heading\ntwo\n");
}

TEST_CASE("whatever call fails, an append throws or is whole, and the next one goes on", "[event-log]") {
  EventLogBounds bounds;
  bounds.bytes_max = 20;
  const auto work = [&](fs::Fs& files, const EventLogScene& scene) {
    EventLogFile file(files, scene.log_dir(), bounds);
    for (const auto* line : {"first\n", "second\n", "third, which is put into a new file\n"})
      file.append(line, no_heading);
  };
  std::uint64_t count = 0;
  {
    const EventLogScene scene;
    test::FaultFs faults(fs::linux_fs());
    work(faults, scene);
    count = faults.count();
  }
  REQUIRE(count > 10);
  for (std::uint64_t k = 1; k <= count; ++k) {
    for (const auto moment : {test::Moment::before, test::Moment::torn, test::Moment::after}) {
      CAPTURE(k, static_cast<int>(moment));
      const EventLogScene scene;
      test::FaultFs faults(fs::linux_fs());
      faults.fail_at(k, EIO, moment);
      try {
        work(faults, scene);
      } catch (const Error&) {
        // Nothing else is thrown.
      }
      CHECK(faults.struck() == 1);
      file_in(scene).append("afterwards\n", no_heading);
      CHECK(scene.lines().back() == "afterwards");
    }
  }
}

}  // namespace
}  // namespace syncline::cli
