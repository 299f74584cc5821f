// SPDX-License-Identifier: Apache-2.0
// What watch is told to follow, and every way to say it wrong.
#include <sys/stat.h>

#include "base/limits.hpp"
#include "config/client_config.hpp"
#include "expect.hpp"
#include "support/temp_dir.hpp"

namespace syncline::config {
namespace {

const std::string home = "/home/me";
const std::string whole = R"([[watch]]
name = "a"
source = "~/a/"
destination = ["nas:a/", "/mnt/a", "syncline://nas/a", "~"]
options = ["--gitignore", "--exclude", "*.o"]
rescan = "1h"
hook = "true"

[[watch]]
name = "B.2_c-d"
source = "/srv/b"
destination = "~/b"
)";

Lines client_problems(const std::string& text) {
  return lines(read_client_text(text, "f.toml", home).problems);
}

/// A watch with `line` in it.
std::string with(const std::string& line) {
  return "[[watch]]\nname = \"a\"\nsource = \"/a\"\ndestination = \"/b\"\n" + line + "\n";
}

TEST_CASE("a client's file is read, and the home directory takes the place of a tilde", "[client]") {
  const auto loaded = read_client_text(whole, "f.toml", home);
  CHECK(lines(loaded.problems) == Lines{});
  const ClientWatch first{"a",
                          "/home/me/a/",
                          {"nas:a/", "/mnt/a", "syncline://nas/a", "/home/me"},
                          {"--gitignore", "--exclude", "*.o"},
                          "1h",
                          "true"};
  const ClientWatch second{"B.2_c-d", "/srv/b", {"/home/me/b"}, {}, "", ""};
  CHECK(loaded.config.watches == std::vector{first, second});
  CHECK(loaded.origins.place_of("watch[1].source") == "f.toml:11:1");
  CHECK(loaded.origins.place_of("watch[0].destination[1]") == "f.toml:4:26");
}

TEST_CASE("a client's configuration is printed and read as the same", "[client]") {
  const auto loaded = read_client_text(whole, "f.toml", home);
  const auto again = read_client_text(to_toml(loaded.config), "printed", "");
  CHECK(lines(again.problems) == Lines{});
  CHECK(again.config == loaded.config);
  CHECK(to_toml(ClientConfig{}).empty());
}

TEST_CASE("all problems of a client's file are told at once, by their places", "[client]") {
  CHECK(client_problems(
            "wach = 1\n[[watch]]\nname = \".x\"\nsource = \"/x\"\n  hok = \"y\"\ndestination = []\n") ==
        Lines{"f.toml:1:1: wach: is not a known key; did you mean 'watch'?",
              "f.toml:3:1: watch[0].name: '.x' cannot be the name of a watch; write 1 to 64 of A-Z a-z 0-9 . "
              "_ - and "
              "no dot in front",
              "f.toml:5:3: watch.hok: is not a known key; did you mean 'hook'?",
              "f.toml:6:1: watch[0].destination: is empty; write one destination at least"});
  CHECK(client_problems("[[watch]]\n") ==
        Lines{"f.toml:1:1: watch[0].name: is missing; write name = \"NAME\"",
              "f.toml:1:1: watch[0].source: is missing; write source = \"/absolute/path/\"",
              "f.toml:1:1: watch[0].destination: is missing; write destination = \"/absolute/path\" or "
              "\"syncline://...\""});
  CHECK(client_problems("[watch]\nname = \"a\"\n")[0].ends_with(
      "write [[watch]], with two brackets, for each of them"));
  CHECK(client_problems("watch = [1]")[0] == "f.toml:1:10: watch[0]: is an integer; write [[watch]]");
  CHECK(client_problems("[[watch]\n")[0].starts_with("f.toml:1:"));
}

TEST_CASE("values of a wrong type and paths that depend on where one stands are refused", "[client]") {
  CHECK(client_problems(with("rescan = 5")) ==
        Lines{"f.toml:5:1: watch[0].rescan: is an integer; write text in quotes"});
  CHECK(client_problems(with("hook = \"\"")) ==
        Lines{"f.toml:5:1: watch[0].hook: is empty; write text, or remove the key"});
  CHECK(client_problems(with("hook = \"a\\u0000b\"")) ==
        Lines{"f.toml:5:1: watch[0].hook: has a NUL byte; remove it"});
  CHECK(client_problems(with("options = \"-v\"")).size() == 1);
  CHECK(client_problems(with("options = [1]")) ==
        Lines{"f.toml:5:12: watch[0].options[0]: is an integer; write text in quotes"});
  CHECK(client_problems("[[watch]]\nname=\"a\"\nsource=\"a\"\ndestination=[\"/b\", \"./c:d\"]\n") ==
        Lines{"f.toml:3:1: watch[0].source: 'a' is relative; write the path from / or ~/ on",
              "f.toml:4:20: watch[0].destination[1]: './c:d' is relative; write the path from / or ~/ on"});
  CHECK(lines(read_client_text(with("") + "[[watch]]\nname=\"b\"\nsource=\"~/a\"\ndestination=\"/c\"\n",
                               "f.toml", "")
                  .problems) ==
        Lines{"f.toml:8:1: watch[1].source: '~/a' needs $HOME; write the path from / on"});
}

TEST_CASE("names and options of a watch may reach their limits and not pass them", "[client]") {
  const auto named = [](std::size_t bytes) {
    return "[[watch]]\nname = \"" + std::string(bytes, 'n') + "\"\nsource = \"/a\"\ndestination = \"/b\"\n";
  };
  CHECK(client_problems(named(limits::config_watch_name_bytes_max)) == Lines{});
  CHECK(client_problems(named(limits::config_watch_name_bytes_max + 1)).size() == 1);
  const auto optional = [](std::size_t count) {
    std::string list;
    for (std::size_t k = 0; k < count; ++k) list += "\"-v\",";
    return with("options = [" + list + "]");
  };
  CHECK(client_problems(optional(limits::config_watch_options_max)) == Lines{});
  CHECK(client_problems(optional(limits::config_watch_options_max + 1)).size() == 1);
  CHECK(client_problems(with("") + with("")) ==
        Lines{"f.toml:7:1: watch[1].name: 'a' is there twice; give each watch a name of its own"});
}

TEST_CASE("a client's file that everybody may write is a problem", "[client]") {
  test::TempDir temp;
  const auto path = temp.path("client.toml");
  temp.write("client.toml", with(""));
  CHECK(lines(read_client(fs::linux_fs(), path, home).problems) == Lines{});
  REQUIRE(::chmod(path.c_str(), 0646) == 0);
  CHECK(read_client(fs::linux_fs(), path, home).problems.size() == 1);
  CHECK_THROWS_AS(read_client(fs::linux_fs(), temp.path("none"), home), Error);
}

TEST_CASE("a client's file lies with the user first, for root too", "[client]") {
  using Places = std::vector<std::string>;
  CHECK(client_places({.home = home, .root = true}) ==
        Places{"/home/me/.config/syncline/client.toml", "/etc/syncline/client.toml"});
  CHECK(client_places({.home = home, .xdg_config_home = "/c"}).front() == "/c/syncline/client.toml");
  CHECK(client_places({.xdg_config_home = "relative"}) == Places{"/etc/syncline/client.toml"});
  test::TempDir temp;
  CHECK(find_client(fs::linux_fs(), {.xdg_config_home = temp.path()}) != temp.path("syncline/client.toml"));
  temp.make_dir("syncline");
  temp.write("syncline/client.toml", "");
  CHECK(find_client(fs::linux_fs(), {.xdg_config_home = temp.path()}) == temp.path("syncline/client.toml"));
}

}  // namespace
}  // namespace syncline::config
