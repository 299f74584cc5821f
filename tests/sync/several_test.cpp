// SPDX-License-Identifier: Apache-2.0
// Several sources become one tree, as in rsync: of two things with one path the first counts, directories are
// merged.
#include "several.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "tree_picture.hpp"

using namespace syncline;
using namespace syncline::test;

TEST_CASE("the first of several sources owns a name, and directories are merged", "[sync]") {
  Several several{"a/", "b/"};
  several.write("a/f", "a's");
  several.write("a/sub/x", "a's x");
  several.write("b/f", "b's, longer");
  several.write("b/sub/x", "b's x, longer");
  several.write("b/sub/y", "y");
  several.write("b/own/z", "z");
  ::chmod(several.dir.path("a/sub").c_str(), 0750);
  ::chmod(several.dir.path("a").c_str(), 0711);
  set_mtime(several.dir.path("a/sub"), 1'000'000'000);
  set_mtime(several.dir.path("a"), 1'000'000'001);
  const auto first = several.copy();
  CHECK(first.report.exit_code == 0);
  CHECK(first.report.in_step);
  CHECK(several.dir.read("dst/f") == "a's");
  CHECK(several.dir.read("dst/sub/x") == "a's x");
  CHECK(several.dir.read("dst/sub/y") == "y");
  CHECK(several.dir.read("dst/own/z") == "z");
  CHECK((lstat_of(several.dir.path("dst/sub")).st_mode & 07777) == 0750);
  CHECK(lstat_of(several.dir.path("dst/sub")).st_mtim.tv_sec == 1'000'000'000);
  CHECK((lstat_of(several.dir.path("dst")).st_mode & 07777) == 0711);
  CHECK(lstat_of(several.dir.path("dst")).st_mtim.tv_sec == 1'000'000'001);
  several.check_settled();
}

TEST_CASE("a name that its source loses passes to the next one, and comes back", "[sync]") {
  Several several{"a/", "b/", "c/"};
  several.write("a/sub/f", "a's");
  several.write("b/sub/f", "b's, longer");
  several.write("c/sub/f", "c's, the longest");
  several.write("c/sub/g", "g");
  several.copy();
  several.check_settled();
  for (const auto& [gone, text] : {std::pair{"a/sub/f", "b's, longer"}, {"b/sub", "c's, the longest"}}) {
    CAPTURE(gone);
    remove(several.dir.path(gone));
    CHECK(several.copy().report.in_step);
    CHECK(several.dir.read("dst/sub/f") == text);
    CHECK(several.dir.read("dst/sub/g") == "g");
    several.check_settled();
  }
  several.write("a/sub/f", "a's again");
  CHECK(several.copy().report.files_changed == 1);
  CHECK(several.dir.read("dst/sub/f") == "a's again");
  remove(several.dir.path("a/sub"));
  remove(several.dir.path("c/sub"));
  CHECK(several.copy().report.in_step);
  CHECK_FALSE(several.dir.exists("dst/sub"));
  several.check_settled();
}

TEST_CASE("only what no source has is deleted", "[sync]") {
  Several several{"a/", "b/"};
  several.write("a/sub/x", "x");
  several.write("b/sub/y", "y");
  several.write("b/g", "g");
  several.write("dst/theirs", "t");
  several.write("dst/sub/theirs", "t");
  const bool known = GENERATE(false, true);
  if (known) {
    several.copy();
    several.write("dst/theirs", "t");
    several.write("dst/sub/theirs", "t");
    remove(several.dir.path("b/g"));
  }
  const auto outcome = several.copy();
  CHECK(outcome.report.in_step);
  CHECK(outcome.change("theirs")->itemized.starts_with("*deleting"));
  CHECK_FALSE(several.dir.exists("dst/theirs"));
  CHECK_FALSE(several.dir.exists("dst/sub/theirs"));
  CHECK(several.dir.exists("dst/g") != known);
  CHECK(several.dir.read("dst/sub/x") == "x");
  CHECK(several.dir.read("dst/sub/y") == "y");
  several.check_settled();
}

TEST_CASE("named directories and files meet the contents of others under one name", "[sync]") {
  Several several{"a/", "b", "x/one", "x/b/two", "c/"};
  several.write("a/b/inner", "inner");
  several.write("a/b/both", "a's");
  several.write("b/both", "b's, longer");
  several.write("b/deep/z", "z");
  several.write("x/one", "one");
  several.write("x/not-asked", "no");
  several.write("x/b/two", "two");
  several.write("c/two", "c's two, longer");
  several.write("c/three", "three");
  ::chmod(several.dir.path("a/b").c_str(), 0751);
  const auto outcome = several.copy();
  CHECK(outcome.report.in_step);
  CHECK(outcome.change("b/deep/z") != nullptr);
  CHECK(several.dir.read("dst/b/inner") == "inner");
  CHECK(several.dir.read("dst/b/both") == "a's");
  CHECK(several.dir.read("dst/b/deep/z") == "z");
  CHECK(several.dir.read("dst/one") == "one");
  CHECK(several.dir.read("dst/two") == "two");
  CHECK(several.dir.read("dst/three") == "three");
  CHECK_FALSE(several.dir.exists("dst/not-asked"));
  CHECK((lstat_of(several.dir.path("dst/b")).st_mode & 07777) == 0751);
  several.check_settled();
  remove(several.dir.path("a/b"));
  several.copy();
  CHECK(several.dir.read("dst/b/both") == "b's, longer");
  CHECK_FALSE(several.dir.exists("dst/b/inner"));
  several.check_settled();
}

TEST_CASE("sources with names leave the rest of the destination and its attributes alone", "[sync]") {
  Several several{"a", "b/", "e/f"};
  several.name({"a", "b", "e/f", "e/a"});
  several.write("a/x", "x");
  several.write("b/y", "y");
  several.write("e/f", "f");
  several.write("e/a/x", "e's x, longer");
  several.write("e/a/z", "z");
  several.write("dst/a/extra", "goes");
  several.write("dst/theirs/deep", "stays");
  several.write("dst/file", "stays");
  ::chmod(several.dir.path("dst").c_str(), 0770);
  ::chmod(several.dir.path("e").c_str(), 0700);
  CHECK(several.copy().report.in_step);
  CHECK(several.dir.read("dst/a/x") == "x");
  CHECK(several.dir.read("dst/a/z") == "z");
  CHECK(several.dir.read("dst/b/y") == "y");
  CHECK(several.dir.read("dst/f") == "f");
  CHECK_FALSE(several.dir.exists("dst/a/extra"));
  CHECK(several.dir.read("dst/theirs/deep") == "stays");
  CHECK(several.dir.read("dst/file") == "stays");
  CHECK((lstat_of(several.dir.path("dst")).st_mode & 07777) == 0770);
  several.check_settled();
  several.write("a/x", "x, changed");
  several.write("b/new", "n");
  remove(several.dir.path("e/f"));
  several.write("e/f/now-a-directory", "d");
  const auto outcome = several.copy();
  CHECK(outcome.report.in_step);
  CHECK(lines(outcome).size() <= 6);
  CHECK(outcome.change("a/") == nullptr);
  for (const char* path : {"a/x", "b/new", "b/", "f/", "f/now-a-directory"}) {
    CAPTURE(path);
    CHECK(outcome.change(path) != nullptr);
  }
  several.check_settled();
}

TEST_CASE("one file that is copied into a directory leaves that one's attributes alone", "[sync]") {
  Pair pair;
  pair.dir.write("src/f", "x");
  pair.dir.make_dir("dst");
  ::chmod(pair.dir.path("src").c_str(), 0700);
  ::chmod(pair.dir.path("dst").c_str(), 0777);
  set_mtime(pair.dir.path("src"), 1'000'000'000);
  pair.options.sources = {pair.dir.path("src/f")};
  CHECK(pair.copy().report.in_step);
  CHECK((lstat_of(pair.dir.path("dst")).st_mode & 07777) == 0777);
  CHECK(lstat_of(pair.dir.path("dst")).st_mtim.tv_sec > 1'000'000'000);
  set_mtime(pair.dir.path("dst"), 1'000'000'002);
  CHECK(pair.copy().report.in_step);
  CHECK(lstat_of(pair.dir.path("dst")).st_mtim.tv_sec == 1'000'000'002);
}

TEST_CASE("of a directory and a file under one name the directory counts", "[sync]") {
  Several several{"a/", "b/", "c/"};
  several.write("a/n", "a file");
  several.write("b/n/deep", "deep");
  several.write("c/n/more", "more");
  CHECK(several.copy().report.in_step);
  CHECK(several.dir.read("dst/n/deep") == "deep");
  CHECK(several.dir.read("dst/n/more") == "more");
  several.check_settled();
  remove(several.dir.path("b/n"));
  remove(several.dir.path("c/n"));
  several.copy();
  CHECK(several.dir.read("dst/n") == "a file");
  several.check_settled();
}

TEST_CASE("rules see the paths of the merged tree, each source has its own .gitignore", "[sync]") {
  Several several{"a/", "b/", "c"};
  several.options.gitignore = true;
  several.options.filters = {{false, "/c/private"}, {false, "/top"}};
  several.write("a/.gitignore", "*.o\n");
  several.write("a/x.o", "ignored");
  several.write("a/sub/y.o", "ignored");
  several.write("a/top", "no");
  several.write("b/x.o", "b's");
  several.write("b/sub/y.o", "b's");
  several.write("b/sub/.gitignore", "z\n");
  several.write("b/sub/z", "ignored");
  several.write("a/sub/z", "a's");
  several.write("c/private", "no");
  several.write("c/top", "yes");
  several.write("c/.gitignore", "/q\n");
  several.write("c/q", "ignored");
  several.write("c/sub/q", "yes");
  several.write("dst/kept.o", "a's rules protect it");
  several.write("dst/goes", "");
  CHECK(several.copy().report.in_step);
  CHECK(several.dir.read("dst/x.o") == "b's");
  CHECK(several.dir.read("dst/sub/y.o") == "b's");
  CHECK(several.dir.read("dst/sub/z") == "a's");
  CHECK(several.dir.exists("dst/c/top"));
  CHECK(several.dir.exists("dst/c/sub/q"));
  for (const char* path : {"dst/top", "dst/c/private", "dst/c/q", "dst/goes"}) {
    CAPTURE(path);
    CHECK_FALSE(several.dir.exists(path));
  }
  CHECK(several.dir.exists("dst/kept.o"));
  CHECK(several.copy().changes.empty());
}

TEST_CASE("a dry run of several sources tells what the run then does", "[sync]") {
  Several several{"a/", "b", "c/"};
  several.write("a/f", "1");
  several.write("a/b/x", "2");
  several.write("b/y", "3");
  several.write("c/f", "other");
  const bool known = GENERATE(false, true);
  if (known) {
    several.copy();
    several.write("c/g", "new");
    several.write("b/y", "changed");
    remove(several.dir.path("a/f"));
  } else {
    several.write("dst/extra", "goes");
  }
  const auto before = picture_of(several.dir.path("dst"));
  several.options.dry_run = true;
  const auto planned = several.copy();
  CHECK(differences(before, picture_of(several.dir.path("dst"))) == "");
  several.options.dry_run = false;
  const auto made = several.copy();
  CHECK(lines(planned) == lines(made));
  CHECK(made.report.files_changed != 0);
}

TEST_CASE("the limit of deletions is one for all sources", "[sync]") {
  Several several{"a", "b"};
  for (const char* path : {"a/1", "a/2", "b/1", "b/2"}) several.write(path, "x");
  several.copy();
  for (const char* path : {"a/1", "a/2", "b/1", "b/2"}) remove(several.dir.path(path));
  several.options.max_delete = 3;
  const auto outcome = several.copy();
  CHECK(outcome.report.exit_code == 25);
  CHECK(outcome.report.files_deleted == 3);
}

TEST_CASE("what is replaced and deleted is kept below the one destination", "[sync]") {
  Several several{"a/", "b"};
  several.write("a/f", "1");
  several.write("b/g", "2");
  several.options.backup_dir = "old";
  several.copy();
  several.write("a/f", "1 changed");
  remove(several.dir.path("b/g"));
  CHECK(several.copy().report.in_step);
  CHECK(several.dir.read("dst/old/f") == "1");
  CHECK(several.dir.read("dst/old/b/g") == "2");
  CHECK(several.copy().changes.empty());
  CHECK(several.dir.exists("dst/old/f"));
}

TEST_CASE("hard links between sources are kept, and so are they when one is edited", "[sync]") {
  Several several{"a/", "b"};
  several.write("a/one", "linked");
  several.write("b/other", "");
  remove(several.dir.path("b/two"));
  CHECK(::link(several.dir.path("a/one").c_str(), several.dir.path("b/two").c_str()) == 0);
  const auto same = [&] {
    return lstat_of(several.dir.path("dst/one")).st_ino == lstat_of(several.dir.path("dst/b/two")).st_ino;
  };
  several.copy();
  CHECK(same());
  several.check_settled();
  several.write("a/one", "linked, and longer");
  CHECK(several.copy().report.in_step);
  CHECK(same());
  CHECK(several.dir.read("dst/b/two") == "linked, and longer");
  several.check_settled();
}

TEST_CASE("a file or directory that moves from source to source is renamed over there", "[sync]") {
  Several several{"a/", "b"};
  several.write("a/large", random_text(300'000, 1));
  several.write("a/stays", "1");
  several.write("a/d/1", random_text(300'000, 2));
  several.write("b/stays", "2");
  several.copy();
  stdfs::rename(several.dir.path("a/large"), several.dir.path("b/large2"));
  const auto file = several.copy();
  CHECK(file.report.files_renamed == 1);
  CHECK(file.report.bytes_literal == 0);
  CHECK(several.dir.read("dst/b/large2").size() == 300'000);
  CHECK_FALSE(several.dir.exists("dst/large"));
  several.check_settled();
  stdfs::rename(several.dir.path("a/d"), several.dir.path("a/e"));
  const auto directory = several.copy();
  CHECK(directory.report.files_renamed == 1);
  CHECK(directory.report.bytes_literal == 0);
  CHECK(several.dir.read("dst/e/1").size() == 300'000);
  several.check_settled();
}

TEST_CASE("a merged directory that comes apart is told anew", "[sync]") {
  Several several{"a/", "b/"};
  several.write("a/d/1", "one");
  several.write("a/d/more", "more");
  several.write("b/d/2", "two");
  several.copy();
  // The first half gets another name, what is left is the second; one of its files moves as well.
  stdfs::rename(several.dir.path("a/d"), several.dir.path("a/moved"));
  stdfs::rename(several.dir.path("b/d/2"), several.dir.path("b/two"));
  several.write("b/d/3", "three");
  CHECK(several.copy().report.in_step);
  CHECK(several.dir.read("dst/moved/1") == "one");
  CHECK(several.dir.read("dst/moved/more") == "more");
  CHECK(several.dir.read("dst/d/3") == "three");
  CHECK(several.dir.read("dst/two") == "two");
  CHECK_FALSE(several.dir.exists("dst/d/1"));
  CHECK_FALSE(several.dir.exists("dst/d/2"));
  several.check_settled();
}

TEST_CASE("sources that overlap give the same things twice", "[sync]") {
  Several several{"a/", "a", "a/sub", "a/sub/", "a/f", "a/f"};
  several.write("a/f", "f");
  several.write("a/sub/x", "x");
  CHECK(several.copy().report.in_step);
  for (const char* path : {"dst/f", "dst/a/f", "dst/sub/x", "dst/a/sub/x", "dst/x"}) {
    CAPTURE(path);
    CHECK(several.dir.exists(path));
  }
  several.check_settled();
  stdfs::rename(several.dir.path("a/sub/x"), several.dir.path("a/sub/y"));
  CHECK(several.copy().report.in_step);
  for (const char* path : {"dst/sub/y", "dst/a/sub/y", "dst/y"}) {
    CAPTURE(path);
    CHECK(several.dir.exists(path));
  }
  CHECK_FALSE(several.dir.exists("dst/a/sub/x"));
  several.check_settled();
}

TEST_CASE("edits in the destination are undone whichever source owns the entry", "[sync]") {
  Several several{"a/", "b/"};
  several.write("a/sub/x", "x");
  several.write("b/sub/y", "y");
  several.write("b/z", "z");
  several.copy();
  for (const char* path : {"dst/sub/x", "dst/sub/y", "dst/z"}) several.write(path, "edited there");
  const auto outcome = several.copy();
  CHECK(outcome.report.in_step);
  CHECK(outcome.change("sub/y")->edited_in_destination);
  CHECK(several.dir.read("dst/sub/x") == "x");
  CHECK(several.dir.read("dst/sub/y") == "y");
  CHECK(several.dir.read("dst/z") == "z");
  several.check_settled();
}
