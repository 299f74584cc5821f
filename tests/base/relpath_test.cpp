// SPDX-License-Identifier: Apache-2.0
// Only paths that stay below their root can be written as a RelPath.
#include "base/relpath.hpp"

#include <string>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "support/catch.hpp"

using namespace syncline;

namespace {

bool refused(std::string_view text, Errc code) {
  try {
    RelPath::parse(text);
    return false;
  } catch (const Error& error) {
    return error.is(code);
  }
}

std::string deep(std::size_t levels) {
  std::string out;
  for (std::size_t i = 0; i < levels; ++i) out += i == 0 ? "d" : "/d";
  return out;
}

}  // namespace

TEST_CASE("a path that could leave its root does not parse", "[base]") {
  for (const char* text : {".", "..", "/", "/a", "a/", "a//b", "a/./b", "../a", "a/..", "a/../b"}) {
    CAPTURE(text);
    CHECK(refused(text, Errc::malformed));
  }
  CHECK(refused(std::string_view("a\0b", 3), Errc::malformed));
}

TEST_CASE("names that only look special are fine", "[base]") {
  for (const char* text : {"...", ".a", "a.", "..a", "a\nb", "\xFF\xFE", " ", "-", "a\\b", "C:"}) {
    CAPTURE(text);
    CHECK(RelPath::parse(text).text() == text);
  }
}

TEST_CASE("a name may have 255 bytes and no more", "[base]") {
  CHECK(RelPath::parse(std::string(255, 'x')).name().size() == 255);
  CHECK(refused(std::string(256, 'x'), Errc::limit_exceeded));
  CHECK_THROWS_AS(RelPath().child(std::string(256, 'x')), Error);
  CHECK_THROWS_AS(RelPath().child("a/b"), Error);
  CHECK_THROWS_AS(RelPath().child(""), Error);
}

TEST_CASE("depth and length of a path are bounded, by parse and by child alike", "[base]") {
  const auto deepest = RelPath::parse(deep(limits::path_depth_max));
  CHECK(deepest.depth() == limits::path_depth_max);
  CHECK(refused(deep(limits::path_depth_max + 1), Errc::limit_exceeded));
  CHECK_THROWS_AS(deepest.child("x"), Error);
  CHECK(deepest.parent().child("x").depth() == limits::path_depth_max);

  RelPath longest;
  const std::string name(200, 'n');
  while (longest.text().size() + 202 <= limits::path_bytes_max) longest = longest.child(name);
  longest = longest.child(std::string(limits::path_bytes_max - longest.text().size() - 1, 'n'));
  CHECK(longest.text().size() == limits::path_bytes_max);
  CHECK(RelPath::parse(longest.text()) == longest);
  CHECK_THROWS_AS(longest.child("x"), Error);
  CHECK(refused(longest.text() + "x", Errc::limit_exceeded));
}

TEST_CASE("the empty path is the root and its own parent", "[base]") {
  const auto root = RelPath::parse("");
  CHECK(root.is_root());
  CHECK(root == RelPath());
  CHECK(root.name().empty());
  CHECK(root.parent() == root);
  CHECK(root.components().empty());
  CHECK(root.depth() == 0);
}

TEST_CASE("child, parent, name and components agree", "[base]") {
  const auto path = RelPath().child("a").child("b.c").child("d");
  CHECK(path.text() == "a/b.c/d");
  CHECK(path.name() == "d");
  CHECK(path.parent().text() == "a/b.c");
  CHECK(path.parent().parent().parent().is_root());
  CHECK(path.depth() == 3);
  CHECK(path.components() == std::vector<std::string_view>{"a", "b.c", "d"});
}

TEST_CASE("a path is inside its ancestors and itself, not inside a namesake", "[base]") {
  const auto path = RelPath::parse("a/b/c");
  CHECK(path.is_inside(path));
  CHECK(path.is_inside(RelPath::parse("a/b")));
  CHECK(path.is_inside(RelPath()));
  CHECK_FALSE(path.is_inside(RelPath::parse("a/b/c/d")));
  CHECK_FALSE(RelPath::parse("a/bc").is_inside(RelPath::parse("a/b")));
  CHECK_FALSE(RelPath().is_inside(path));
}

TEST_CASE("paths sort by unsigned bytes", "[base]") {
  CHECK(RelPath::parse("a") < RelPath::parse("\xC3\xA9"));
  CHECK(RelPath::parse("a.b") < RelPath::parse("a/b"));
  CHECK(RelPath() < RelPath::parse("a"));
}
