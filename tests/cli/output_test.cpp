// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "cli/exit_codes.hpp"
#include "cli/report_output.hpp"
#include "fake_console.hpp"
#include "silent_output.hpp"
#include "support/catch.hpp"

namespace syncline::cli {
namespace {

using Args = std::vector<std::string>;
using Json = nlohmann::json;

ChangeEvent change(std::string itemized, std::string path, std::string link = "") {
  ChangeEvent event;
  event.itemized = std::move(itemized);
  event.path = std::move(path);
  event.link_target = std::move(link);
  return event;
}

CopyReport some_report() {
  CopyReport report;
  report.sent_bytes = 222;
  report.received_bytes = 69;
  report.bytes_total = 1'234'567;
  report.files_total = 7;
  report.files_changed = 5;
  report.seconds = 0.5;
  report.root = "abc123";
  report.in_step = true;
  return report;
}

CopyReport eventful(const CopyObserver& observer) {
  observer.on_change(change(">f+++++++++", "dir/new file"));
  observer.on_change(change(".f...p.....", "mode"));
  observer.on_change(change(".d..t......", "dir/"));
  observer.on_change(change("cL+++++++++", "link", "to where"));
  observer.on_change(change("hf+++++++++", "twin", "dir/new file"));
  observer.on_change(change("*deleting  ", "gone\n\xFF"));
  auto event = change(">f.st......", "edited");
  event.edited_in_destination = true;
  observer.on_change(event);
  event = change(".f.........", "moved");
  event.renamed_from = "was here";
  observer.on_change(event);
  return some_report();
}

CopyReport failing(const CopyObserver& observer) {
  observer.on_change(change(">f+++++++++", "fine"));
  observer.on_error({"bad\n", "source", "Permission denied", "the rest is copied; run as its owner", 23});
  observer.on_notice("state set aside as x");
  auto report = some_report();
  report.errors = 1;
  report.exit_code = 23;
  return report;
}

TEST_CASE("-v names what rsync -v names and sums up", "[output]") {
  const auto run = run_with({"-v", "s", "d"}, eventful);
  CHECK(run.code == 0);
  CHECK(run.out ==
        "dir/new file\n"
        "dir/\n"
        "link -> to where\n"
        "twin => dir/new file\n"
        "deleting gone\\012\\377\n"
        "edited [edited in destination]\n"
        "moved (renamed from was here)\n"
        "\n"
        "sent 222 bytes  received 69 bytes  291.00 bytes/sec\n"
        "total size is 1,234,567  speedup is 4,242.50\n");
  CHECK(run.err.empty());
}

TEST_CASE("-i tells every change with its eleven characters", "[output]") {
  const auto run = run_with({"-i", "s", "d"}, eventful);
  CHECK(run.out ==
        ">f+++++++++ dir/new file\n"
        ".f...p..... mode\n"
        ".d..t...... dir/\n"
        "cL+++++++++ link -> to where\n"
        "hf+++++++++ twin => dir/new file\n"
        "*deleting   gone\\012\\377\n"
        ">f.st...... edited [edited in destination]\n"
        ".f......... moved (renamed from was here)\n");
}

TEST_CASE("without -v only errors are told, with -q notices are not", "[output]") {
  CHECK(run_with({"s", "d"}, eventful).out.empty());
  CHECK(run_with({"-q", "-v", "--stats", "s", "d"}, eventful).out.empty());
  const std::string message =
      "syncline: bad\\012: Permission denied (source); the rest is copied; run as its owner\n";
  CHECK(run_with({"s", "d"}, failing).err == message + "syncline: state set aside as x\n");
  CHECK(run_with({"-q", "s", "d"}, failing).err == message);
  CHECK(run_with({"s", "d"}, failing).code == 23);
}

TEST_CASE("a dry run and units show in the totals", "[output]") {
  const auto run = run_with({"-nvh", "s", "d"}, eventful);
  CHECK(run.out.ends_with("total size is 1.23M  speedup is 4.24K (DRY RUN)\n"));
  CHECK(run_with({"-v", "--no-h", "s", "d"}, eventful).out.find("1234567") != std::string::npos);
}

TEST_CASE("--stats prints every figure of the report", "[output]") {
  const auto run = run_with({"--stats", "s", "d"}, eventful);
  for (const auto* line : {"\nNumber of files: 7\n", "\nNumber of changed files: 5\n",
                           "\nTotal file size: 1,234,567 bytes\n", "\nTotal bytes sent: 222\n",
                           "\nErrors: 0\n", "\nTree digest: abc123\n", "\nIn step: yes, proven\n"}) {
    CAPTURE(line);
    CHECK(run.out.find(line) != std::string::npos);
  }
}

TEST_CASE("the bar leaves the terminal before anything else is printed", "[output]") {
  FakeConsole fake;
  fake.console.err_is_terminal = true;
  const auto run = run_with(fake, {"s", "d"}, [](const CopyObserver& observer) {
    ProgressEvent event;
    event.files_scanned = 3;
    observer.on_progress(event);
    observer.on_error({"p", "source", "cause", "next", 23});
    observer.on_progress(event);
    return CopyReport{};
  });
  CHECK(run.err ==
        "\rscanning  3 files\033[K\r\033[Ksyncline: p: cause (source); next\n"
        "\rscanning  3 files\033[K\r\033[K");
}

TEST_CASE("no bar appears in logs, with -q, with --json or with --no-progress", "[output]") {
  const auto story = [](const CopyObserver& observer) {
    observer.on_progress({});
    return CopyReport{};
  };
  CHECK(run_with({"s", "d"}, story).err.empty());
  for (const Args& args : {Args{"-q", "s", "d"}, Args{"--json", "s", "d"}, Args{"--no-progress", "s", "d"}}) {
    FakeConsole fake;
    fake.console.err_is_terminal = true;
    CHECK(run_with(fake, args, story).err.empty());
  }
}

std::vector<Json> records_of(const std::string& text) {
  std::vector<Json> records;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) records.push_back(Json::parse(line));
  return records;
}

TEST_CASE("JSON records carry version, type and time, and end with the summary", "[output][json]") {
  const auto run = run_with({"--json", "s", "d"}, failing);
  const auto records = records_of(run.out);
  REQUIRE(records.size() == 4);
  for (const auto& record : records) {
    CHECK(record["v"] == 1);
    CHECK(record["ts"] == "2026-01-02T03:04:05.678Z");
  }
  CHECK(run.out.starts_with("{\"v\":1,\"type\":\"change\",\"ts\":"));
  CHECK(records[0]["itemized"] == ">f+++++++++");
  CHECK(records[0]["path"] == "fine");
  CHECK(records[0]["edited_in_destination"] == false);
  CHECK(records[1]["type"] == "error");
  CHECK(records[1]["path"] == "bad\n");
  CHECK(records[1]["side"] == "source");
  CHECK(records[1]["exit_code"] == 23);
  CHECK(records[1]["fatal"] == false);
  CHECK(records[2]["type"] == "notice");
  CHECK(records[2]["text"] == "state set aside as x");
  const auto& summary = records[3];
  CHECK(summary["type"] == "summary");
  CHECK(summary["exit_code"] == 23);
  for (const auto* key : {"sent_bytes", "received_bytes", "files_total", "files_changed", "files_deleted",
                          "files_renamed", "bytes_total", "bytes_changed", "bytes_matched", "bytes_literal",
                          "disk_written_bytes", "content_read_bytes", "errors", "exit_code"}) {
    CAPTURE(key);
    REQUIRE(summary.contains(key));
    CHECK(summary[key].is_number_integer());
  }
  CHECK(summary["sent_bytes"] == 222);
  CHECK(summary["seconds"].is_number());
  CHECK(summary["root"] == "abc123");
  CHECK(summary["in_step"] == true);
}

TEST_CASE("names that are not UTF-8 lose nothing in JSON", "[output][json]") {
  const auto run = run_with({"--json", "s", "d"}, [](const CopyObserver& observer) {
    auto event = change("cL+++++++++", "a\xFF", "\xFE");
    event.renamed_from = "r\x80";
    observer.on_change(event);
    observer.on_error({"e\xFF", "source", "c", "n", 23});
    return CopyReport{};
  });
  const auto records = records_of(run.out);
  CHECK(records[0]["path"] == "a\xEF\xBF\xBD");
  CHECK(records[0]["path_bytes"] == "Yf8=");
  CHECK(records[0]["link_target_bytes"] == "/g==");
  CHECK(records[0]["renamed_from_bytes"] == "coA=");
  CHECK(records[1]["path_bytes"] == "Zf8=");
  CHECK_FALSE(records_of(run_with({"--json", "s", "d"}, eventful).out)[0].contains("path_bytes"));
}

TEST_CASE("JSON ends with a fatal error when nothing could be done", "[output][json]") {
  const auto run = run_with({"--json", "s", "d"}, [](const CopyObserver&) -> CopyReport {
    throw Error(Errc::locked, "d (destination)");
  });
  CHECK(run.code == 46);
  const auto last = records_of(run.out).back();
  CHECK(last["type"] == "error");
  CHECK(last["fatal"] == true);
  CHECK(last["exit_code"] == 46);
  CHECK(last["cause"] == "in use by another syncline process");
  CHECK(run.err.starts_with("syncline: d (destination): in use"));
  const auto usage = run_with({"--json", "--frob", "s", "d"});
  CHECK(usage.code == 1);
  CHECK(records_of(usage.out).back()["exit_code"] == 1);
}

TEST_CASE("JSON progress comes once a second at most", "[output][json]") {
  FakeConsole fake;
  const auto run = run_with(fake, {"--json", "s", "d"}, [&](const CopyObserver& observer) {
    ProgressEvent event;
    event.phase = ProgressEvent::Phase::transferring;
    event.bytes_done = 5;
    for (int tick = 0; tick < 25; ++tick) {
      observer.on_progress(event);
      fake.clock.moment += std::chrono::milliseconds(100);
    }
    return CopyReport{};
  });
  const auto records = records_of(run.out);
  REQUIRE(records.size() == 4);
  CHECK(records[0]["type"] == "progress");
  CHECK(records[0]["phase"] == "transferring");
  CHECK(records[0]["bytes_done"] == 5);
}

TEST_CASE("the log file gains a dated line for each event", "[output]") {
  auto path = (std::filesystem::temp_directory_path() / "syncline-log-XXXXXX").string();
  const int fd = ::mkstemp(path.data());
  REQUIRE(fd >= 0);
  ::close(fd);
  CHECK(run_with({"--log-file", path, "s", "d"}, failing).code == 23);
  CHECK(run_with({"--log-file", path, "--json", "s", "d"}, eventful).code == 0);
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  std::filesystem::remove(path);
  REQUIRE(lines.size() == 4 + 9);
  const auto stamp = "2026-01-02T03:04:05.678Z [" + std::to_string(::getpid()) + "] ";
  for (const auto& line : lines) CHECK(line.starts_with(stamp));
  CHECK(lines[0] == stamp + ">f+++++++++ fine");
  CHECK(lines[1].find("syncline: bad\\012: Permission denied (source)") != std::string::npos);
  CHECK(lines[3].ends_with("exit code 23"));
}

TEST_CASE("a log file that cannot be opened stops the run before it begins", "[output]") {
  const auto run = run_with({"--log-file=/nonexistent/x", "s", "d"});
  CHECK(run.code == 11);
  CHECK_FALSE(run.copied);
  CHECK(run.err.starts_with("syncline: --log-file: /nonexistent/x: No such file or directory; "));
}

TEST_CASE("output that cannot be written is told at the end", "[output]") {
  FakeConsole fake;
  const auto run = run_with(fake, {"-v", "s", "d"}, [&](const CopyObserver& observer) {
    fake.out.setstate(std::ios::badbit);
    return eventful(observer);
  });
  CHECK(run.code == 11);
  CHECK(run.err == "syncline: standard output: cannot be written; the copy itself is complete\n");
}

/// Tells at its end that it has gone.
class LastWords final : public SilentOutput {
 public:
  LastWords(std::string& said, char name) : said_(said), name_(name) {}
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;
  ~LastWords() override { said_ += name_; }

 private:
  std::string& said_;
  char name_;
};

TEST_CASE("outputs end from the last one on, which may tell the first one", "[output]") {
  std::string said;
  Outputs outputs;
  for (const char name : {'a', 'b', 'c'}) outputs.push_back(std::make_unique<LastWords>(said, name));
  close_outputs(outputs);
  CHECK(said == "cba");
  CHECK(outputs.empty());
}

TEST_CASE("every line of a pair that is not alone begins with its name", "[output]") {
  FakeConsole fake;
  OutputOptions options;
  options.verbosity = 1;
  const auto output = text_output(fake.console, options, false, {"/s", "/d", "name", nullptr, 0});
  ChangeEvent event;
  event.itemized = ">f+++++++++";
  event.path = "a";
  output->change(event);
  output->notice("said");
  output->failure({"subject", "cause", "next", 1});
  CHECK(fake.out.str() == "name: a\n");
  CHECK(fake.err.str() == "syncline: name: said\nsyncline: name: subject: cause; next\n");
}

}  // namespace
}  // namespace syncline::cli
