// SPDX-License-Identifier: Apache-2.0
#include "cli/event_log_reader.hpp"

#include <filesystem>

#include "event_log_scene.hpp"
#include "support/catch.hpp"

namespace syncline::cli {
namespace {

using Lines = std::vector<std::string>;

struct ReadScene : EventLogScene {
  ReadScene() { temp.make_dir("state/log"); }
  void write(unsigned age, const std::string& content) {
    temp.write("state/log/" + event_log_name(age), content);
  }
  EventLogReader reader() const { return {fs::linux_fs(), log_dir()}; }
  void put_aside() {
    std::filesystem::rename(log_dir() + "/" + event_log_name(1), log_dir() + "/" + event_log_name(2));
    std::filesystem::rename(log_dir() + "/" + event_log_name(0), log_dir() + "/" + event_log_name(1));
  }
};

Lines rest_of(EventLogReader& reader) {
  Lines out;
  while (const auto line = reader.next()) out.push_back(*line);
  return out;
}

TEST_CASE("lines come oldest first over all files", "[event-log][reader]") {
  ReadScene scene;
  scene.write(0, "5\n6\n");
  scene.write(1, "3\n4\n");
  scene.write(2, "1\n2\n");
  CHECK(scene.lines() == Lines{"1", "2", "3", "4", "5", "6"});
}

TEST_CASE("a last line without an end is none yet, and is one with it", "[event-log][reader]") {
  ReadScene scene;
  scene.write(0, "one\ntw");
  auto reader = scene.reader();
  CHECK(rest_of(reader) == Lines{"one"});
  scene.write(0, "one\ntwo\nthree");
  CHECK(rest_of(reader) == Lines{"two"});
}

TEST_CASE("files are read to their end although they are put aside meanwhile", "[event-log][reader]") {
  ReadScene scene;
  scene.write(1, "1\n");
  scene.write(0, "2\n3\n");
  auto reader = scene.reader();
  CHECK(reader.next() == "1");
  scene.put_aside();
  scene.write(0, "4\n");
  CHECK(rest_of(reader) == Lines{"2", "3"});
  reader.look_again();
  CHECK(rest_of(reader) == Lines{"4"});
  reader.look_again();
  CHECK(rest_of(reader).empty());
}

TEST_CASE("two files begun between two looks are both found", "[event-log][reader]") {
  ReadScene scene;
  scene.write(1, "0\n");
  scene.write(0, "1\n");
  auto reader = scene.reader();
  CHECK(rest_of(reader) == Lines{"0", "1"});
  scene.put_aside();
  scene.write(0, "2\n");
  std::filesystem::rename(scene.log_dir() + "/" + event_log_name(1),
                          scene.log_dir() + "/" + event_log_name(2));
  std::filesystem::rename(scene.log_dir() + "/" + event_log_name(0),
                          scene.log_dir() + "/" + event_log_name(1));
  scene.write(0, "3\n");
  reader.look_again();
  CHECK(rest_of(reader) == Lines{"2", "3"});
}

TEST_CASE("a log that begins later is found", "[event-log][reader]") {
  ReadScene scene;
  auto reader = scene.reader();
  CHECK(reader.is_empty());
  CHECK_FALSE(reader.next());
  scene.write(0, "1\n");
  reader.look_again();
  CHECK(rest_of(reader) == Lines{"1"});
}

TEST_CASE("a line takes its limit and is left out for one byte more", "[event-log][reader]") {
  ReadScene scene;
  const std::string longest(limits::event_log_line_bytes_max, 'x');
  scene.write(0, "a\n" + longest + "\n" + longest + "y\nb\n" + longest + longest + longest + "\nc\n");
  auto reader = scene.reader();
  CHECK(rest_of(reader) == Lines{"a", longest, "b", "c"});
  CHECK(reader.too_long_count() == 2);
}

}  // namespace
}  // namespace syncline::cli
