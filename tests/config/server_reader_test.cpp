// SPDX-License-Identifier: Apache-2.0
#include "base/limits.hpp"
#include "config/depth.hpp"
#include "config/server_load.hpp"
#include "expect.hpp"

namespace syncline::config {
namespace {

Lines problems_of(const std::string& toml) { return lines(read_config_text(toml, "f.toml").problems); }
ServerConfig config_of(const std::string& toml) {
  const auto loaded = read_config_text(toml, "f.toml");
  CHECK(lines(loaded.problems) == Lines{});
  return loaded.config;
}

const std::string full = R"(
listen = ["[::1]:0", "localhost:99"]
state_dir = "/var/lib/x"
durability = "file"
update = "inplace"
threads = 3
bwlimit = "1.5M"

[log]
file = "/var/log/x.log"
json = true

[limits]
connections_max = 7
connections_per_client_max = 5
sessions_max = 6
sessions_per_client_max = 4
handshake_timeout_seconds = 5
idle_timeout_seconds = 40

[[share]]
name = "a"
dir = "/srv//a/"
mode = "ro"

[[share]]
name = "b"
dir = "/srv/b \" \\ ä"

[[authorize]]
fingerprint = ")" + fingerprint +
                         R"("
share = "a"
right = "nodelete"
)";

TEST_CASE("every key of a configuration is read", "[server]") {
  const auto config = config_of(full);
  ServerConfig expected;
  expected.listen = {{"::1", 0}, {"localhost", 99}};
  expected.state_dir = "/var/lib/x";
  expected.durability = Durable::file;
  expected.update = Update::inplace;
  expected.threads = 3;
  expected.bwlimit = limits::mib * 3 / 2;
  expected.log = {"/var/log/x.log", true};
  expected.limits = {7, 5, 6, 4, std::chrono::seconds(5), std::chrono::seconds(40)};
  expected.shares = {{"a", "/srv/a", ShareMode::read_only}, {"b", "/srv/b \" \\ ä", ShareMode::read_write}};
  expected.authorize = {{fingerprint, "a", Right::no_delete}};
  CHECK(config == expected);
  CHECK(validate(config).empty());
}

TEST_CASE("what is printed is read as the same", "[server]") {
  CHECK(config_of(to_toml(config_of(full))) == config_of(full));
  CHECK(config_of(to_toml(ServerConfig{})) == ServerConfig{});
  CHECK(config_of("") == ServerConfig{});
}

TEST_CASE("the places of values are known", "[server]") {
  const auto loaded = read_config_text(full, "f.toml");
  CHECK(loaded.origins.place_of("threads") == "f.toml:6:1");
  CHECK(loaded.origins.place_of("share[1].dir") == "f.toml:28:1");
  CHECK(loaded.origins.place_of("share[1].mode") == "f.toml:26:1");  // of the share itself
  CHECK(loaded.origins.place_of("limits.idle_timeout_seconds") == "f.toml:19:1");
  CHECK(loaded.origins.place_of("listen[1]") == "f.toml:2:22");
  CHECK(loaded.origins.place_of("update.x") == "f.toml:5:1");
  CHECK(read_config_text("", "f").origins.place_of("threads").empty());
}

TEST_CASE("an unknown key is named with its line and the nearest known one", "[server]") {
  CHECK(problems_of("\nthread = 1") ==
        Lines{"f.toml:2:1: thread: is not a known key; did you mean 'threads'?"});
  CHECK(problems_of("[limit]\n") == Lines{"f.toml:1:2: limit: is not a known key; did you mean 'limits'?"});
  CHECK(problems_of("[limits]\nidle_timout_seconds = 5") ==
        Lines{"f.toml:2:1: limits.idle_timout_seconds: is not a known key; did you mean "
              "'idle_timeout_seconds'?"});
  CHECK(problems_of("[[share]]\nname=\"a\"\ndir=\"/a\"\nmdoe=\"ro\"") ==
        Lines{"f.toml:4:1: share.mdoe: is not a known key; did you mean 'mode'?"});
  CHECK(problems_of("xyzzy = 1") ==
        Lines{"f.toml:1:1: xyzzy: is not a known key; see syncline-server.toml(5)"});
  CHECK(problems_of("\"a\\u001bb\" = 1") ==
        Lines{"f.toml:1:1: a\\033b: is not a known key; see syncline-server.toml(5)"});
}

TEST_CASE("a key in the wrong table is sent to its own", "[server]") {
  CHECK(problems_of("connections_max = 5") ==
        Lines{"f.toml:1:1: connections_max: is not a key of this place; write it below [limits]"});
  CHECK(problems_of("[log]\nthreads = 5") ==
        Lines{"f.toml:2:1: log.threads: is not a key of this place; write it above the first [table]"});
}

TEST_CASE("a value of another type is refused and the rest is read", "[server]") {
  CHECK(problems_of("threads = \"4\"") ==
        Lines{"f.toml:1:1: threads: is a string; write an integer from 0 to 1024"});
  CHECK(problems_of("threads = 1.0") ==
        Lines{"f.toml:1:1: threads: is a number with a fraction; write an integer from 0 to 1024"});
  CHECK(problems_of("state_dir = 1") == Lines{"f.toml:1:1: state_dir: is an integer; write text in quotes"});
  CHECK(problems_of("bwlimit = 1979-05-27") ==
        Lines{"f.toml:1:1: bwlimit: is a date or a time; write text in quotes"});
  CHECK(problems_of("listen = \":1\"") ==
        Lines{"f.toml:1:1: listen: is a string; write listen = [\"ADDR:PORT\"]"});
  CHECK(problems_of("log = 1") == Lines{"f.toml:1:1: log: is an integer; write [log] and its keys below"});
  CHECK(problems_of("[share]\nname = \"a\"") ==
        Lines{"f.toml:1:2: share: is a table; write [[share]], with two brackets, for each of them"});
  CHECK(problems_of("share = [1]") == Lines{"f.toml:1:10: share[0]: is an integer; write [[share]]"});
  CHECK(problems_of("[log]\njson = \"yes\"\n") ==
        Lines{"f.toml:2:1: log.json: is a string; write true or false, without quotes"});
  const auto loaded =
      read_config_text("threads = true\nupdate = \"atomic\"\nlisten = [\":1\", 2, \"x\"]", "f.toml");
  CHECK(lines(loaded.problems) ==
        Lines{"f.toml:1:1: threads: is true or false; write an integer from 0 to 1024",
              "f.toml:3:17: listen[1]: is an integer; write \"ADDR:PORT\"",
              "f.toml:3:20: listen[2]: 'x' has no port; write ADDR:PORT, or :PORT for every address"});
  CHECK(loaded.config.update == Update::atomic);
  CHECK(loaded.config.listen == std::vector<Endpoint>{{"", 1}});
}

TEST_CASE("words and paths that mean nothing are refused where they stand", "[server]") {
  CHECK(problems_of("durability = \"always\"\nupdate = \"Atomic\"\nbwlimit = \"10\"\nstate_dir = \"x\"\n") ==
        Lines{"f.toml:1:1: durability: 'always' is not known; write none, batch or file",
              "f.toml:2:1: update: 'Atomic' is not known; write auto, atomic or inplace",
              "f.toml:3:1: bwlimit: '10' is not a rate; write bytes a second with a unit, as in 10M or 1.5MB",
              "f.toml:4:1: state_dir: 'x' is relative; write the path from / on"});
  CHECK(problems_of("[[share]]\nname=\"a\"\ndir=\"/a\"\nmode=\"r\"\n[[authorize]]\nfingerprint=\"" +
                    fingerprint + "\"\nright=\"all\"") ==
        Lines{"f.toml:4:6: share[0].mode: 'r' is not known; write ro or rw",
              "f.toml:7:7: authorize[0].right: 'all' is not known; write ro, rw or nodelete"});
}

TEST_CASE("what an entry must have is asked for", "[server]") {
  CHECK(problems_of("[[share]]\n\n[[authorize]]\n") ==
        Lines{"f.toml:1:1: share[0].name: is missing; write name = \"NAME\"",
              "f.toml:1:1: share[0].dir: is missing; write dir = \"/absolute/path\"",
              "f.toml:3:1: authorize[0].fingerprint: is missing; write fingerprint = \"SHA256:...\""});
}

TEST_CASE("a mistake in the form of the file is named with its line", "[server]") {
  for (const auto* text : {"threads = 1\nupdate = \n", "\n[log", "\n\"", "\na = 1\na = 2", "\n\xff\xfe",
                           "\na = 99999999999999999999"}) {
    const auto found = problems_of(text);
    CAPTURE(text, found);
    REQUIRE(found.size() == 1);
    CHECK(found[0].find("; correct this line, then check again") != std::string::npos);
  }
  CHECK(problems_of("threads = 1\nupdate = ]\n")[0].starts_with("f.toml:2:"));
  CHECK(problems_of("a = 1\nb = 2\na = 3")[0].starts_with("f.toml:3:"));
}

std::string dotted(std::size_t dots) {
  std::string key = "a";
  for (std::size_t k = 0; k < dots; ++k) key += ".a";
  return key;
}

TEST_CASE("depth is bounded before the parser sees it", "[server]") {
  CHECK_FALSE(find_depth(dotted(limits::config_key_parts_max) + " = 1"));
  CHECK(find_depth("\n" + dotted(limits::config_key_parts_max + 1) + " = 1")->line == 2);
  const std::string open(limits::config_nesting_max, '[');
  CHECK_FALSE(find_depth("a = " + open));
  CHECK(find_depth("a = \n" + open + "\n[")->line == 3);
  CHECK_FALSE(find_depth("a = " + open + "]["));
  // These end a process that gives them to toml++ 3.3.
  CHECK(problems_of(dotted(400'000) + " = 1") ==
        Lines{"f.toml:1: has more than 32 dots; see syncline-server.toml(5)"});
  CHECK(problems_of("[" + dotted(400'000) + "]").size() == 1);
}

TEST_CASE("dots in strings and comments are not depth", "[server]") {
  const std::string dots(100, '.'), brackets(100, '[');
  for (const auto& text :
       {"# " + dots + brackets, "a = \"" + dots + "\\\"" + brackets + "\"", "a = '" + dots + "\\'",
        "a = \"\"\"\n" + dots + "\"" + brackets + "\n\"\"\"", "a = '''" + dots + "''" + brackets + "'''"})
    CHECK_FALSE(find_depth(text));
  CHECK(find_depth("a = '\\'" + dots));
  CHECK(find_depth("a = \"x\"" + brackets));
  CHECK(find_depth("a = \"\"\"\n\n\"\"\"\n" + brackets)->line == 4);
}

}  // namespace
}  // namespace syncline::config
