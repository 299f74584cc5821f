// SPDX-License-Identifier: Apache-2.0
#include "filter/gitignore.hpp"

#include "support/catch.hpp"

namespace syncline::filter {
namespace {

bool file_ignored(std::string_view content, std::string_view path) {
  GitIgnore ignore;
  ignore.push("", content);
  return ignore.ignored(path, false);
}
bool dir_ignored(std::string_view content, std::string_view path) {
  GitIgnore ignore;
  ignore.push("", content);
  return ignore.ignored(path, true);
}

TEST_CASE("comments, blank lines and escapes read as git reads them", "[gitignore]") {
  CHECK_FALSE(file_ignored("#a\n\n", "#a"));
  CHECK(file_ignored("\\#a", "#a"));
  CHECK(file_ignored("\\!a", "!a"));
  CHECK(file_ignored("a  ", "a"));
  CHECK(file_ignored("a\\ ", "a "));
  CHECK(file_ignored("a\\  ", "a "));
  CHECK_FALSE(file_ignored("a\t", "a"));
  CHECK(file_ignored("a\r\nb\r\n", "b"));
  CHECK(
      file_ignored("\xEF\xBB\xBF"
                   "a\n",
                   "a"));
  CHECK_FALSE(file_ignored("a\\", "a"));
}

TEST_CASE("a pattern without a slash is a name at any depth", "[gitignore]") {
  CHECK(file_ignored("*.o", "a/b/c.o"));
  CHECK(file_ignored("foo", "a/foo"));
  CHECK_FALSE(file_ignored("/foo", "a/foo"));
  CHECK(file_ignored("/foo", "foo"));
  CHECK_FALSE(file_ignored("a/foo", "b/a/foo"));
  CHECK(file_ignored("a/*.o", "a/x.o"));
  CHECK_FALSE(file_ignored("a/*.o", "a/b/x.o"));
}

TEST_CASE("a trailing slash matches directories only", "[gitignore]") {
  CHECK(dir_ignored("out/", "a/out"));
  CHECK_FALSE(file_ignored("out/", "a/out"));
}

TEST_CASE("the last matching line decides and can take back", "[gitignore]") {
  CHECK_FALSE(file_ignored("*.o\n!keep.o\n", "a/keep.o"));
  CHECK(file_ignored("!keep.o\n*.o\n", "a/keep.o"));
}

TEST_CASE("the nearest file decides before those above it", "[gitignore]") {
  GitIgnore ignore;
  ignore.push("", "*.log\n");
  ignore.push("a", "!*.log\n/only\n");
  ignore.push("a/b", "deep.log\n");
  CHECK(ignore.ignored("x.log", false));
  CHECK_FALSE(ignore.ignored("a/x.log", false));
  CHECK_FALSE(ignore.ignored("a/b/x.log", false));
  CHECK(ignore.ignored("a/b/deep.log", false));
  CHECK(ignore.ignored("a/only", false));
  CHECK_FALSE(ignore.ignored("a/b/only", false));
}

TEST_CASE("nothing below an ignored directory can be taken back", "[gitignore]") {
  GitIgnore ignore;
  ignore.push("", "out/\n!out/keep\n");
  CHECK_FALSE(ignore.ignored("out/keep", false));
  CHECK(ignore.ignored_with_parents("out/keep", false));
}

TEST_CASE("the .git directory is ignored at any depth, and only that name", "[gitignore]") {
  GitIgnore ignore;
  CHECK(ignore.ignored(".git", true));
  CHECK(ignore.ignored("sub/.git", false));
  CHECK(ignore.ignored_with_parents("sub/.git/config", false));
  CHECK_FALSE(ignore.ignored(".gitignore", false));
  CHECK_FALSE(ignore.ignored("", true));
}

TEST_CASE("a file can be replaced and forgotten", "[gitignore]") {
  GitIgnore ignore;
  ignore.push("a", "x\n");
  ignore.push("a", "y\n");
  CHECK_FALSE(ignore.ignored("a/x", false));
  CHECK(ignore.ignored("a/y", false));
  ignore.pop("a");
  CHECK_FALSE(ignore.ignored("a/y", false));
  CHECK(ignore.empty());
}

}  // namespace
}  // namespace syncline::filter
