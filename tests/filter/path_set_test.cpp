// SPDX-License-Identifier: Apache-2.0
#include "filter/path_set.hpp"

#include "base/error.hpp"
#include "support/catch.hpp"

namespace syncline::filter {
namespace {

TEST_CASE("a listed path brings its parents but not their other entries", "[pathset]") {
  PathSet paths(false);
  paths.add("/a/b/c");
  CHECK(paths.contains(""));
  CHECK(paths.contains("a"));
  CHECK(paths.contains("a/b"));
  CHECK(paths.contains("a/b/c"));
  CHECK_FALSE(paths.contains("a/x"));
  CHECK_FALSE(paths.contains("a/b/c/d"));
  CHECK(paths.descends(""));
  CHECK(paths.descends("a/b"));
  CHECK_FALSE(paths.descends("a/b/c"));
  CHECK(paths.listed("a/b/c"));
  CHECK_FALSE(paths.listed("a/b"));
  CHECK(paths.paths() == std::vector<std::string>{"a/b/c"});
}

TEST_CASE("a trailing slash lists immediate contents", "[pathset]") {
  PathSet paths(false);
  paths.add("d/");
  CHECK(paths.contains("d/x"));
  CHECK_FALSE(paths.contains("d/x/y"));
  CHECK(paths.descends("d"));
  CHECK_FALSE(paths.descends("d/x"));
}

TEST_CASE("the dot lists the source's own contents", "[pathset]") {
  for (const auto* line : {".", "./", "/"}) {
    PathSet paths(false);
    paths.add(line);
    CAPTURE(line);
    CHECK(paths.contains("x"));
    CHECK_FALSE(paths.contains("x/y"));
  }
}

TEST_CASE("recursion takes all that is below a listed directory", "[pathset]") {
  PathSet paths(true);
  paths.add("a/d");
  CHECK(paths.contains("a/d/x/y/z"));
  CHECK(paths.descends("a/d/x"));
  CHECK_FALSE(paths.contains("a/e"));
  CHECK_FALSE(paths.descends("a/e"));
}

TEST_CASE("a directory that is listed and leads on does both", "[pathset]") {
  PathSet paths(false);
  paths.add("a");
  paths.add("a/b/c");
  paths.add("a/b/c");
  CHECK(paths.descends("a"));
  CHECK(paths.descends("a/b"));
  CHECK_FALSE(paths.contains("a/x"));
  CHECK(paths.paths().size() == 2);
}

TEST_CASE("an empty list selects the root alone", "[pathset]") {
  const PathSet paths(true);
  CHECK(paths.contains(""));
  CHECK_FALSE(paths.contains("x"));
  CHECK_FALSE(paths.descends(""));
}

TEST_CASE("a path that leaves the source is refused by name", "[pathset]") {
  PathSet paths(true);
  const std::string long_name(256, 'n');
  for (const auto& line : {std::string("../x"), std::string("a/../b"), std::string("a\0b", 3), long_name,
                           std::string("a/./b")}) {
    CAPTURE(line);
    CHECK_THROWS_AS(paths.add(line), Error);
  }
  CHECK(paths.paths().empty());
  CHECK_NOTHROW(paths.add("a/."));
  CHECK(paths.contains("a/x"));
}

}  // namespace
}  // namespace syncline::filter
