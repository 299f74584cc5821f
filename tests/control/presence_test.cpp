// SPDX-License-Identifier: Apache-2.0
// Watches that are there, and what those that are gone leave behind.
#include "control/presence.hpp"

#include <signal.h>
#include <stdlib.h>

#include <filesystem>

#include "base/error.hpp"
#include "control/client.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace syncline;
using control::Presence;
using control::Watched;
using test::TempDir;

const Watched some_watch{"/s\xFF", "syncline://host/share/", "/state", 77, 123'456'789'012'345};

TEST_CASE("a watch that is there is found with all that is known of it", "[control]") {
  const TempDir top;
  const auto place = top.path("run/syncline");
  CHECK(control::find_watches(fs::linux_fs(), place).empty());
  {
    Presence presence(fs::linux_fs(), place, some_watch);
    CHECK(fs::linux_fs().open_root(place)->stat().mode == 0700);
    const auto found = control::find_watches(fs::linux_fs(), place);
    REQUIRE(found.size() == 1);
    CHECK(found[0].is_running);
    CHECK(found[0].watched.source == some_watch.source);
    CHECK(found[0].watched.destination == some_watch.destination);
    CHECK(found[0].watched.state_dir == some_watch.state_dir);
    CHECK(found[0].watched.pid == some_watch.pid);
    CHECK(found[0].watched.since_ns == some_watch.since_ns);
    CHECK(control::connect_to(fs::linux_fs(), found[0]));
  }
  CHECK(control::find_watches(fs::linux_fs(), place).empty());
  CHECK(std::filesystem::is_empty(place));
}

TEST_CASE("the same watch is there once, and others beside it", "[control]") {
  const TempDir top;
  Presence presence(fs::linux_fs(), top.path(), some_watch);
  CHECK_THROWS_AS(Presence(fs::linux_fs(), top.path(), some_watch), Error);
  CHECK(control::find_watches(fs::linux_fs(), top.path()).size() == 1);
  auto other = some_watch;
  other.destination = "/d";
  Presence beside(fs::linux_fs(), top.path(), other);
  CHECK(control::find_watches(fs::linux_fs(), top.path()).size() == 2);
  CHECK(control::socket_name(other) != control::socket_name(some_watch));
}

TEST_CASE("what a killed process leaves is told once and removed, and stands in nobody's way", "[control]") {
  const TempDir top;
  const auto killed = test::run_in_child([&] {
    Presence presence(fs::linux_fs(), top.path(), some_watch);
    ::raise(SIGKILL);
    return 0;
  });
  REQUIRE(killed.killed());
  CHECK(top.exists(control::socket_name(some_watch) + ".sock"));
  SECTION("to who looks") {
    const auto found = control::find_watches(fs::linux_fs(), top.path());
    REQUIRE(found.size() == 1);
    CHECK_FALSE(found[0].is_running);
    CHECK(found[0].watched.source == some_watch.source);
    CHECK(std::filesystem::is_empty(top.path()));
    CHECK_FALSE(control::connect_to(fs::linux_fs(), found[0]));
  }
  SECTION("to the next one") {
    Presence presence(fs::linux_fs(), top.path(), some_watch);
    CHECK(control::find_watches(fs::linux_fs(), top.path())[0].is_running);
  }
}

TEST_CASE("files of others in the directory are left alone", "[control]") {
  const TempDir top;
  top.write("x.json", "garbage");
  top.write("y.json", control::watched_text(some_watch));  // under a name that is not its own
  top.write("z", "");
  CHECK(control::find_watches(fs::linux_fs(), top.path()).empty());
  CHECK(top.exists("x.json"));
  CHECK(top.exists("y.json"));
  CHECK(top.exists("z"));
}

TEST_CASE("a directory that others may read is closed to them", "[control]") {
  const TempDir top;
  const auto place = top.make_dir("open");
  std::filesystem::permissions(place, std::filesystem::perms::all);
  Presence presence(fs::linux_fs(), place, some_watch);
  CHECK(fs::linux_fs().open_root(place)->stat().mode == 0700);
}

TEST_CASE("the runtime directory is used where there is one, and both are looked at", "[control]") {
  const char* before = ::getenv("XDG_RUNTIME_DIR");
  const std::string saved = before == nullptr ? "" : before;
  ::setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
  CHECK(control::socket_directory("/state") == "/run/user/7/syncline");
  CHECK(control::socket_directories("/state") ==
        std::vector<std::string>{"/run/user/7/syncline", "/state/run"});
  for (const auto* none : {"", "relative"}) {
    ::setenv("XDG_RUNTIME_DIR", none, 1);
    CHECK(control::socket_directory("/state") == "/state/run");
    CHECK(control::socket_directories("/state") == std::vector<std::string>{"/state/run"});
  }
  before == nullptr ? ::unsetenv("XDG_RUNTIME_DIR") : ::setenv("XDG_RUNTIME_DIR", saved.c_str(), 1);
}

TEST_CASE("a path is seen as the entry that it names", "[control]") {
  const TempDir dir;
  auto& files = fs::linux_fs();
  const auto top = files.real_path(dir.path());
  dir.make_dir("a/b");
  std::filesystem::create_symlink("a", dir.path("link"));
  CHECK(control::entry_path(files, dir.path("a")) == top + "/a");
  CHECK(control::entry_path(files, dir.path("a/")) == top + "/a");
  CHECK(control::entry_path(files, dir.path("link")) == top + "/link");
  CHECK(control::entry_path(files, dir.path("link/")) == top + "/a");
  CHECK(control::entry_path(files, dir.path("link/b/..")) == top + "/a");
  CHECK(control::entry_path(files, dir.path("link/new/x")) == top + "/a/new/x");
  CHECK(control::entry_path(files, "/") == "/");
  CHECK(control::entry_path(files, "new") == files.real_path(".") + "/new");
  CHECK(control::absolute_path(files, "/x//") == "/x");
  CHECK(control::absolute_path(files, "x/") == files.real_path(".") + "/x");
  CHECK(control::path_below("/a/b", "/a") == "b");
  CHECK(control::path_below("/a", "/a") == "");
  CHECK(control::path_below("/a", "/") == "a");
  CHECK_FALSE(control::path_below("/ab", "/a"));
}

}  // namespace
