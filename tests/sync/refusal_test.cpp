// SPDX-License-Identifier: Apache-2.0
// Places that cannot work, and conflicts that are not resolved by force.
#include <filesystem>

#include "base/error.hpp"
#include "pair.hpp"
#include "support/catch.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

TEST_CASE("a source argument that is not there is told and the others are copied", "[sync][one_machine]") {
  Pair pair;
  pair.dir.write("src/f", "x");
  pair.options.sources = {pair.dir.path("missing"), pair.dir.path("src") + "/"};
  const auto outcome = pair.copy();
  CHECK(outcome.report.exit_code == 23);
  CHECK(outcome.failed(pair.dir.path("missing")));
  CHECK_FALSE(outcome.report.in_step);
  CHECK(pair.dir.read("dst/f") == "x");
}

TEST_CASE("the destination may not lie inside the source unless excluded", "[sync][one_machine]") {
  Pair pair;
  pair.dir.write("src/f", "x");
  pair.options.destination = pair.dir.path("src/backup");
  CHECK_THROWS_AS(pair.copy(), std::system_error);
  CHECK_FALSE(pair.dir.exists("src/backup/backup"));
  pair.options.filters = {{false, "/backup/"}};
  CHECK(pair.copy().report.exit_code == 0);
  CHECK(pair.dir.read("src/backup/f") == "x");
  CHECK_FALSE(pair.dir.exists("src/backup/backup"));
}

TEST_CASE("a directory is not copied onto itself", "[sync][one_machine]") {
  Pair pair;
  pair.dir.write("src/f", "x");
  stdfs::create_directory_symlink(pair.dir.path("src"), pair.dir.path("alias"));
  for (const char* name : {"src", "src/", "src/../src/", "alias/"}) {
    CAPTURE(name);
    pair.options.destination = pair.dir.path(name);
    CHECK_THROWS_AS(pair.copy(), std::system_error);
  }
  CHECK(pair.dir.read("src/f") == "x");
}

TEST_CASE("a file in the way of a directory gives way", "[sync]") {
  Pair pair;
  pair.dir.make_dir("src/x");
  pair.dir.write("src/x/f", "1");
  pair.dir.make_dir("dst");
  pair.dir.write("dst/x", "a file");
  pair.options.delete_extra = GENERATE(false, true);
  const auto outcome = pair.copy();
  CHECK(outcome.report.exit_code == 0);
  CHECK(pair.dir.read("dst/x/f") == "1");
}

TEST_CASE("a full directory in the way of a file gives way under delete only", "[sync]") {
  Pair pair;
  pair.dir.write("src/x", "a file");
  pair.dir.write("src/y", "another");
  pair.dir.make_dir("dst/x");
  pair.dir.write("dst/x/theirs", "1");
  const auto kept = pair.copy();
  CHECK(kept.report.exit_code == 23);
  CHECK(kept.failed("x"));
  CHECK(pair.dir.read("dst/x/theirs") == "1");
  CHECK(pair.dir.read("dst/y") == "another");
  pair.options.delete_extra = true;
  CHECK(pair.copy().report.exit_code == 0);
  CHECK(pair.dir.read("dst/x") == "a file");
}

TEST_CASE("a single file becomes the destination or goes into it", "[sync]") {
  Pair pair;
  pair.dir.write("src/f", "x");
  pair.dir.write("src/g", "not asked for");
  pair.options.sources = {pair.dir.path("src/f")};
  pair.options.destination = pair.dir.path("copy");
  pair.copy();
  CHECK(pair.dir.read("copy") == "x");
  pair.dir.make_dir("into");
  pair.options.destination = pair.dir.path("into");
  pair.copy();
  CHECK(pair.dir.read("into/f") == "x");
  CHECK_FALSE(pair.dir.exists("into/g"));
}

TEST_CASE("a source without a slash is copied under its name", "[sync]") {
  Pair pair;
  pair.dir.write("src/f", "x");
  pair.options.sources = {pair.dir.path("src")};
  pair.copy();
  CHECK(pair.dir.read("dst/src/f") == "x");
}

TEST_CASE("chunks that come unchecked from another process are refused", "[sync]") {
  const auto size_bytes = GENERATE(1'000u, 200'000u, 6'000'000u);
  CAPTURE(size_bytes);
  Pair pair;
  pair.dir.write("src/file", random_text(size_bytes, 7));
  try {
    sync::run_copy({}, {}, pair.options, {}, make_lying_pipe);
    FAIL("taken over");
  } catch (const Error& error) {
    CHECK(error.is(Errc::protocol));
    CHECK(std::string(error.what()).find("unchecked") != std::string::npos);
  }
  CHECK_FALSE(pair.dir.exists("dst/file"));
}
