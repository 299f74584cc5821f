// SPDX-License-Identifier: Apache-2.0
#include "filter/glob.hpp"

#include <string>

#include "support/catch.hpp"

namespace syncline::filter {
namespace {

bool rsync_match(std::string_view pattern, std::string_view text) {
  return Glob(pattern, Glob::Dialect::rsync).matches(text);
}
bool git_match(std::string_view pattern, std::string_view text) {
  return Glob(pattern, Glob::Dialect::git).matches(text);
}

TEST_CASE("one star stops at a slash and two go on", "[glob]") {
  CHECK(rsync_match("*.o", "main.o"));
  CHECK(rsync_match("*", ""));
  CHECK_FALSE(rsync_match("*.o", "src/main.o"));
  CHECK(rsync_match("**.o", "src/main.o"));
  CHECK(rsync_match("a*c*e", "abcde"));
  CHECK_FALSE(rsync_match("a*c", "ab/c"));
  CHECK(rsync_match("a***c", "ab/c"));
  CHECK_FALSE(rsync_match("a/**/b", "a/b"));
}

TEST_CASE("git's two stars cover whole components only", "[glob]") {
  CHECK(git_match("a/**/b", "a/b"));
  CHECK(git_match("a/**/b", "a/x/y/b"));
  CHECK_FALSE(git_match("a/**/b", "a/xb"));
  CHECK(git_match("**/b", "b"));
  CHECK(git_match("**/b", "x/y/b"));
  CHECK(git_match("a/**", "a/x/y"));
  CHECK_FALSE(git_match("a/**", "a"));
  CHECK_FALSE(git_match("a**b", "a/b"));
  CHECK(git_match("a**b", "axxb"));
}

TEST_CASE("sets know ranges, classes, negation and a leading bracket", "[glob]") {
  CHECK(rsync_match("[a-c]x", "bx"));
  CHECK_FALSE(rsync_match("[!a-c]x", "bx"));
  CHECK(rsync_match("[^a-c]x", "dx"));
  CHECK(rsync_match("[]x]", "]"));
  CHECK(rsync_match("[a-]", "-"));
  CHECK(rsync_match("[\\]]", "]"));
  CHECK(rsync_match("[[:alpha:][:digit:]]", "7"));
  CHECK_FALSE(rsync_match("[[:upper:]]", "a"));
  CHECK_FALSE(rsync_match("[[:alpha:]]", "\xE4"));
  CHECK_FALSE(rsync_match("a[!b]c", "a/c"));
  CHECK(rsync_match("[\xF0-\xFF]", "\xF7"));
}

TEST_CASE("malformed patterns match nothing", "[glob]") {
  for (const auto* pattern : {"[", "[a", "[!", "a\\", "[[:nope:]]", "[[:alpha:]", "[\\"}) {
    CAPTURE(pattern);
    CHECK_FALSE(rsync_match(pattern, pattern));
    CHECK_FALSE(rsync_match(pattern, "a"));
    CHECK_FALSE(rsync_match(pattern, ""));
  }
}

TEST_CASE("a backslash makes the next byte literal", "[glob]") {
  CHECK(rsync_match("\\*", "*"));
  CHECK_FALSE(rsync_match("\\*", "a"));
  CHECK(rsync_match("\\\\", "\\"));
  CHECK(rsync_match("\\a?", "ab"));
}

TEST_CASE("literal ends do not overlap", "[glob]") {
  CHECK_FALSE(rsync_match("ab*ba", "aba"));
  CHECK(rsync_match("ab*ba", "abba"));
  CHECK_FALSE(rsync_match("a**a", "a"));
}

TEST_CASE("slashes can be put around a text", "[glob]") {
  const Glob glob("/a/***", Glob::Dialect::rsync);
  CHECK(glob.matches_between(true, "a", true, Glob::Begin::front));
  CHECK_FALSE(glob.matches_between(true, "a", false, Glob::Begin::front));
  CHECK(glob.matches_between(false, "/a", true, Glob::Begin::front));
  CHECK(Glob("*/", Glob::Dialect::rsync).matches_between(false, "", true, Glob::Begin::front));
}

TEST_CASE("a match may begin after any slash when asked to", "[glob]") {
  const Glob glob("b/**c", Glob::Dialect::rsync);
  CHECK(glob.matches("a/b/xc", Glob::Begin::after_any_slash));
  CHECK(glob.matches("b/c", Glob::Begin::after_any_slash));
  CHECK_FALSE(glob.matches("ab/c", Glob::Begin::after_any_slash));
  CHECK_FALSE(glob.matches("a/b/xc"));
}

TEST_CASE("piled-up stars do not make matching exponential", "[glob]") {
  std::string pattern;
  for (int k = 0; k < 200; ++k) pattern += "*a";
  const std::string text(4000, 'a');
  CHECK(rsync_match(pattern, text));
  CHECK_FALSE(rsync_match(pattern + "*b", text));
  std::string slashes;
  for (int k = 0; k < 1000; ++k) slashes += "a/";
  CHECK_FALSE(rsync_match("**a/**a/**a/**a/**a/*b*c", slashes));
  CHECK_FALSE(git_match("**/a/**/a/**/a/**/a/**/b", slashes));
}

TEST_CASE("patterns of more states than a word holds work", "[glob]") {
  for (const std::size_t length : {62u, 63u, 64u, 65u, 254u, 255u, 256u, 257u, 1000u}) {
    CAPTURE(length);
    const std::string marks(length, '?');
    CHECK(rsync_match(marks, std::string(length, 'x')));
    CHECK_FALSE(rsync_match(marks, std::string(length - 1, 'x')));
    CHECK_FALSE(rsync_match(marks, std::string(length + 1, 'x')));
    CHECK(rsync_match("*" + marks + "*z", std::string(2 * length, 'x') + "z"));
  }
}

}  // namespace
}  // namespace syncline::filter
