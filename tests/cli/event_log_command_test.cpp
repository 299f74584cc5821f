// SPDX-License-Identifier: Apache-2.0
#include "cli/event_log_command.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "event_log_scene.hpp"
#include "support/catch.hpp"

namespace syncline::cli {
namespace {

using Names = std::vector<std::string>;

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

std::size_t line_count(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// What is asked.
struct AskScene : EventLogScene {
  /// Of `syncline log --state STATE ARGS`.
  Run log(std::vector<std::string> args) const {
    FakeConsole fake;
    args.insert(args.begin(), {"--state", *options.state_dir});
    Run run;
    run.code = run_log(args, fake.console, [] { return false; });
    run.out = fake.out.str();
    run.err = fake.err.str();
    return run;
  }
  /// The paths of the records that it finds, in order.
  std::vector<std::string> found(std::vector<std::string> args) const {
    args.insert(args.begin(), "--json");
    std::vector<std::string> out;
    std::istringstream in(log(args).out);
    for (std::string line; std::getline(in, line);) {
      const auto record = Json::parse(line);
      out.push_back(record.contains("path") ? get_name(record, "path") : record["type"].get<std::string>());
    }
    return out;
  }
};

/// What happened to a small tree.
struct StoryScene : AskScene {
  StoryScene() {
    const auto log = begin({"watch"});
    log->change(changed("dir/", "cd+++++++++"));
    log->change(changed("dir/a", ">f+++++++++"));
    log->change(changed("dirt", ">f+++++++++"));
    log->change(changed("dir/a"));
    log->change(renamed("dir/a", "dir/b"));
    log->change(changed("dir/b", "*deleting  "));
    log->error({"dir/c", "source", "Permission denied", "the rest is copied", 23});
    log->change(renamed("dir/", "moved/"));
    log->summary({});
  }
};

TEST_CASE("a path tells what happened to it, and a directory what happened below it", "[event-log][log]") {
  const StoryScene scene;
  CHECK(scene.found({"dirt"}) == Names{"dirt"});
  CHECK(scene.found({"dir/c"}) == Names{"dir/c", "moved/"});
  CHECK(scene.found({"dir"}) == Names{"dir/", "dir/a", "dir/a", "dir/b", "dir/b", "dir/c", "moved/"});
  CHECK(scene.found({"dir/"}) == scene.found({"dir"}));
  CHECK(scene.found({"dirt", "moved"}) == Names{"dirt", "moved/"});
}

TEST_CASE("a rename is told for the old name and for the new one, also of a directory above",
          "[event-log][log]") {
  const StoryScene scene;
  CHECK(scene.found({"dir/a"}) == Names{"dir/a", "dir/a", "dir/b", "moved/"});
  CHECK(scene.found({"dir/b"}) == Names{"dir/b", "dir/b", "moved/"});
  CHECK(scene.found({"moved/x"}) == Names{"moved/"});
}

TEST_CASE("the text says it in words, with the run in front", "[event-log][log]") {
  const StoryScene scene;
  const auto out = scene.log({"dir/b", "dir/c"}).out;
  CHECK(line_count(out) == 5);
  CHECK(has(out, "  began     watch " + scene.temp.path("src") + " to " + scene.temp.path("dst") + "\n"));
  CHECK(has(out, "  renamed   dir/b (from dir/a)\n"));
  CHECK(has(out, "  deleted   dir/b\n"));
  CHECK(has(out, "  error     dir/c: Permission denied (source); the rest is copied\n"));
  CHECK(has(scene.log({"dir/a"}).out, "  changed   dir/a (size, time)\n"));
  CHECK(has(scene.log({"dirt"}).out, "  created   dirt\n"));
}

TEST_CASE("an absolute path is found in the source and in the destination of a run", "[event-log][log]") {
  const StoryScene scene;
  CHECK(scene.found({scene.temp.path("src/dirt")}) == Names{"dirt"});
  CHECK(scene.found({scene.temp.path("dst/dirt")}) == Names{"dirt"});
  CHECK(scene.found({scene.temp.path("dst") + "/../src//dirt"}) == Names{"dirt"});
  CHECK(scene.found({scene.temp.path("src")}).size() == 8);
  CHECK(scene.found({scene.temp.path()}).size() == 8);
  CHECK(scene.found({scene.temp.path("other/dirt")}).empty());
  CHECK(scene.found({scene.temp.path("srcdirt")}).empty());
}

TEST_CASE("what a path is called follows how the run was typed", "[event-log][log]") {
  AskScene scene;
  scene.temp.make_dir("dst");
  scene.temp.write("src/one", "x");
  const auto run = [&](std::vector<std::string> sources, const std::string& target, const std::string& name) {
    scene.options.sources = std::move(sources);
    scene.options.destination = target;
    const auto log = scene.begin();
    log->change(changed(name));
    log->summary({});
  };
  run({scene.temp.path("src")}, scene.temp.path("dst"), "named");
  CHECK(scene.found({scene.temp.path("dst/src/named")}) == Names{"named"});
  CHECK(scene.found({scene.temp.path("src/named")}) == Names{"named"});
  run({scene.temp.path("src"), scene.temp.path("more")}, scene.temp.path("dst"), "src/several");
  CHECK(scene.found({scene.temp.path("dst/src/several")}) == Names{"src/several"});
  CHECK(scene.found({scene.temp.path("src/several")}) == Names{"src/several"});
  run({scene.temp.path("src/one")}, scene.temp.path("dst/other"), "other");
  CHECK(scene.found({scene.temp.path("src/one")}) == Names{"other"});
  CHECK(scene.found({scene.temp.path("dst/other")}) == Names{"other"});
  run({scene.temp.path("src/") + "/"}, "syncline://host/share/", "remote");
  CHECK(scene.found({scene.temp.path("src/remote")}) == Names{"remote"});
}

TEST_CASE("the places of so many runs are known as the limit says", "[event-log][log]") {
  const AskScene scene;
  scene.temp.make_dir("state/log");
  std::string text;
  const auto add = [&](const char* type, std::size_t run, const char* key, const Json& value) {
    Json record{{"v", 1}, {"type", type}, {"ts", "2026-01-02T03:04:05.678Z"}, {"run", std::to_string(run)}};
    record[key] = value;
    text += record_line(record) + '\n';
  };
  for (std::size_t run = 0; run <= limits::event_log_runs_max; ++run)
    add("run_began", run, "destination", {{"path", "d"}, {"at", "/d"}, {"as", ""}});
  add("change", 0, "path", "first");
  add("change", 1, "path", "second");
  scene.temp.write("state/log/events.jsonl", text);
  CHECK(scene.found({"/d/second"}) == Names{"second"});
  CHECK(scene.found({"/d/first"}).empty());
  CHECK(scene.found({"first"}) == Names{"first"});
}

TEST_CASE("times, runs and errors are chosen by options", "[event-log][log]") {
  const StoryScene scene;  // all at 2026-01-02T03:04:05.678Z, which is now
  CHECK(scene.found({"--since", "1s", "dirt"}) == Names{"dirt"});
  CHECK(scene.found({"--since=2026-01-02T03:04:05.678Z", "dirt"}) == Names{"dirt"});
  CHECK(scene.found({"--since=2026-01-02T03:04:05.679Z", "dirt"}).empty());
  CHECK(scene.found({"--until=2026-01-02T03:04:05.678Z", "dirt"}) == Names{"dirt"});
  CHECK(scene.found({"--until", "1h", "dirt"}).empty());
  CHECK(scene.found({"--errors"}) == Names{"dir/c"});
  CHECK(scene.found({"--errors", "dirt"}).empty());
  const auto run = scene.records()[0]["run"].get<std::string>();
  CHECK(scene.found({"--run", run.substr(0, 8), "dirt"}) == Names{"dirt"});
  CHECK(scene.found({"--run", run, "dirt"}) == Names{"dirt"});
  CHECK(scene.found({"--run", run.front() == '0' ? "1" : "0", "dirt"}).empty());
}

TEST_CASE("-n shows the last records, in order", "[event-log][log]") {
  const StoryScene scene;
  CHECK(scene.found({"-n", "2", "dir"}) == Names{"dir/c", "moved/"});
  CHECK(scene.found({"-n0", "dir"}).empty());
  CHECK(scene.found({"-n", "100", "dir"}) == scene.found({"dir"}));
  CHECK(scene.found({}).size() == scene.records().size());
}

TEST_CASE("JSON is what the log holds, byte by byte", "[event-log][log]") {
  const StoryScene scene;
  CHECK(scene.log({"--json"}).out == scene.text());
}

TEST_CASE("names are escaped in the text, and found by their bytes", "[event-log][log]") {
  AskScene scene;
  {
    const auto log = scene.begin();
    log->change(changed("a\nb\xFF"));
  }
  CHECK(has(scene.log({"a\nb\xFF"}).out, "changed   a\\012b\\377 (size, time)\n"));
  CHECK(scene.found({"a\nb\xFF"}) == Names{"a\nb\xFF"});
}

TEST_CASE("nothing found is no failure, and said", "[event-log][log]") {
  const AskScene empty;
  const auto none = empty.log({"x"});
  CHECK(none.code == 0);
  CHECK(none.out.empty());
  CHECK(has(none.err, "no log in '"));
  const StoryScene scene;
  const auto run = scene.log({"x"});
  CHECK(run.code == 0);
  CHECK(run.err == "syncline: nothing in the log answers that\n");
}

TEST_CASE("what is no record is skipped and counted", "[event-log][log]") {
  const StoryScene scene;
  auto text = scene.text();
  text +=
      "{\"v\":1,\"ty\n\n{\"v\":2,\"type\":\"change\"}\n[]\n7\n{\"v\":\"1\"}\n{\"v\":1,\"type\":5}"
      "\n\xFF\n";
  scene.temp.write("state/log/events.jsonl", text + text);
  const auto run = scene.log({"dirt"});
  CHECK(line_count(run.out) == 3);
  CHECK(has(run.err, "skipped lines: 14 ("));
}

TEST_CASE("wrong usage is refused with its reason", "[event-log][log]") {
  const AskScene scene;
  const std::vector<std::pair<Names, std::string>> wrong{
      {{"--since", "yesterday"}, "--since: 'yesterday' is not a time"},
      {{"--since", "1h", "--until", "2h"}, "--since is later than --until"},
      {{"-f", "--until", "1h"}, "--follow does not go with --until"},
      {{"--run", "xyz"}, "--run: 'xyz' is not the beginning"},
      {{"--run", "00000000000000000"}, "--run: '0"},
      {{"-n", "-1"}, "--lines"},
      {{"-n", "100001"}, "--lines: '100001' is not a number from 0 to 100000"},
      {{"--frob"}, "unknown option --frob"},
      {{""}, "an empty path"},
      {{"--since"}, "--since: the value is missing"},
  };
  for (const auto& [args, text] : wrong) {
    CAPTURE(text);
    const auto run = scene.log(args);
    CHECK(run.code == 1);
    CHECK(has(run.err, text));
    CHECK(has(run.err, "; see 'syncline log --help'\n"));
  }
  CHECK(scene.log({"-n", "100000"}).code == 0);
  CHECK(scene.log({"--", "--frob"}).code == 0);
  CHECK(scene.log({"--help"}).out.starts_with("Usage: syncline log"));
}

TEST_CASE("the example of the format's page is read", "[event-log][docs]") {
  std::ifstream in(SYNCLINE_SOURCE_ROOT "/docs/format/event-log.md");
  std::string page{std::istreambuf_iterator<char>(in), {}};
  const auto begin = page.find("```json\n") + 8;
  const AskScene scene;
  scene.temp.make_dir("state/log");
  scene.temp.write("state/log/events.jsonl", page.substr(begin, page.find("```", begin) - begin));
  CHECK(scene.found({"/home/ann/src/caf\xE9"}) == Names{"caf\xE9"});
  CHECK(scene.log({}).err.empty());
}

TEST_CASE("-f goes on over a rotation until it is stopped", "[event-log][log]") {
  const StoryScene scene;
  FakeConsole fake;
  int polls = 0;
  const auto stop = [&] {
    if (++polls == 20) {
      std::filesystem::rename(scene.log_dir() + "/events.jsonl", scene.log_dir() + "/events.jsonl.1");
      scene.temp.write("state/log/events.jsonl", scene.text(1));
    }
    return line_count(fake.out.str()) == 3 || polls > 200;
  };
  CHECK(run_log({"--state", *scene.options.state_dir, "-f", "-n1", "dirt"}, fake.console, stop) == 0);
  CHECK(line_count(fake.out.str()) == 3);
}

}  // namespace
}  // namespace syncline::cli
