// SPDX-License-Identifier: Apache-2.0
#include "config/places.hpp"

#include "expect.hpp"
#include "support/fault_fs.hpp"
#include "support/temp_dir.hpp"

namespace syncline::config {
namespace {

TEST_CASE("a person's own configuration goes before that of the machine", "[server]") {
  CHECK(config_places({.home = "/h", .xdg_config_home = "/x"}) ==
        Lines{"/x/syncline/server.toml", "/etc/syncline/server.toml"});
  CHECK(config_places({.home = "/h"}) ==
        Lines{"/h/.config/syncline/server.toml", "/etc/syncline/server.toml"});
  CHECK(config_places({.home = "/h", .xdg_config_home = "relative"})[0] == "/h/.config/syncline/server.toml");
  CHECK(config_places({}) == Lines{"/etc/syncline/server.toml"});
}

TEST_CASE("for root the configuration of the machine goes first", "[server]") {
  CHECK(config_places({.home = "/r", .root = true}) ==
        Lines{"/etc/syncline/server.toml", "/r/.config/syncline/server.toml"});
}

TEST_CASE("the first configuration that is there is found", "[server]") {
  test::TempDir temp;
  const Environment environment{.xdg_config_home = temp.path()};
  const auto found = find_config(fs::linux_fs(), environment);
  CHECK(found != temp.path("syncline/server.toml"));
  temp.make_dir("syncline");
  temp.write("syncline/server.toml", "");
  CHECK(find_config(fs::linux_fs(), environment) == temp.path("syncline/server.toml"));
}

TEST_CASE("a configuration that cannot be looked at is not passed over", "[server]") {
  test::FaultFs faulty(fs::linux_fs());
  faulty.fail_op("stat_path", EACCES);
  CHECK_THROWS_AS(find_config(faulty, {.xdg_config_home = "/x"}), Error);
}

TEST_CASE("the state lies where systemd says, else where such things lie", "[server]") {
  CHECK(default_state_dir({.home = "/h", .state_directory = "/var/lib/a:/var/lib/b", .root = true}) ==
        "/var/lib/a");
  CHECK(default_state_dir({.home = "/h", .xdg_state_home = "/s", .root = true}) == "/var/lib/syncline");
  CHECK(default_state_dir({.home = "/h", .xdg_state_home = "/s"}) == "/s/syncline");
  CHECK(default_state_dir({.home = "/h", .xdg_state_home = "s"}) == "/h/.local/state/syncline");
  CHECK(default_state_dir({}).empty());
}

}  // namespace
}  // namespace syncline::config
