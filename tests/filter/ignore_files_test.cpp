// SPDX-License-Identifier: Apache-2.0
#include "filter/ignore_files.hpp"

#include "base/limits.hpp"
#include "support/catch.hpp"

namespace syncline::filter {
namespace {

bool file_ignored(std::string_view content, std::string_view path) {
  IgnoreFiles ignore;
  ignore.push("", content);
  return ignore.ignored(path, false);
}
bool dir_ignored(std::string_view content, std::string_view path) {
  IgnoreFiles ignore;
  ignore.push("", content);
  return ignore.ignored(path, true);
}

TEST_CASE("comments, blank lines and escapes read as git reads them", "[ignore_files]") {
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

TEST_CASE("a pattern without a slash is a name at any depth", "[ignore_files]") {
  CHECK(file_ignored("*.o", "a/b/c.o"));
  CHECK(file_ignored("foo", "a/foo"));
  CHECK_FALSE(file_ignored("/foo", "a/foo"));
  CHECK(file_ignored("/foo", "foo"));
  CHECK_FALSE(file_ignored("a/foo", "b/a/foo"));
  CHECK(file_ignored("a/*.o", "a/x.o"));
  CHECK_FALSE(file_ignored("a/*.o", "a/b/x.o"));
}

TEST_CASE("a trailing slash matches directories only", "[ignore_files]") {
  CHECK(dir_ignored("out/", "a/out"));
  CHECK_FALSE(file_ignored("out/", "a/out"));
}

TEST_CASE("the last matching line decides and can take back", "[ignore_files]") {
  CHECK_FALSE(file_ignored("*.o\n!keep.o\n", "a/keep.o"));
  CHECK(file_ignored("!keep.o\n*.o\n", "a/keep.o"));
}

TEST_CASE("the nearest file decides before those above it", "[ignore_files]") {
  IgnoreFiles ignore;
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

TEST_CASE("nothing below an ignored directory can be taken back", "[ignore_files]") {
  IgnoreFiles ignore;
  ignore.push("", "out/\n!out/keep\n");
  CHECK_FALSE(ignore.ignored("out/keep", false));
  CHECK(ignore.ignored_with_parents("out/keep", false));
}

TEST_CASE("a decision names the file, the line and the pattern", "[ignore_files]") {
  IgnoreFiles ignore;
  ignore.push("", "\xEF\xBB\xBF# comment\n\n*.log  \r\n!keep.log\n");
  ignore.push("a", "/out/\n");
  const auto log = ignore.decision("a/x.log", false);
  REQUIRE(log);
  CHECK(log->ignored);
  CHECK(log->dir.empty());
  CHECK(log->line == 3);
  CHECK(log->pattern == "*.log");
  const auto kept = ignore.decision("keep.log", false);
  REQUIRE(kept);
  CHECK_FALSE(kept->ignored);
  CHECK(kept->line == 4);
  CHECK(kept->pattern == "!keep.log");
  const auto out = ignore.decision("a/out", true);
  REQUIRE(out);
  CHECK(out->dir == "a");
  CHECK(out->pattern == "/out/");
  CHECK_FALSE(ignore.decision("a/out", false));
  CHECK_FALSE(ignore.decision("", true));
}

TEST_CASE("a file has as many patterns as the limit says, and no more", "[ignore_files]") {
  std::string content = "# a comment is no pattern\n";
  for (std::size_t i = 0; i < limits::ignore_patterns_max; ++i) content += "p" + std::to_string(i) + "\n";
  IgnoreFiles ignore;
  CHECK(ignore.push("", content));
  CHECK(ignore.ignored("p0", false));
  CHECK_FALSE(ignore.push("", content + "one more\n"));
  CHECK(ignore.empty());
}

TEST_CASE("a file can be replaced and forgotten", "[ignore_files]") {
  IgnoreFiles ignore;
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
