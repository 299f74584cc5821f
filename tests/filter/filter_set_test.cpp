// SPDX-License-Identifier: Apache-2.0
#include "filter/filter_set.hpp"

#include "support/catch.hpp"

namespace syncline::filter {
namespace {

bool file_out(std::string_view pattern, std::string_view path) {
  FilterSet filters;
  filters.add(false, pattern);
  return filters.excluded(path, false);
}
bool dir_out(std::string_view pattern, std::string_view path) {
  FilterSet filters;
  filters.add(false, pattern);
  return filters.excluded(path, true);
}

TEST_CASE("a bare name is left out at any depth", "[filter]") {
  CHECK(file_out("foo", "foo"));
  CHECK(file_out("foo", "a/b/foo"));
  CHECK_FALSE(file_out("foo", "foobar"));
  CHECK_FALSE(file_out("foo", "foo/bar"));
  CHECK(file_out("*.o", "src/main.o"));
}

TEST_CASE("a leading slash anchors at the root of the transfer", "[filter]") {
  CHECK(file_out("/foo", "foo"));
  CHECK_FALSE(file_out("/foo", "a/foo"));
  CHECK(file_out("/a/*.o", "a/x.o"));
  CHECK_FALSE(file_out("/a/*.o", "a/b/x.o"));
  CHECK_FALSE(file_out("/a/*.o", "z/a/x.o"));
}

TEST_CASE("an inner slash matches the last components at any depth", "[filter]") {
  CHECK(file_out("a/b", "a/b"));
  CHECK(file_out("a/b", "x/a/b"));
  CHECK_FALSE(file_out("a/b", "xa/b"));
  CHECK(file_out("a/*.o", "x/a/m.o"));
  CHECK_FALSE(file_out("a/*.o", "x/a/y/m.o"));
  CHECK_FALSE(file_out("a/*.o", "m.o"));
}

TEST_CASE("a trailing slash means directories only", "[filter]") {
  CHECK(dir_out("tmp/", "a/tmp"));
  CHECK_FALSE(file_out("tmp/", "a/tmp"));
  CHECK_FALSE(file_out("/", "x"));
}

TEST_CASE("two stars reach across slashes", "[filter]") {
  CHECK(file_out("/a/**", "a/x/y"));
  CHECK_FALSE(file_out("/a/**", "a"));
  CHECK(file_out("**/x", "x"));
  CHECK(file_out("**/x", "a/b/x"));
  CHECK(file_out("a**x", "k/ab/cx"));
}

TEST_CASE("three stars after a slash take the directory itself too", "[filter]") {
  CHECK(dir_out("/a/***", "a"));
  CHECK_FALSE(file_out("/a/***", "a"));
  CHECK(file_out("/a/***", "a/x/y"));
  CHECK(dir_out("a/***", "k/a"));
}

TEST_CASE("a backslash escapes only beside a wildcard", "[filter]") {
  CHECK(file_out("a\\b", "a\\b"));
  CHECK_FALSE(file_out("a\\b", "ab"));
  CHECK(file_out("\\a*", "ab"));
  CHECK(file_out("\\*", "*"));
  CHECK_FALSE(file_out("\\*", "x"));
}

TEST_CASE("the first rule that matches decides", "[filter]") {
  FilterSet filters;
  filters.add(true, "keep.o");
  filters.add(false, "*.o");
  filters.add(true, "late.o");
  CHECK_FALSE(filters.excluded("x/keep.o", false));
  CHECK(filters.excluded("late.o", false));
  CHECK_FALSE(filters.excluded("a.c", false));
  CHECK(filters.deciding_rule("late.o", false) == 1u);
  CHECK_FALSE(filters.deciding_rule("a.c", false));
}

TEST_CASE("the root is never left out", "[filter]") {
  CHECK_FALSE(dir_out("*", ""));
  CHECK_FALSE(dir_out("**", ""));
}

TEST_CASE("nothing below an excluded directory is in", "[filter]") {
  FilterSet filters;
  filters.add(true, "*.c");
  filters.add(false, "build/");
  CHECK_FALSE(filters.excluded("build/x.c", false));
  CHECK(filters.excluded_with_parents("build/x.c", false));
  CHECK(filters.excluded_with_parents("a/build/deep/x.c", false));
}

TEST_CASE("the include-some idiom keeps only what it names", "[filter]") {
  FilterSet filters;
  filters.add(true, "*/");
  filters.add(true, "*.h");
  filters.add(false, "*");
  CHECK_FALSE(filters.excluded_with_parents("a/b/x.h", false));
  CHECK(filters.excluded_with_parents("a/b/x.c", false));
}

}  // namespace
}  // namespace syncline::filter
