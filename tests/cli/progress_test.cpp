// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.hpp"

#include <algorithm>

#include "fake_console.hpp"
#include "support/catch.hpp"

namespace syncline::cli {
namespace {

using namespace std::chrono_literals;
using Phase = ProgressEvent::Phase;

ProgressEvent transfer(std::uint64_t done, std::uint64_t total, std::uint64_t sent = 0) {
  ProgressEvent event;
  event.phase = Phase::transferring;
  event.files_scanned = 400;
  event.files_done = 1;
  event.files_total = 400;
  event.bytes_done = done;
  event.bytes_total = total;
  event.sent_bytes = sent;
  event.matched_bytes = done - sent;
  return event;
}

ProgressSnapshot half_way() {
  ProgressModel model;
  ProgressModel::Moment start{};
  model.update(transfer(0, 2'000'000'000), start);
  return model.update(transfer(1'000'000'000, 2'000'000'000, 30'000'000), start + 10s);
}

/// Columns on the screen: escape sequences take none.
std::size_t columns_of(const std::string& line) {
  std::size_t columns = 0;
  for (std::size_t pos = 0; pos < line.size(); ++pos) {
    if (line[pos] == '\033') pos = line.find('m', pos);
    else ++columns;
  }
  return columns;
}

TEST_CASE("the bar fits every terminal and keeps the percentage to the last", "[progress]") {
  const auto now = half_way();
  for (unsigned columns = 20; columns <= 200; ++columns) {
    CAPTURE(columns);
    for (const bool color : {false, true}) {
      const auto line = progress_bar(now, columns, color);
      CHECK(columns_of(line) < columns);
      CHECK(line.find("50%") != std::string::npos);
      CHECK(line.find('\n') == std::string::npos);
      CHECK((line.find('\033') != std::string::npos) == (color && line.find('[') != std::string::npos));
    }
    CHECK(progress_bar(now, columns, false).find('\033') == std::string::npos);
  }
  CHECK(progress_bar(now, 5, false).empty() == false);
  CHECK(progress_bar(now, 3, false).empty());
  CHECK(progress_bar(now, 0, false).empty());
}

TEST_CASE("a wide bar tells phase, bytes, rate, time left and what was saved", "[progress]") {
  CHECK(progress_bar(half_way(), 110, false) ==
        "transferring  [###################-------------------]   50%  1.00 GB/2.00 GB  100 MB/s  ETA 0:10  "
        "saved 97%");
  CHECK(progress_bar(half_way(), 20, false) == " 50%  ETA 0:10");
}

TEST_CASE("scanning and transferring are told apart", "[progress]") {
  ProgressModel model;
  ProgressEvent event;
  event.files_scanned = 84'213;
  const auto now = model.update(event, {});
  CHECK(progress_bar(now, 80, false) == "scanning  84,213 files");
  CHECK(progress_bar(now, 15, false) == "84,213 files");
  CHECK(progress_bar(now, 10, false).empty());
  CHECK(progress_sentence(now) == "scanning: 84,213 files");
}

TEST_CASE("totals never shrink and done never passes them", "[progress]") {
  ProgressModel model;
  ProgressModel::Moment start{};
  model.update(transfer(10, 1000), start);
  CHECK(model.update(transfer(20, 500), start + 1s).bytes_total == 1000);
  CHECK(model.update(transfer(2000, 500), start + 2s).bytes_total == 2000);
}

TEST_CASE("one hundred per cent is never claimed while it runs", "[progress]") {
  ProgressModel model;
  auto event = transfer(1000, 1000);
  CHECK(model.update(event, {}).percent() == 99);
  event.phase = Phase::finishing;
  CHECK(model.update(event, {}).percent() == 99);
  CHECK(progress_bar(model.update(event, {}), 100, false).find("finishing") == 0);
}

TEST_CASE("saved says one hundred only when nothing was sent", "[progress]") {
  ProgressModel model;
  CHECK(model.update(transfer(1'000'000'000, 2'000'000'000, 1), {}).saved_percent == 99u);
  CHECK(model.update(transfer(1'000'000'000, 2'000'000'000, 0), {}).saved_percent == 100u);
  CHECK_FALSE(model.update(transfer(0, 1000), {}).saved_percent);
}

TEST_CASE("without bytes to move files are counted", "[progress]") {
  ProgressModel model;
  auto event = transfer(0, 0);
  event.files_done = 100;
  const auto now = model.update(event, {});
  CHECK(now.percent() == 25);
  CHECK(progress_bar(now, 100, false).find("100/400 files") != std::string::npos);
}

TEST_CASE("a stall shows no time left", "[progress]") {
  ProgressModel model;
  ProgressModel::Moment start{};
  for (int second = 0; second < 30; ++second) model.update(transfer(500, 1000), start + second * 1s);
  const auto now = model.update(transfer(500, 1000), start + 30s);
  CHECK_FALSE(now.seconds_left);
  CHECK(progress_bar(now, 80, false).find("ETA --:--") != std::string::npos);
}

TEST_CASE("the rate follows the last ten seconds", "[progress]") {
  ProgressModel model;
  ProgressModel::Moment start{};
  std::uint64_t done = 0;
  ProgressSnapshot now;
  for (int second = 0; second < 40; ++second) {
    done += second < 20 ? 1'000'000 : 10;
    now = model.update(transfer(done, 1'000'000'000), start + second * 1s);
  }
  CHECK(now.bytes_per_second < 100);
}

TEST_CASE("a terminal gets one line that replaces itself and is cleared", "[progress]") {
  FakeConsole fake;
  fake.console.err_is_terminal = true;
  fake.console.columns = [] { return 40U; };
  LiveArea area(fake.console);
  ProgressDisplay display(fake.console, {area});
  display.end();
  CHECK(fake.err.str().empty());
  display.update(transfer(1, 100));
  CHECK(fake.err.str().starts_with("\r"));
  CHECK(fake.err.str().ends_with("\033[K"));
  display.end();
  display.end();
  CHECK(fake.err.str().ends_with("\033[K\r\033[K"));
}

TEST_CASE("a log gets a plain line every ten seconds", "[progress]") {
  FakeConsole fake;
  LiveArea area(fake.console);
  ProgressDisplay display(fake.console, {area});
  for (int tick = 0; tick < 25 * 10; ++tick) {
    fake.clock.moment += 100ms;
    display.update(transfer(static_cast<std::uint64_t>(tick), 1000));
  }
  const auto text = fake.err.str();
  CHECK(std::ranges::count(text, '\n') == 2);
  CHECK(text.find_first_of("\r\033") == std::string::npos);
  CHECK(text.starts_with("transferring: 9%, 99 B of 1.00 kB, 1 of 400 files, "));
}

}  // namespace
}  // namespace syncline::cli
