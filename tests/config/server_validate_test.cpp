// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "base/limits.hpp"
#include "config/server_config.hpp"
#include "config/server_keys.hpp"
#include "expect.hpp"
#include "support/fault_fs.hpp"
#include "support/temp_dir.hpp"

namespace syncline::config {
namespace {

ServerConfig with_shares(std::vector<Share> shares) {
  ServerConfig config;
  config.shares = std::move(shares);
  return config;
}

TEST_CASE("the defaults are sound", "[server]") {
  CHECK(validate({}).empty());
  CHECK(ServerConfig{}.listen == std::vector<Endpoint>{{"", 8737}});
  CHECK(ServerConfig{}.durability == Durable::batch);
  CHECK(ServerConfig{}.limits.connections_max == 2000);
}

TEST_CASE("all problems of a configuration are told at once", "[server]") {
  ServerConfig config;
  config.listen = {};
  config.threads = limits::config_threads_max + 1;
  config.shares = {{".x", "srv", {}}, {"a", "/a", {}}, {"a", "/a/b", {}}};
  config.authorize = {{"SHA256:", "b", {}}};
  CHECK(lines(validate(config)) ==
        Lines{"listen: is empty: nobody could connect; write \"ADDR:PORT\"",
              "threads: 1025 is out of range; write 0 to 1024",
              "share[0].name: '.x' cannot be the name of a share; write 1 to 64 of A-Z a-z 0-9 . _ - and no "
              "dot in front",
              "share[0].dir: 'srv' is relative; write the path from / on",
              "share[2].name: 'a' is the name of another share; give each share its own name",
              "share[2].dir: '/a/b' is inside the place of share 'a'; choose directories that do not contain "
              "each other",
              "authorize[0].fingerprint: 'SHA256:' is not a fingerprint; write SHA256: and its 43 characters",
              "authorize[0].share: 'b' is not the name of a share; did you mean 'a'?"});
}

TEST_CASE("each number may reach the ends of its range and not pass them", "[server]") {
  for (const auto& key : config_keys()) {
    if (key.type != ValueType::number) continue;
    CAPTURE(key.full_name());
    const auto sound = [&](std::int64_t number) {
      ServerConfig config;
      config.limits.connections_max = limits::config_connections_max;  // sessions depend on it
      config.limits.sessions_max = 1;
      key.set(config, number);
      return validate(config).empty();
    };
    CHECK(sound(key.range.min));
    CHECK(sound(key.range.max));
    CHECK_FALSE(sound(key.range.min - 1));
    CHECK_FALSE(sound(key.range.max + 1));
  }
}

TEST_CASE("a rate may reach the ends of its range and not pass them", "[server]") {
  const auto sound = [](std::uint64_t rate) {
    ServerConfig config;
    config.bwlimit = rate;
    return validate(config).empty();
  };
  CHECK(sound(limits::config_bwlimit_min));
  CHECK(sound(limits::config_bwlimit_max));
  CHECK_FALSE(sound(limits::config_bwlimit_min - 1));
  CHECK_FALSE(sound(limits::config_bwlimit_max + 1));
}

TEST_CASE("there are not more sessions than connections", "[server]") {
  ServerConfig config;
  config.limits.connections_max = config.limits.sessions_max;
  CHECK(validate(config).empty());
  config.limits.connections_max -= 1;
  CHECK(lines(validate(config)) ==
        Lines{"limits.sessions_max: is greater than connections_max: each session needs a "
              "connection; write 255 or less"});
  config.limits.sessions_max = limits::config_sessions_max + 1;
  CHECK(lines(validate(config)) == Lines{"limits.sessions_max: 100001 is out of range; write 1 to 100000"});
}

TEST_CASE("addresses to listen at are sound, different and not too many", "[server]") {
  ServerConfig config;
  config.listen = {{"", 1}, {"", 2}, {"::1", 1}, {"", 0}, {"", 0}};
  CHECK(validate(config).empty());
  config.listen = {{"", 1}, {"", 1}, {"a b", 1}};
  CHECK(lines(validate(config)) == Lines{"listen[1]: ':1' is there twice; remove one of them",
                                         "listen[2]: 'a b' is neither an address nor the name of a host"});
  config.listen.assign(limits::config_listen_max, {"", 0});
  CHECK(validate(config).empty());
  config.listen.push_back({"", 0});
  CHECK(validate(config).size() == 1);
}

TEST_CASE("shares lie beside each other", "[server]") {
  CHECK(validate(with_shares({{"a", "/srv/a", {}}, {"b", "/srv/ab", {}}, {"c", "/srv/a.b", {}}})).empty());
  CHECK(validate(with_shares({{"a", "/srv/a/b", {}}, {"b", "/srv/a", {}}})).size() == 1);
  CHECK(validate(with_shares({{"a", "/srv/a", {}}, {"b", "/srv//a/.", {}}})).size() == 1);
  CHECK(validate(with_shares({{"a", "/", {}}, {"b", "/srv", {}}})).size() == 1);
  CHECK(lines(validate(with_shares({{"a", "/x/b/c", {}}, {"b", "/x/d", {}}, {"c", "/x", {}}}))) ==
        Lines{"share[0].dir: '/x/b/c' is inside the place of share 'c'; choose directories that do not "
              "contain each other",
              "share[1].dir: '/x/d' is inside the place of share 'c'; choose directories that do not contain "
              "each other"});
}

TEST_CASE("state and log lie outside of shares, and shares outside of the state", "[server]") {
  auto config = with_shares({{"a", "/srv/a", {}}});
  config.state_dir = "/srv";
  CHECK(lines(validate(config)) == Lines{"share[0].dir: '/srv/a' is inside the place of state_dir; choose "
                                         "directories that do not contain each other"});
  config.state_dir = "/srv/a/state";
  CHECK(validate(config).size() == 1);
  config.state_dir = "/var/lib/syncline";
  config.log.file = "/srv/a/log";
  CHECK(lines(validate(config)) ==
        Lines{"log.file: '/srv/a/log' is inside the place of share 'a'; choose directories "
              "that do not contain each other"});
  config.log.file = "/var/lib/syncline/log";
  CHECK(validate(config).empty());
}

TEST_CASE("a client has one right in a share", "[server]") {
  auto config = with_shares({{"a", "/a", {}}, {"b", "/b", {}}});
  config.authorize = {{fingerprint, "a", Right::read_only},
                      {fingerprint, "b", Right::read_only},
                      {fingerprint, "*", Right::no_delete},
                      {other_fingerprint, "a", Right::read_write}};
  CHECK(validate(config).empty());
  config.authorize.push_back({fingerprint, "a", Right::read_write});
  CHECK(lines(validate(config)) ==
        Lines{"authorize[4]: this client and share are there already; keep the one with the "
              "right that is meant"});
}

TEST_CASE("a problem names where its value came from", "[server]") {
  Origins origins;
  origins.set("share[0]", "f:3");
  origins.set("share[1].dir", "--share");
  const auto found = validate(with_shares({{"a", "/a", {}}, {"b", "/a/b", {}}}), origins);
  CHECK(lines(found) == Lines{"--share: share[1].dir: '/a/b' is inside the place of share 'a' (f:3); choose "
                              "directories that do not contain each other"});
}

TEST_CASE("directories are looked at on request", "[server]") {
  test::TempDir temp;
  temp.write("file", "");
  const auto real = temp.make_dir("real");
  REQUIRE(::symlink("real", temp.path("link").c_str()) == 0);
  auto config = with_shares({{"a", real, {}}, {"b", temp.path("none"), {}}, {"c", temp.path("file"), {}}});
  CHECK(lines(check_dirs(fs::linux_fs(), config)) ==
        Lines{"share[1].dir: '" + temp.path("none") + "' is not there; create it, or mount what it lies on",
              "share[2].dir: '" + temp.path("file") + "' is not a directory; name a directory"});
  config.shares = {{"a", real, {}}};
  config.state_dir = temp.path("not yet");
  CHECK(check_dirs(fs::linux_fs(), config).empty());
  config.shares.push_back({"b", temp.path("link"), {}});
  CHECK(validate(config).empty());
  CHECK(lines(check_dirs(fs::linux_fs(), config)) ==
        Lines{"share[1].dir: '" + real +
              "' is the place of share 'a'; choose directories that do not contain each other"});
}

TEST_CASE("a directory that cannot be looked at is a problem", "[server]") {
  test::FaultFs faulty(fs::linux_fs());
  faulty.fail_every("stat_path", EACCES);
  CHECK(lines(check_dirs(faulty, with_shares({{"a", "/a", {}}}))) ==
        Lines{"share[0].dir: '/a' cannot be looked at: Permission denied; check it as the user that the "
              "server runs as"});
}

TEST_CASE("the nearest word is one that a finger slipped from", "[server]") {
  const std::vector<std::string_view> words{"mode", "name", "dir"};
  CHECK(nearest("mdoe", words) == "mode");
  CHECK(nearest("nam", words) == "name");
  CHECK(nearest("dri", words) == "dir");
  CHECK(nearest("mode", words) == "mode");
  CHECK(nearest("path", words).empty());
  CHECK(nearest("", words).empty());
  CHECK(nearest(std::string(100'000, 'm'), words).empty());
}

}  // namespace
}  // namespace syncline::config
