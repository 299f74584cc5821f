// SPDX-License-Identifier: Apache-2.0
#include "config/server_load.hpp"

#include <sys/stat.h>

#include "base/limits.hpp"
#include "expect.hpp"
#include "support/temp_dir.hpp"

namespace syncline::config {
namespace {

using test::TempDir;

const Environment nobody{.home = "/nowhere/home"};

TEST_CASE("a file is loaded or refused with its first problem", "[server]") {
  TempDir temp;
  temp.write("c.toml", "threads = 5\n");
  CHECK(load_config(fs::linux_fs(), temp.path("c.toml")).threads == 5);
  temp.write("c.toml", "x = 1\nthreads = 5000\nlisten = []\n");
  CHECK(refusal([&] { load_config(fs::linux_fs(), temp.path("c.toml")); }) ==
        temp.path("c.toml") + ":1:1: x: is not a known key; see syncline-server.toml(5) (and 2 more)");
  CHECK_THROWS_AS(load_config(fs::linux_fs(), temp.path("none")), Error);
}

TEST_CASE("a file may reach its limit and not pass it", "[server]") {
  TempDir temp;
  temp.write("c.toml", std::string(limits::config_bytes_max - 1, '#') + "\n");
  CHECK(load_config(fs::linux_fs(), temp.path("c.toml")) == ServerConfig{});
  temp.write("c.toml", std::string(limits::config_bytes_max, '#') + "\n");
  try {
    load_config(fs::linux_fs(), temp.path("c.toml"));
    FAIL("not refused");
  } catch (const Error& error) {
    CHECK(error.is(Errc::limit_exceeded));
  }
}

TEST_CASE("a file that everybody may write is refused", "[server]") {
  TempDir temp;
  temp.write("c.toml", "");
  REQUIRE(::chmod(temp.path("c.toml").c_str(), 0664) == 0);
  CHECK(read_config(fs::linux_fs(), temp.path("c.toml")).problems.empty());
  REQUIRE(::chmod(temp.path("c.toml").c_str(), 0666) == 0);
  CHECK(lines(read_config(fs::linux_fs(), temp.path("c.toml")).problems) ==
        Lines{temp.path("c.toml") + ": may be written by every user of this machine; run: chmod o-w '" +
              temp.path("c.toml") + "'"});
}

TEST_CASE("the command line replaces and adds", "[server]") {
  auto loaded = read_config_text(
      "listen = [\":1\", \":2\"]\nstate_dir = \"/s\"\n"
      "[[share]]\nname = \"a\"\ndir = \"/a\"\n[[share]]\nname = \"b\"\ndir = \"/b\"\n"
      "[[authorize]]\nfingerprint = \"" +
          fingerprint + "\"\n",
      "f.toml");
  Overrides overrides;
  overrides.listen = {{"", 3}};
  overrides.shares = {{"b", "/c", ShareMode::read_only}, {"d", "/d", {}}};
  overrides.authorize = {{fingerprint, "*", Right::read_only}, {fingerprint, "a", Right::no_delete}};
  overrides.state_dir = "/t";
  apply(overrides, loaded);
  const auto& config = loaded.config;
  CHECK(config.listen == std::vector<Endpoint>{{"", 3}});
  CHECK(config.shares == std::vector<Share>{{"a", "/a", ShareMode::read_write},
                                            {"b", "/c", ShareMode::read_only},
                                            {"d", "/d", ShareMode::read_only}});
  CHECK(config.authorize == std::vector<Authorization>{{fingerprint, "*", Right::read_only},
                                                       {fingerprint, "a", Right::no_delete}});
  CHECK(config.state_dir == "/t");
  CHECK(loaded.origins.place_of("share[0].dir") == "f.toml:5:1");
  CHECK(loaded.origins.place_of("share[1].dir") == "--share");
  CHECK(loaded.origins.place_of("listen[0]") == "--listen");
  CHECK(loaded.origins.place_of("authorize[1].right") == "--authorize");
  apply({}, loaded);
  CHECK(loaded.config == config);
}

TEST_CASE("the effective configuration is file, command line and defaults", "[server]") {
  TempDir temp;
  temp.write("c.toml", "threads = 2\n[[share]]\nname = \"a\"\ndir = \"/a\"\n");
  Overrides overrides;
  overrides.shares = {{"b", "/a/b", ShareMode::read_write}};
  const auto loaded = effective_config(fs::linux_fs(), nobody, temp.path("c.toml"), overrides);
  CHECK(loaded.config.threads == 2);
  CHECK(loaded.config.state_dir == "/nowhere/home/.local/state/syncline");
  CHECK(lines(loaded.problems) ==
        Lines{"--share: share[1].dir: '/a/b' is inside the place of share 'a' (" + temp.path("c.toml") +
              ":4:1); choose directories that do not contain each other"});
}

TEST_CASE("a default state directory is checked like a chosen one", "[server]") {
  Overrides overrides;
  overrides.shares = {{"home", "/nowhere/home", ShareMode::read_write}};
  const Environment environment{.home = "/nowhere/home", .xdg_config_home = "/nowhere"};
  CHECK(lines(effective_config(fs::linux_fs(), environment, std::nullopt, overrides).problems) ==
        Lines{"state_dir: '/nowhere/home/.local/state/syncline' is inside the place of share 'home' "
              "(--share); choose "
              "directories that do not contain each other"});
  CHECK(lines(effective_config(fs::linux_fs(), {}, std::nullopt).problems) ==
        Lines{"state_dir: has no default without $HOME; set state_dir"});
}

TEST_CASE("a key is complained about once", "[server]") {
  TempDir temp;
  temp.write("c.toml", "threads = 9999\n[[share]]\n[[share]]\nname = \"x/\"\ndir = \"/a\"\n");
  const auto loaded = effective_config(fs::linux_fs(), nobody, temp.path("c.toml"));
  Lines keys;
  for (const auto& problem : loaded.problems) keys.push_back(problem.key);
  CHECK(keys == Lines{"share[0].name", "share[0].dir", "threads", "share[1].name"});
}

}  // namespace
}  // namespace syncline::config
