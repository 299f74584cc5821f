// SPDX-License-Identifier: Apache-2.0
// What a command line or a configuration makes watch follow, and what is refused.
#include "cli/watch_plans.hpp"

#include <filesystem>
#include <sstream>

#include "base/limits.hpp"
#include "cli/watch_places.hpp"
#include "support/catch.hpp"
#include "support/refusal.hpp"
#include "support/temp_dir.hpp"

namespace syncline::cli {
namespace {

using test::refusal;
using Texts = std::vector<std::string>;

std::vector<WatchPlan> plans(const Texts& args) {
  std::istringstream in;
  return plans_of(parse_watch(args, in));
}

ClientPlans client_plans(const std::string& toml, const Texts& shared = {}, const Texts& only = {}) {
  return plans_of(config::read_client_text(toml, "f.toml", "/home/me"), shared, only);
}

Texts problem_lines(const std::string& toml) {
  Texts out;
  for (const auto& problem : client_plans(toml).problems) out.push_back(to_line(problem));
  return out;
}

std::string table(const std::string& name, const std::string& source, const std::string& destination,
                  const std::string& more = "") {
  return "[[watch]]\nname = \"" + name + "\"\nsource = \"" + source + "\"\ndestination = \"" + destination +
         "\"\n" + more;
}

TEST_CASE("the first path of watch is SRC, and each further one a DST", "[watch]") {
  const auto found = plans({"-v", "/s/", "/a", "nas:b", "syncline://nas/c"});
  REQUIRE(found.size() == 3);
  const Texts wanted{"/a", "nas:b", "syncline://nas/c"};
  for (std::size_t at = 0; at < wanted.size(); ++at) {
    CHECK(found[at].options.sources == Texts{"/s/"});
    CHECK(found[at].options.destination == wanted[at]);
    CHECK(found[at].label == wanted[at]);
    CHECK(found[at].options.delete_extra);
    CHECK(found[at].options.guard_deletes);
    CHECK(found[at].output.event_log);
    CHECK(found[at].output.verbosity == 1);
  }
  CHECK(plans({"/s/", "/a"}).front().label.empty());
  CHECK_FALSE(plans({"/s/", "/a", "--no-delete"}).front().options.delete_extra);
  CHECK_FALSE(plans({"/s/", "/a", "--max-delete=3"}).front().options.guard_deletes);
}

TEST_CASE("SRC may be on another machine where DST is not, and the server finds how to watch it", "[watch]") {
  const auto found = plans({"syncline://nas/c", "/a", "/b"});
  REQUIRE(found.size() == 2);
  CHECK(found[1].options.sources == Texts{"syncline://nas/c"});
  CHECK(plans({"me@nas:c", "/a"}).size() == 1);
  CHECK(refusal([] {
          plans({"nas:c", "/a", "nas:b"});
        }) == "SRC and DST cannot both be on other machines; start watch on one of them");
  CHECK(refusal([] {
          plans({"--watch-with=fanotify", "nas:c", "/a"});
        }) == "--watch-with is about a SRC on this machine");
  CHECK(plans({"--watch-with=auto", "nas:c", "/a"}).size() == 1);
  CHECK(client_plans(table("a", "syncline://nas/c", "/d")).plans.front().options.sources ==
        Texts{"syncline://nas/c"});
  CHECK(problem_lines(table("a", "nas:c", "nas:d")).size() == 1);
}

TEST_CASE("two DST that fill the same directory are refused", "[watch]") {
  test::TempDir temp;
  temp.make_dir("d/sub");
  std::filesystem::create_directory_symlink(temp.path("d"), temp.path("link"));
  const auto said = [&](const std::string& source, const std::string& first, const std::string& second) {
    return refusal([&] { plans({source, first, second}); });
  };
  CHECK(said("/s/", "/a", "/a/") ==
        "DST '/a' and DST '/a/' fill the same directory; give each one of its own");
  CHECK(said("/s/", temp.path("d"), temp.path("link")).find("the same directory") != std::string::npos);
  CHECK(said("/s/", "/a", "/a/b").find("inside each other") != std::string::npos);
  CHECK(said("/s/", "/a/b", "/a").find("inside each other") != std::string::npos);
  CHECK(said("/s/", "nas:a", "nas:a/b").find("inside each other") != std::string::npos);
  CHECK(said("/s/", "syncline://nas/a", "syncline://nas:8737/a/").find("the same") != std::string::npos);
  CHECK(said("/s/", "/a", "/ab").empty());
  CHECK(said("/s/", "nas:a", "/a").empty());
  CHECK(said("/s/", "nas:a", "other:a").empty());
}

TEST_CASE("what watch does not follow is refused", "[watch]") {
  CHECK(refusal([] { plans({"/s"}); }) == "DST is missing after '/s'");
  CHECK(refusal([] { plans({"/s", ""}); }).find("an empty path") == 0);
  CHECK(refusal([] { plans({"-n", "/s", "/a"}); }).find("--dry-run does not go with watch") == 0);
  CHECK(refusal([] { plans({"--bogus", "/s", "/a"}); }) == "unknown option --bogus");
  Texts many{"/s/"};
  for (std::size_t k = 0; k < limits::watch_pairs_max; ++k) many.push_back("/d" + std::to_string(k));
  CHECK(plans(many).size() == limits::watch_pairs_max);
  many.emplace_back("/one-more");
  CHECK(refusal([&] { plans(many); }).find("more than 64 pairs") == 0);
}

TEST_CASE("a watch guards against sudden changes and watches by itself unless told otherwise", "[watch]") {
  const auto first = [](std::vector<std::string> args) {
    args.insert(args.end(), {"/s", "/a"});
    return plans(args).front();
  };
  CHECK(first({}).options.guard_changes);
  CHECK_FALSE(first({"--no-guard-changes"}).options.guard_changes);
  CHECK(first({"--no-guard-changes", "--guard-changes"}).options.guard_changes);
  CHECK(first({}).watch_with == WatchWith::automatic);
  CHECK(first({"--watch-with=inotify"}).watch_with == WatchWith::inotify);
  CHECK(first({"--watch-with", "fanotify"}).watch_with == WatchWith::fanotify);
  CHECK(first({"--watch-with=fanotify", "--watch-with=auto"}).watch_with == WatchWith::automatic);
  CHECK(refusal([&] { first({"--watch-with=poll"}); }) ==
        "--watch-with: 'poll' is neither auto, inotify nor fanotify");
}

TEST_CASE("a rescan has bounds that may be reached and not passed", "[watch]") {
  using namespace std::chrono_literals;
  const auto rescan = [](const std::string& text) {
    return plans({"--rescan=" + text, "/s", "/a"}).front().follow.rescan;
  };
  CHECK(plans({"/s", "/a"}).front().follow.rescan == limits::watch_rescan);
  CHECK(rescan("10s") == 10s);
  CHECK(rescan("1h30m") == 90min);
  CHECK(rescan("7d") == 168h);
  CHECK(rescan("1w") == 168h);
  CHECK(refusal([&] { rescan("9s"); }) == "--rescan: '9s' is out of range; write 10s to 7d");
  CHECK(refusal([&] { rescan("7d1s"); }) == "--rescan: '7d1s' is out of range; write 10s to 7d");
  for (const auto* text : {"off", "5", "h", "1x", "-1h", "+1h", "1h ", "99999999999999999999h"})
    CHECK(refusal([&] { rescan(text); }).find("is not a duration") != std::string::npos);
}

TEST_CASE("the command of a hook may reach its limit and not pass it", "[watch]") {
  const auto hook = [](const std::string& command) {
    return plans({"--hook=" + command, "/s", "/a"}).front().hook;
  };
  const std::string longest(limits::hook_command_bytes_max, ':');
  CHECK(hook(longest) == longest);
  CHECK(refusal([&] { hook(longest + ":"); }).find("--hook: the command has more than 65536 bytes") == 0);
  CHECK(refusal([&] { plans({"--hook=", "/s", "/a"}); }) == "--hook=: the value is missing");
  CHECK(plans({"--hook=x", "--hook0", "/s", "/a"}).front().hook_null);
  CHECK(client_plans(table("a", "/a", "/d", "hook = \"x\"\n")).plans.front().hook == "x");
}

TEST_CASE("paths are told relative to the source", "[watch]") {
  CHECK(prefix_of("/x/name") == "name/");
  CHECK(prefix_of("/x/name/").empty());
  CHECK(prefix_of(".").empty());
  CHECK(prefix_of("syncline://host/share").empty());  // the root of a share means its contents
  CHECK(prefix_of("syncline://host/share/a/name") == "name/");
  CHECK(prefix_of("syncline://host/share/a/name/").empty());
  CHECK(prefix_of("me@host:a/name") == "name/");
  CHECK(below_source("name/", "name/a/b") == "a/b");
  CHECK(below_source("name/", "name/").empty());
  CHECK(below_source("name/", "name").empty());
  CHECK(below_source("", "name/a") == "name/a");
}

TEST_CASE("a configuration gives its watches their names, and the command line counts for all", "[watch]") {
  const auto toml = table("a", "~/a/", "/d/a") +
                    "[[watch]]\nname = \"b\"\nsource = \"/b/\"\ndestination = [\"/d/b\", \"nas:b\"]\n"
                    "options = [\"--no-delete\", \"--exclude\", \"x\"]\nrescan = \"30m\"\n";
  const auto all = client_plans(toml, {"-v"});
  REQUIRE(all.plans.size() == 3);
  CHECK(all.problems.empty());
  CHECK(all.plans[0].label == "a");
  CHECK(all.plans[0].options.sources == Texts{"/home/me/a/"});
  CHECK(all.plans[0].options.delete_extra);
  CHECK(all.plans[1].label == "b /d/b");
  CHECK(all.plans[2].label == "b nas:b");
  CHECK_FALSE(all.plans[2].options.delete_extra);
  CHECK(all.plans[2].options.filters.size() == 1);
  CHECK(all.plans[2].follow.rescan == std::chrono::minutes(30));
  for (const auto& plan : all.plans) CHECK(plan.output.verbosity == 1);
  const auto one = client_plans(toml, {}, {"a"});
  REQUIRE(one.plans.size() == 1);
  CHECK(one.plans[0].label.empty());
  CHECK(client_plans(toml, {}, {"b", "a"}).plans.size() == 3);
  CHECK(refusal([&] { client_plans(toml, {}, {"c"}); }) ==
        "--only: no watch has the name 'c'; there are: a, b");
  CHECK(refusal([&] { client_plans("", {}, {"c"}); }) == "--only: no watch has the name 'c'; there is none");
}

TEST_CASE("options of a configuration are those of the command line, and told with their place", "[watch]") {
  const auto lines_of = [](const std::string& more) { return problem_lines(table("a", "/a", "/d", more)); };
  CHECK(lines_of("options = [\"--exlude=x\"]\n") ==
        Texts{"f.toml:5:1: watch[0].options: unknown option --exlude"});
  CHECK(lines_of("options = [\"-n\"]\n") ==
        Texts{"f.toml:5:1: watch[0].options: --dry-run does not go with watch; see what copy would do"});
  CHECK(lines_of("options = [\"/x\"]\n")[0].starts_with("f.toml:5:1: watch[0].options: "));
  for (const auto* word : {"--json", "--config=/x", "--only=x", "--help"})
    CHECK(
        lines_of("options = [\"" + std::string(word) + "\"]\n")[0].ends_with(" belongs on the command line"));
  CHECK(lines_of("rescan = \"1\"\n") ==
        Texts{"f.toml:5:1: watch[0].rescan: --rescan: '1' is not a duration; write a "
              "number and s, m, h or d, as in 30m"});
  // What is chosen does not matter: the whole file is checked.
  const auto two =
      table("a", "/a", "/d") + table("b", "/b", "/e", "options = [\"--bogus\"]\nrescan = \"x\"\n");
  CHECK(client_plans(two, {}, {"a"}).problems.size() == 2);
}

TEST_CASE("watches of a configuration that fill the same directory are told with both names", "[watch]") {
  CHECK(problem_lines(table("a", "/a/", "/d") + table("b", "/b/", "/d/")) ==
        Texts{"f.toml:8:1: watch[1].destination: '/d/', and '/d' of watch 'a', fill the same directory; give "
              "each a "
              "directory of its own"});
  CHECK(problem_lines(table("a", "/a", "/d") + table("b", "/b", "/d")).empty());
  CHECK(problem_lines(table("a", "/x/a", "/d") + table("b", "/y/a/", "/d/a/b")).size() == 1);
  CHECK(problem_lines(table("a", "/a/", "syncline://nas")).empty());
}

}  // namespace
}  // namespace syncline::cli
