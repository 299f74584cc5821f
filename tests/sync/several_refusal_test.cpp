// SPDX-License-Identifier: Apache-2.0
// Several sources of which one is missing, cannot be read or must not take part: nothing that it may have
// goes.
#include <cerrno>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "several.hpp"
#include "support/fault_fs.hpp"

using namespace syncline;
using namespace syncline::test;

TEST_CASE("nothing is deleted when a source is missing, and the others are copied", "[sync]") {
  Several several{"a/", "b", "c/"};
  several.write("a/f", "1");
  several.write("b/g", "2");
  several.write("c/h", "3");
  several.copy();
  const std::string missing = GENERATE("b", "c", "a");
  CAPTURE(missing);
  stdfs::rename(several.dir.path(missing), several.dir.path("away"));
  several.write(missing == "a" ? "c/new" : "a/new", "n");
  const auto outcome = several.copy();
  CHECK(outcome.report.exit_code == 23);
  CHECK_FALSE(outcome.report.in_step);
  CHECK(outcome.report.files_deleted == 0);
  CHECK(std::ranges::any_of(outcome.errors, [&](const ErrorEvent& event) {
    return event.path.ends_with('/' + missing) || event.path.ends_with('/' + missing + '/');
  }));
  CHECK(several.dir.read("dst/f") == "1");
  CHECK(several.dir.read("dst/b/g") == "2");
  CHECK(several.dir.read("dst/h") == "3");
  CHECK(several.dir.read("dst/new") == "n");
  stdfs::rename(several.dir.path("away"), several.dir.path(missing));
  CHECK(several.copy().report.in_step);
  several.check_settled();
}

TEST_CASE("no directory makes way for a file when the source that has it is missing", "[sync]") {
  Several several{"a/", "b"};
  several.write("a/b", "a file");
  several.write("b/g", "2");
  several.copy();
  CHECK(several.dir.read("dst/b/g") == "2");
  stdfs::rename(several.dir.path("b"), several.dir.path("away"));
  const auto outcome = several.copy();
  CHECK(outcome.report.exit_code == 23);
  CHECK(outcome.failed("b"));
  CHECK(several.dir.read("dst/b/g") == "2");
  stdfs::rename(several.dir.path("away"), several.dir.path("b"));
  CHECK(several.copy().report.in_step);
  several.check_settled();
}

TEST_CASE("when every source is missing each is told and nothing happens", "[sync]") {
  Several several{"a/", "b"};
  several.write("dst/f", "1");
  const auto outcome = several.copy();
  CHECK(outcome.report.exit_code == 23);
  CHECK(outcome.errors.size() == 2);
  CHECK(several.dir.read("dst/f") == "1");
}

TEST_CASE("nothing is deleted when one source of a directory cannot be read", "[sync]") {
  Several several{"a/", "b/"};
  several.options.threads = 1;
  several.write("a/sub/x", "1");
  several.write("b/sub/y", "2");
  several.write("b/sub/late", "3");
  const bool known = GENERATE(false, true);
  several.write("dst/sub/y", "old");
  if (known) several.copy();
  several.write("dst/sub/y", "older still");
  several.write("dst/theirs", "t");
  several.write("a/sub/new", "n");
  // The roots of both, then the directory: a's part of it, b's part of it.
  const auto list = GENERATE(3u, 4u);
  CAPTURE(known, list);
  FaultFs faults(fs::linux_fs());
  faults.fail_op("list", EACCES, list);
  sync::World source;
  source.files = &faults;
  const auto outcome = run_copy(several.options, source);
  CHECK(faults.struck() == 1);
  CHECK(outcome.report.exit_code == 23);
  CHECK(outcome.report.files_deleted == 0);
  CHECK(outcome.failed("sub"));
  CHECK(several.dir.exists("dst/theirs"));
  CHECK(several.dir.exists("dst/sub/new") == (list == 4));
  CHECK(several.dir.read("dst/sub/y") == (list == 4 ? "older still" : "2"));
  CHECK(several.copy().report.in_step);
  CHECK(several.dir.read("dst/sub/y") == "2");
  CHECK_FALSE(several.dir.exists("dst/theirs"));
  several.check_settled();
}

TEST_CASE("a source whose directory cannot be opened is told, the others are copied", "[sync]") {
  Several several{"a/", "b"};
  several.options.threads = 1;
  several.write("a/f", "1");
  several.write("b/g", "2");
  several.copy();
  several.write("a/f2", "3");
  several.write("dst/theirs", "t");
  FaultFs faults(fs::linux_fs());
  // Of the named one the directory is opened for its attributes, then to be listed.
  faults.fail_op("list", EACCES, 2);
  sync::World source;
  source.files = &faults;
  const auto outcome = run_copy(several.options, source);
  CHECK(faults.struck() == 1);
  CHECK(outcome.report.exit_code == 23);
  CHECK(outcome.failed("b"));
  CHECK(several.dir.read("dst/f2") == "3");
  CHECK(several.dir.read("dst/b/g") == "2");
  CHECK(several.dir.exists("dst/theirs"));
}

TEST_CASE("a source that --delete would remove is refused", "[sync][one_machine]") {
  Several several{"a/", "dst/inside"};
  several.write("a/f", "1");
  several.write("dst/inside/g", "2");
  CHECK_THROWS_AS(several.copy(), Error);
  several.name({"a", "dst/a/deep"});
  several.write("dst/a/deep/g", "2");
  CHECK_THROWS_AS(several.copy(), Error);
  several.name({"a/", "dst/a/deep/g"});
  CHECK_THROWS_AS(several.copy(), Error);
  CHECK(several.dir.read("dst/inside/g") == "2");
  CHECK(several.dir.read("dst/a/deep/g") == "2");
  several.name({"a", "dst/inside/g"});
  CHECK(several.copy().report.exit_code == 0);
  CHECK(several.dir.read("dst/g") == "2");
}

TEST_CASE("as many sources as the limit says are copied, and no more", "[sync][one_machine][long]") {
  Pair pair;
  pair.dir.make_dir("other");
  pair.dir.write("src/f", "1");
  pair.dir.write("other/g", "2");
  pair.options.sources.clear();
  for (std::size_t i = 0; i < limits::sources_max; ++i)
    pair.options.sources.push_back(pair.dir.path(i % 2 == 0 ? "src/f" : "other/g"));
  CHECK(pair.copy().report.in_step);
  CHECK(pair.dir.read("dst/f") == "1");
  CHECK(pair.dir.read("dst/g") == "2");
  pair.options.sources.push_back(pair.dir.path("src/f"));
  CHECK_THROWS_AS(pair.copy(), Error);
}
