// SPDX-License-Identifier: Apache-2.0
// Lines that are drawn anew in place, looked at through a small terminal.
#include "cli/live_area.hpp"

#include <algorithm>

#include "cli/progress.hpp"
#include "cli/report_output.hpp"
#include "fake_console.hpp"
#include "support/catch.hpp"

namespace syncline::cli {
namespace {

/// What a terminal shows that knows carriage return, newline, "up" and "erase to the end of the line".
std::vector<std::string> screen(const std::string& bytes) {
  std::vector<std::string> lines{""};
  std::size_t row = 0, column = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (bytes.compare(at, 3, "\033[K") == 0) {
      lines[row].resize(std::min(lines[row].size(), column));
      at += 2;
    } else if (bytes.compare(at, 3, "\033[A") == 0) {
      REQUIRE(row > 0);
      --row;
      at += 2;
    } else if (bytes[at] == '\r') {
      column = 0;
    } else if (bytes[at] == '\n') {
      column = 0;
      if (++row == lines.size()) lines.emplace_back();
    } else {
      lines[row].resize(std::max(lines[row].size(), column + 1), ' ');
      lines[row][column++] = bytes[at];
    }
  }
  while (lines.size() > 1 && lines.back().empty()) lines.pop_back();
  return lines;
}

using Lines = std::vector<std::string>;

TEST_CASE("rows are drawn in their order, and anew in place", "[live]") {
  FakeConsole fake;
  LiveArea area(fake.console);
  area.set(2, "third");
  area.set(0, "first");
  CHECK(screen(fake.err.str()) == Lines{"first", "third"});
  area.set(0, "1st");
  area.set(1, "second, which is longer");
  CHECK(screen(fake.err.str()) == Lines{"1st", "second, which is longer", "third"});
  area.set(1, "2nd");
  CHECK(screen(fake.err.str()) == Lines{"1st", "2nd", "third"});
  area.set(1, "");
  CHECK(screen(fake.err.str()) == Lines{"1st", "third"});
}

TEST_CASE("rows give way to other output and come back below it", "[live]") {
  FakeConsole fake;
  LiveArea area(fake.console);
  area.set(0, "first");
  area.set(1, "second");
  area.hide();
  fake.err << "a message\n";
  CHECK(screen(fake.err.str()) == Lines{"a message"});
  area.draw();
  CHECK(screen(fake.err.str()) == Lines{"a message", "first", "second"});
  area.hide();
  area.hide();
  CHECK(screen(fake.err.str()) == Lines{"a message"});
}

TEST_CASE("an area without rows leaves the terminal alone", "[live]") {
  FakeConsole fake;
  LiveArea area(fake.console);
  area.hide();
  area.draw();
  area.set(3, "");
  CHECK(fake.err.str().empty());
}

TEST_CASE("bars of two pairs have a row each, with their names, and messages name them too", "[live]") {
  FakeConsole fake;
  fake.console.err_is_terminal = true;
  LiveArea area(fake.console);
  const auto one = text_output(fake.console, {}, false, {"/s", "/a", "/a", &area, 0});
  const auto two = text_output(fake.console, {}, false, {"/s", "/b", "/b", &area, 1});
  ProgressEvent event;
  event.files_scanned = 5;
  one->progress(event);
  event.files_scanned = 7;
  two->progress(event);
  CHECK(screen(fake.err.str()) == Lines{"/a: scanning  5 files", "/b: scanning  7 files"});
  two->error({"x", "source", "gone", "skipped", 24});
  one->progress(event);
  CHECK(screen(fake.err.str()) ==
        Lines{"syncline: /b: x: gone (source); skipped", "/a: scanning  7 files", "/b: scanning  7 files"});
  two->standing("in-step", "");
  one->standing("in-step", "in step");
  CHECK(screen(fake.err.str()) == Lines{"syncline: /b: x: gone (source); skipped", "syncline: /a: in step"});
}

}  // namespace
}  // namespace syncline::cli
