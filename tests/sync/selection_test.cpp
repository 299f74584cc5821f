// SPDX-License-Identifier: Apache-2.0
// Options that say what is copied, deleted and kept.
#include <unistd.h>

#include "pair.hpp"
#include "support/catch.hpp"

using namespace syncline;
using namespace syncline::test;

TEST_CASE("a dry run tells everything and changes nothing", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  pair.dir.write("src/changed", "1");
  pair.dir.write("src/gone", "2");
  pair.copy();
  pair.dir.write("src/changed", "1 and more");
  pair.dir.write("src/new", "3");
  std::filesystem::remove(pair.dir.path("src/gone"));
  const auto before = lstat_of(pair.dir.path("dst"));

  pair.options.dry_run = true;
  const auto planned = pair.copy();
  CHECK(pair.dir.read("dst/changed") == "1");
  CHECK(pair.dir.exists("dst/gone"));
  CHECK_FALSE(pair.dir.exists("dst/new"));
  CHECK(lstat_of(pair.dir.path("dst")).st_ctim.tv_nsec == before.st_ctim.tv_nsec);

  pair.options.dry_run = false;
  const auto made = pair.copy();
  const auto lines = [](const Outcome& outcome) {
    std::vector<std::string> out;
    for (const auto& event : outcome.changes) out.push_back(event.itemized + " " + event.path);
    std::ranges::sort(out);
    return out;
  };
  CHECK(lines(planned) == lines(made));
  CHECK(made.change("changed") != nullptr);
  CHECK(made.change("gone")->itemized.starts_with("*deleting"));
  CHECK(pair.dir.exists("dst/new"));
}

TEST_CASE("a dry run does not make the destination", "[sync]") {
  Pair pair;
  pair.dir.write("src/file", "1");
  pair.options.dry_run = true;
  CHECK(pair.copy().change("file") != nullptr);
  CHECK_FALSE(pair.dir.exists("dst"));
}

TEST_CASE("max_delete removes no more than that and exits with 25", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  for (int i = 0; i < 10; ++i) pair.dir.write("src/f" + std::to_string(i), "x");
  pair.copy();
  for (int i = 0; i < 6; ++i) std::filesystem::remove(pair.dir.path("src/f" + std::to_string(i)));
  pair.options.max_delete = 2;
  const auto outcome = pair.copy();
  CHECK(outcome.report.exit_code == 25);
  CHECK(outcome.report.files_deleted <= 2);
  int left = 0;
  for (int i = 0; i < 10; ++i) left += pair.dir.exists("dst/f" + std::to_string(i)) ? 1 : 0;
  CHECK(left >= 8);
  CHECK_FALSE(outcome.report.in_step);

  pair.options.max_delete.reset();
  CHECK(pair.copy().report.exit_code == 0);
  CHECK_FALSE(pair.dir.exists("dst/f0"));
}

TEST_CASE("excluded files are neither copied nor deleted", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  pair.options.filters = {{true, "keep.tmp"}, {false, "*.tmp"}, {false, "/cache/"}};
  pair.dir.make_dir("src/cache");
  pair.dir.make_dir("dst/cache");
  pair.dir.write("src/cache/x", "1");
  pair.dir.write("src/a.tmp", "1");
  pair.dir.write("src/keep.tmp", "1");
  pair.dir.write("src/b", "1");
  pair.dir.write("dst/theirs.tmp", "2");
  pair.dir.write("dst/cache/theirs", "2");
  pair.dir.write("dst/extra", "2");
  for (int turn = 0; turn < 2; ++turn) {
    INFO("turn " << turn);
    CHECK(pair.copy().report.exit_code == 0);
    CHECK(pair.dir.exists("dst/b"));
    CHECK(pair.dir.exists("dst/keep.tmp"));
    CHECK_FALSE(pair.dir.exists("dst/a.tmp"));
    CHECK_FALSE(pair.dir.exists("dst/cache/x"));
    CHECK(pair.dir.exists("dst/theirs.tmp"));
    CHECK(pair.dir.exists("dst/cache/theirs"));
    CHECK_FALSE(pair.dir.exists("dst/extra"));
  }
}

TEST_CASE("gitignore leaves out what .gitignore names, and .git", "[sync]") {
  Pair pair;
  pair.options.gitignore = true;
  pair.dir.make_dir("src/.git");
  pair.dir.make_dir("src/sub");
  pair.dir.write("src/.gitignore", "*.o\n");
  pair.dir.write("src/sub/.gitignore", "!kept.o\n");
  pair.dir.write("src/.git/HEAD", "x");
  for (const char* name : {"src/a.c", "src/a.o", "src/sub/b.o", "src/sub/kept.o"}) pair.dir.write(name, "x");
  pair.copy();
  CHECK(pair.dir.exists("dst/.gitignore"));
  CHECK(pair.dir.exists("dst/a.c"));
  CHECK(pair.dir.exists("dst/sub/kept.o"));
  CHECK_FALSE(pair.dir.exists("dst/a.o"));
  CHECK_FALSE(pair.dir.exists("dst/sub/b.o"));
  CHECK_FALSE(pair.dir.exists("dst/.git"));
}

TEST_CASE("files_from copies the listed paths and their parents only", "[sync]") {
  Pair pair;
  pair.dir.make_dir("src/d/e");
  for (const char* name : {"src/a", "src/b", "src/d/c", "src/d/e/f", "src/d/e/g"}) pair.dir.write(name, name);
  pair.options.files_from = {"a", "d/e/f"};
  pair.copy();
  CHECK(pair.dir.read("dst/d/e/f") == "src/d/e/f");
  CHECK(pair.dir.exists("dst/a"));
  CHECK_FALSE(pair.dir.exists("dst/b"));
  CHECK_FALSE(pair.dir.exists("dst/d/c"));
  CHECK_FALSE(pair.dir.exists("dst/d/e/g"));
}

TEST_CASE("update_only leaves what is newer in the destination", "[sync]") {
  Pair pair;
  pair.options.update_only = true;
  pair.dir.make_dir("dst");
  for (const char* name : {"src/newer", "src/older"}) pair.dir.write(name, "source");
  for (const char* name : {"dst/newer", "dst/older"}) pair.dir.write(name, "destination");
  set_mtime(pair.dir.path("src/newer"), 2000);
  set_mtime(pair.dir.path("dst/newer"), 1000);
  set_mtime(pair.dir.path("src/older"), 1000);
  set_mtime(pair.dir.path("dst/older"), 2000);
  pair.copy();
  CHECK(pair.dir.read("dst/newer") == "source");
  CHECK(pair.dir.read("dst/older") == "destination");
  pair.copy();
  CHECK(pair.dir.read("dst/older") == "destination");
}

TEST_CASE("backup_dir keeps what is replaced and what is deleted", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  pair.options.backup_dir = "old";
  pair.options.update = GENERATE(Update::automatic, Update::atomic, Update::inplace);
  CAPTURE(static_cast<int>(pair.options.update));
  pair.dir.make_dir("src/d");
  const auto before = random_text(100'000, 1);
  pair.dir.write("src/d/changed", before);
  pair.dir.write("src/d/gone", "2");
  pair.copy();
  pair.dir.write("src/d/changed", before + "more");
  std::filesystem::remove(pair.dir.path("src/d/gone"));
  for (int turn = 0; turn < 2; ++turn) {  // the second copy finds the kept ones and leaves them
    INFO("turn " << turn);
    CHECK(pair.copy().report.exit_code == 0);
    CHECK(pair.dir.read("dst/d/changed") == before + "more");
    CHECK_FALSE(pair.dir.exists("dst/d/gone"));
    CHECK(pair.dir.read("dst/old/d/changed") == before);
    CHECK(pair.dir.read("dst/old/d/gone") == "2");
  }
}

TEST_CASE("chown gives everything to the named owner", "[sync]") {
  if (::geteuid() != 0) {
    WARN("skipped: needs root");
    return;
  }
  Pair pair;
  pair.options.chown = "1234:2345";
  pair.dir.make_dir("src/d");
  pair.dir.write("src/d/f", "x");
  CHECK(pair.copy().report.in_step);
  for (const char* name : {"dst", "dst/d", "dst/d/f"}) {
    CAPTURE(name);
    CHECK(lstat_of(pair.dir.path(name)).st_uid == 1234);
    CHECK(lstat_of(pair.dir.path(name)).st_gid == 2345);
  }
  const auto again = pair.copy();
  CHECK(again.changes.empty());
  CHECK(again.report.in_step);
}

TEST_CASE("switched off attributes are left alone", "[sync]") {
  Pair pair;
  pair.options.perms = false;
  pair.options.acls = false;
  pair.dir.write("src/f", "x");
  pair.copy();
  REQUIRE(::chmod(pair.dir.path("dst/f").c_str(), 0640) == 0);
  REQUIRE(::chmod(pair.dir.path("src/f").c_str(), 0755) == 0);
  CHECK(pair.copy().changes.empty());
  CHECK((lstat_of(pair.dir.path("dst/f")).st_mode & 07777) == 0640);
  pair.options.perms = true;
  const auto outcome = pair.copy();
  REQUIRE(outcome.change("f") != nullptr);
  CHECK(outcome.change("f")->itemized == ".f...p.....");
  CHECK((lstat_of(pair.dir.path("dst/f")).st_mode & 07777) == 0755);
}
