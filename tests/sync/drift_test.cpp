// SPDX-License-Identifier: Apache-2.0
// What others change in DST: put right with their version kept, left alone, or reported.
#include <unistd.h>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "drift_scene.hpp"
#include "support/fault_fs.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

namespace {

const ChangeEvent* kept_event(const Outcome& outcome, const std::string& path) {
  const auto at = std::ranges::find_if(outcome.changes, [&](const ChangeEvent& event) {
    return event.path == path && event.itemized == "*keeping   ";
  });
  return at == outcome.changes.end() ? nullptr : &*at;
}

const ErrorEvent* drift_error(const Outcome& outcome, const std::string& path) {
  const auto at = std::ranges::find(outcome.errors, path, &ErrorEvent::path);
  return at == outcome.errors.end() ? nullptr : &*at;
}

/// A file that is sent in pieces.
std::string big_content(unsigned seed) { return random_text(3'000'000, seed); }

}  // namespace

TEST_CASE("a file that others changed in DST is put right, and their version is beside it", "[sync][drift]") {
  DriftScene scene;
  const auto content = GENERATE(std::string("ours\n"), big_content(1));
  const auto theirs = content + "theirs\n";
  scene.write_later("src/d/report.tar.gz", content);
  scene.copy();
  scene.write_later("dst/d/report.tar.gz", theirs);
  const auto second = scene.copy();
  CHECK(second.report.exit_code == 0);
  CHECK(second.report.in_step);
  CHECK(scene.at_dst("d/report.tar.gz") == content);
  const auto name = DriftScene::kept("d/report.tar.gz");
  CHECK(scene.at_dst(name) == theirs);
  const auto* event = kept_event(second, "d/report.tar.gz");
  REQUIRE(event != nullptr);
  CHECK(event->kept_as == name);
  scene.check_settled();
  CHECK(scene.at_dst(name) == theirs);
}

TEST_CASE("each further version that others make gets a name of its own", "[sync][drift]") {
  DriftScene scene;
  scene.write_later("src/f", "ours\n");
  scene.copy();
  for (unsigned seq = 1; seq <= 3; ++seq) {
    scene.write_later("dst/f", "theirs " + std::to_string(seq));
    scene.copy();
    CHECK(scene.at_dst("f") == "ours\n");
    CHECK(scene.at_dst(DriftScene::kept("f", seq)) == "theirs " + std::to_string(seq));
  }
  // One that was kept and is edited is theirs all the more.
  scene.write_later("dst/" + DriftScene::kept("f", 2), "merged by hand");
  CHECK(scene.copy().report.in_step);
  CHECK(scene.at_dst(DriftScene::kept("f", 2)) == "merged by hand");
  scene.check_settled();
}

TEST_CASE("a change of SRC in the same round changes nothing about that", "[sync][drift]") {
  DriftScene scene;
  scene.write_later("src/f", "ours\n");
  scene.write_later("src/big", big_content(1));
  scene.copy();
  scene.write_later("dst/f", "theirs\n");
  scene.write_later("dst/big", big_content(1) + "theirs");
  scene.write_later("src/f", "ours, newer\n");
  scene.write_later("src/big", "ours" + big_content(1));
  CHECK(scene.copy().report.in_step);
  CHECK(scene.at_dst("f") == "ours, newer\n");
  CHECK(scene.at_dst("big") == "ours" + big_content(1));
  CHECK(scene.at_dst(DriftScene::kept("f")) == "theirs\n");
  CHECK(scene.at_dst(DriftScene::kept("big")) == big_content(1) + "theirs");
  scene.check_settled();
}

TEST_CASE("a drifted file is not patched in place", "[sync][drift]") {
  DriftScene scene;
  scene.options.update = Update::inplace;
  scene.write_later("src/big", big_content(1));
  scene.copy();
  auto theirs = big_content(1);
  theirs[1'000'000] = '!';
  theirs += '!';
  scene.write_later("dst/big", theirs);
  CHECK(scene.copy().report.in_step);
  CHECK(scene.at_dst("big") == big_content(1));
  CHECK(scene.at_dst(DriftScene::kept("big")) == theirs);
}

TEST_CASE("attributes alone are put right without keeping anything", "[sync][drift]") {
  DriftScene scene;
  scene.write_later("src/f", "ours\n");
  scene.write_later("src/big", big_content(1));
  scene.copy();
  for (const auto* name : {"f", "big"}) {
    set_mtime(scene.dir.path("dst/") + name, 1'000'000'000);
    stdfs::permissions(scene.dir.path("dst/") + name, stdfs::perms::owner_read);
  }
  CHECK(scene.copy().report.in_step);
  CHECK(lstat_of(scene.dir.path("dst/f")).st_mtime == lstat_of(scene.dir.path("src/f")).st_mtime);
  CHECK_FALSE(scene.is_at_dst(DriftScene::kept("f")));
  CHECK_FALSE(scene.is_at_dst(DriftScene::kept("big")));
  scene.check_settled();
}

TEST_CASE("what others made in DST is kept as a whole when it has to go", "[sync][drift]") {
  DriftScene scene;
  scene.write_later("src/f", "ours\n");
  scene.copy();
  scene.write_later("dst/new.txt", "theirs\n");
  scene.write_later("dst/dir/a/b", "deep\n");
  ::symlink("nowhere", scene.dir.path("dst/link").c_str());
  const auto second = scene.copy();
  CHECK(second.report.in_step);
  CHECK(second.report.files_deleted == 3);
  CHECK_FALSE(scene.is_at_dst("new.txt"));
  CHECK_FALSE(scene.is_at_dst("dir"));
  CHECK_FALSE(scene.is_at_dst("link"));
  CHECK(scene.at_dst(DriftScene::kept("new.txt")) == "theirs\n");
  CHECK(scene.at_dst(DriftScene::kept("dir") + "/a/b") == "deep\n");
  CHECK(stdfs::read_symlink(scene.dir.path("dst/" + DriftScene::kept("link"))) == "nowhere");
  CHECK(kept_event(second, "dir") != nullptr);
  scene.check_settled();
  // Neither does a change elsewhere touch them.
  scene.write_later("src/g", "another\n");
  CHECK(scene.copy().report.in_step);
  CHECK(scene.at_dst(DriftScene::kept("dir") + "/a/b") == "deep\n");
  scene.check_settled();
}

TEST_CASE("what the source deletes goes without being kept, and what others changed of it stays",
          "[sync][drift]") {
  DriftScene scene;
  for (const auto* name : {"gone", "edited", "d/gone", "d/edited"})
    scene.write_later(std::string("src/") + name, "ours\n");
  scene.copy();
  scene.write_later("dst/edited", "theirs\n");
  scene.write_later("dst/d/edited", "theirs in d\n");
  for (const auto* name : {"gone", "edited", "d"}) stdfs::remove_all(scene.dir.path("src/") + name);
  scene.write_later("src/stays", "ours\n");
  const auto second = scene.copy();
  CHECK(second.report.exit_code == 0);
  CHECK_FALSE(scene.is_at_dst("gone"));
  CHECK_FALSE(scene.is_at_dst("d/gone"));
  CHECK_FALSE(scene.is_at_dst("edited"));
  CHECK(scene.at_dst(DriftScene::kept("edited")) == "theirs\n");
  CHECK(scene.at_dst(DriftScene::kept("d/edited")) == "theirs in d\n");
  CHECK(contents_below(scene.dir.path("dst")) ==
        std::multiset<std::string>{"ours\n", "theirs\n", "theirs in d\n"});
  scene.check_settled();
}

TEST_CASE("a file that becomes a directory, and the other way round, keeps what others made of it",
          "[sync][drift]") {
  DriftScene scene;
  scene.write_later("src/f", "ours\n");
  scene.write_later("src/d/x", "ours in d\n");
  scene.write_later("src/d/y", "ours in d too\n");
  scene.copy();
  SECTION("in DST") {
    stdfs::remove(scene.dir.path("dst/f"));
    scene.write_later("dst/f/inside", "theirs in f\n");
    stdfs::remove_all(scene.dir.path("dst/d"));
    scene.write_later("dst/d", "theirs instead of d\n");
    CHECK(scene.copy().report.in_step);
    CHECK(scene.at_dst("f") == "ours\n");
    CHECK(scene.at_dst("d/x") == "ours in d\n");
    CHECK(scene.at_dst(DriftScene::kept("f") + "/inside") == "theirs in f\n");
    CHECK(scene.at_dst(DriftScene::kept("d")) == "theirs instead of d\n");
  }
  SECTION("in SRC") {
    scene.write_later("dst/f", "theirs\n");
    scene.write_later("dst/d/x", "theirs in d\n");
    stdfs::remove(scene.dir.path("src/f"));
    scene.write_later("src/f/inside", "ours in f\n");
    stdfs::remove_all(scene.dir.path("src/d"));
    scene.write_later("src/d", "ours instead of d\n");
    CHECK(scene.copy().report.in_step);
    CHECK(scene.at_dst("f/inside") == "ours in f\n");
    CHECK(scene.at_dst("d") == "ours instead of d\n");
    CHECK(scene.at_dst(DriftScene::kept("f")) == "theirs\n");
    CHECK(scene.at_dst(DriftScene::kept("d") + "/x") == "theirs in d\n");
    CHECK_FALSE(scene.is_at_dst(DriftScene::kept("d") + "/y"));
  }
  scene.check_settled();
}

TEST_CASE("a drifted symlink, and one in the place of a file", "[sync][drift]") {
  DriftScene scene;
  ::symlink("ours", scene.dir.path("src/link").c_str());
  scene.write_later("src/f", "ours\n");
  scene.copy();
  stdfs::remove(scene.dir.path("dst/link"));
  ::symlink("theirs", scene.dir.path("dst/link").c_str());
  stdfs::remove(scene.dir.path("dst/f"));
  ::symlink("their file", scene.dir.path("dst/f").c_str());
  CHECK(scene.copy().report.in_step);
  CHECK(stdfs::read_symlink(scene.dir.path("dst/link")) == "ours");
  CHECK(stdfs::read_symlink(scene.dir.path("dst/" + DriftScene::kept("link"))) == "theirs");
  CHECK(scene.at_dst("f") == "ours\n");
  CHECK(stdfs::read_symlink(scene.dir.path("dst/" + DriftScene::kept("f"))) == "their file");
  scene.check_settled();
}

TEST_CASE("names of one file that others wrote to become one file again, and theirs is kept",
          "[sync][drift]") {
  DriftScene scene;
  scene.write_later("src/a", "ours\n");
  stdfs::create_hard_link(scene.dir.path("src/a"), scene.dir.path("src/b"));
  scene.copy();
  std::ofstream(scene.dir.path("dst/b"), std::ios::app) << "theirs\n";
  CHECK(scene.copy().report.in_step);
  CHECK(scene.at_dst("a") == "ours\n");
  CHECK(lstat_of(scene.dir.path("dst/a")).st_ino == lstat_of(scene.dir.path("dst/b")).st_ino);
  CHECK(contents_below(scene.dir.path("dst")).contains("ours\ntheirs\n"));
  CHECK(scene.copy().report.in_step);
}

TEST_CASE("what drifted below a directory that SRC renamed is kept where it was", "[sync][drift]") {
  DriftScene scene;
  scene.write_later("src/old/x", "ours\n");
  scene.write_later("src/old/y", "ours too\n");
  scene.copy();
  scene.write_later("dst/old/x", "theirs\n");
  scene.write_later("dst/old/z", "theirs alone\n");
  stdfs::rename(scene.dir.path("src/old"), scene.dir.path("src/new"));
  CHECK(scene.copy().report.exit_code == 0);
  CHECK(scene.at_dst("new/x") == "ours\n");
  CHECK(scene.at_dst("new/y") == "ours too\n");
  CHECK(contents_below(scene.dir.path("dst/old")) ==
        std::multiset<std::string>{"theirs\n", "theirs alone\n"});
  scene.check_settled();
}

TEST_CASE("a renamed file of which others changed the copy", "[sync][drift]") {
  DriftScene scene;
  scene.write_later("src/old", "ours\n");
  scene.copy();
  scene.write_later("dst/old", "theirs\n");
  stdfs::rename(scene.dir.path("src/old"), scene.dir.path("src/new"));
  CHECK(scene.copy().report.in_step);
  CHECK(scene.at_dst("new") == "ours\n");
  CHECK_FALSE(scene.is_at_dst("old"));
  CHECK(scene.at_dst(DriftScene::kept("old")) == "theirs\n");
  scene.check_settled();
}

TEST_CASE("at first contact other content counts as made by others, equal content as agreed",
          "[sync][drift]") {
  DriftScene scene;
  scene.write_later("src/f", "ours\n");
  scene.write_later("src/same", "the same\n");
  stdfs::create_directories(scene.dir.path("dst"));
  scene.write_later("dst/f", "theirs\n");
  scene.write_later("dst/extra/x", "extra\n");
  stdfs::copy(scene.dir.path("src/same"), scene.dir.path("dst/same"));
  set_mtime(scene.dir.path("dst/same"), lstat_of(scene.dir.path("src/same")).st_mtime);
  CHECK(scene.copy().report.in_step);
  CHECK(scene.at_dst("f") == "ours\n");
  CHECK(scene.at_dst(DriftScene::kept("f")) == "theirs\n");
  CHECK(scene.at_dst(DriftScene::kept("extra") + "/x") == "extra\n");
  scene.check_settled();
  scene.write_later("src/same", "not the same any more\n");
  scene.copy();
  CHECK(scene.at_dst("same") == "not the same any more\n");
  CHECK_FALSE(scene.is_at_dst(DriftScene::kept("same")));
}

TEST_CASE("what a failure left undone at first contact is still theirs in the next run", "[sync][drift]") {
  DriftScene scene;
  for (const auto* name : {"equal", "later"}) scene.write_later(std::string("src/") + name, "ours\n");
  stdfs::create_directories(scene.dir.path("dst"));
  scene.write_later("dst/later", "theirs\n");
  stdfs::copy(scene.dir.path("src/equal"), scene.dir.path("dst/equal"));
  set_mtime(scene.dir.path("dst/equal"), lstat_of(scene.dir.path("src/equal")).st_mtime);
  // The source cannot read it.
  FaultFs faults(fs::linux_fs());
  faults.fail_every("open_read", EIO);
  sync::World failing;
  failing.files = &faults;
  const auto first = run_copy(scene.options, failing, {});
  CHECK(first.report.exit_code == 23);
  CHECK(scene.at_dst("later") == "theirs\n");
  scene.write_later("src/equal", "ours, newer\n");
  CHECK(scene.copy().report.in_step);
  CHECK(scene.at_dst(DriftScene::kept("later")) == "theirs\n");
  CHECK_FALSE(scene.is_at_dst(DriftScene::kept("equal")));
  scene.check_settled();
}

TEST_CASE("an entry of theirs that stays without --delete is kept when SRC gets one of its name",
          "[sync][drift]") {
  DriftScene scene;
  scene.options.delete_extra = false;
  scene.write_later("src/f", "ours\n");
  stdfs::create_directories(scene.dir.path("dst"));
  scene.write_later("dst/theirs", "theirs\n");
  CHECK(scene.copy().report.in_step);
  scene.check_settled();
  scene.write_later("src/theirs", "ours by the same name\n");
  CHECK(scene.copy().report.in_step);
  CHECK(scene.at_dst("theirs") == "ours by the same name\n");
  CHECK(scene.at_dst(DriftScene::kept("theirs")) == "theirs\n");
  scene.check_settled();
}

TEST_CASE("past 65,536 entries that are left nothing counts as agreed", "[sync][drift][limit]") {
  if (test_link() != "" || std::getenv("SYNCLINE_SANITIZED") != nullptr) return;  // it takes its time
  const bool too_many = GENERATE(false, true);
  CAPTURE(too_many);
  DriftScene scene;
  scene.options.delete_extra = false;
  scene.write_later("src/equal", "the same\n");
  stdfs::create_directories(scene.dir.path("dst/theirs"));
  stdfs::create_directories(scene.dir.path("src/theirs"));
  stdfs::copy(scene.dir.path("src/equal"), scene.dir.path("dst/equal"));
  set_mtime(scene.dir.path("dst/equal"), lstat_of(scene.dir.path("src/equal")).st_mtime);
  for (std::size_t i = 0; i < limits::left_entries_max + (too_many ? 1 : 0); ++i)
    scene.dir.write("dst/theirs/" + std::to_string(i), "");
  CHECK(scene.copy().report.in_step);
  scene.write_later("src/equal", "not the same any more\n");
  CHECK(scene.copy().report.in_step);
  CHECK(scene.is_at_dst(DriftScene::kept("equal")) == too_many);
}

TEST_CASE("where a kept file has the name of a directory, the area finds another one", "[sync][drift]") {
  DriftScene scene(DriftKeep::area);
  scene.write_later("src/f", "ours\n");
  scene.copy();
  scene.write_later("dst/d", "a file\n");
  scene.copy();
  scene.write_later("src/d/x", "ours\n");
  scene.copy();
  scene.write_later("dst/d/x", "theirs\n");
  const auto outcome = scene.copy();
  CHECK(outcome.report.in_step);
  CHECK(scene.at_dst(".syncline/kept/d") == "a file\n");
  CHECK(scene.at_dst(".syncline/kept/" + DriftScene::kept("d") + "/x") == "theirs\n");
  REQUIRE(kept_event(outcome, "d/x") != nullptr);
  CHECK(kept_event(outcome, "d/x")->kept_as == ".syncline/kept/" + DriftScene::kept("d") + "/x");
}

TEST_CASE("kept in the area everything keeps its path", "[sync][drift]") {
  DriftScene scene(DriftKeep::area);
  scene.write_later("src/d/f", "ours\n");
  scene.write_later("src/gone/x", "ours\n");
  scene.copy();
  scene.write_later("dst/d/f", "theirs\n");
  scene.write_later("dst/d/new/x", "theirs too\n");
  scene.write_later("dst/gone/x", "theirs in gone\n");
  stdfs::remove_all(scene.dir.path("src/gone"));
  const auto second = scene.copy();
  CHECK(second.report.in_step);
  CHECK(scene.at_dst(".syncline/kept/d/f") == "theirs\n");
  CHECK(scene.at_dst(".syncline/kept/d/new/x") == "theirs too\n");
  CHECK(scene.at_dst(".syncline/kept/gone/x") == "theirs in gone\n");
  CHECK_FALSE(scene.is_at_dst("gone"));
  CHECK(kept_event(second, "d/f")->kept_as == ".syncline/kept/d/f");
  scene.check_settled();
  scene.write_later("dst/d/f", "theirs again\n");
  scene.copy();
  CHECK(scene.at_dst(".syncline/kept/d/f") == "theirs\n");
  CHECK(scene.at_dst(".syncline/kept/" + DriftScene::kept("d/f")) == "theirs again\n");
}

TEST_CASE("--drift-keep=none keeps nothing but what was kept before", "[sync][drift]") {
  DriftScene scene;
  scene.write_later("src/f", "ours\n");
  scene.copy();
  scene.write_later("dst/f", "theirs\n");
  scene.copy();
  scene.options.drift_keep = DriftKeep::none;
  scene.write_later("dst/f", "theirs, later\n");
  scene.write_later("dst/extra", "extra\n");
  CHECK(scene.copy().report.in_step);
  CHECK(contents_below(scene.dir.path("dst")) == std::multiset<std::string>{"ours\n", "theirs\n"});
  CHECK(scene.is_at_dst(DriftScene::kept("f")));
}

TEST_CASE("a conflict copy in SRC is a file like any other", "[sync][drift]") {
  DriftScene scene;
  scene.write_later("src/f.conflict-box-1.txt", "ours\n");
  scene.copy();
  CHECK(scene.at_dst("f.conflict-box-1.txt") == "ours\n");
  stdfs::remove(scene.dir.path("src/f.conflict-box-1.txt"));
  scene.write_later("src/g", "");
  scene.copy();
  CHECK_FALSE(scene.is_at_dst("f.conflict-box-1.txt"));
}

TEST_CASE("a backup directory takes what is replaced, and nothing is kept twice", "[sync][drift]") {
  DriftScene scene;
  scene.options.backup_dir = "old";
  scene.options.filters = {{false, "/old"}};
  scene.write_later("src/f", "ours\n");
  scene.copy();
  scene.write_later("dst/f", "theirs\n");
  scene.write_later("dst/extra", "extra\n");
  scene.copy();
  CHECK(scene.at_dst("old/f") == "theirs\n");
  CHECK(scene.at_dst("old/extra") == "extra\n");
  CHECK_FALSE(scene.is_at_dst(DriftScene::kept("f")));
}

TEST_CASE("--drift=keep leaves what others changed until SRC's version changes", "[sync][drift]") {
  DriftScene scene(DriftKeep::beside, Drift::keep);
  for (const auto* name : {"f", "g", "removed"}) scene.write_later(std::string("src/") + name, "ours\n");
  scene.copy();
  scene.write_later("dst/f", "theirs\n");
  scene.write_later("dst/extra", "extra\n");
  stdfs::remove(scene.dir.path("dst/removed"));
  const auto second = scene.copy();
  CHECK(second.report.exit_code == 0);
  CHECK(second.report.in_step);
  REQUIRE(second.change("f") != nullptr);
  CHECK(second.change("f")->itemized == "*drifted   ");
  CHECK(scene.at_dst("f") == "theirs\n");
  CHECK(scene.at_dst("extra") == "extra\n");
  CHECK_FALSE(scene.is_at_dst("removed"));
  scene.check_settled();
  SECTION("a change elsewhere") {
    scene.write_later("src/g", "ours, newer\n");
    const auto third = scene.copy();
    CHECK(third.report.in_step);
    CHECK(third.change("f") == nullptr);  // told once
    CHECK(scene.at_dst("f") == "theirs\n");
    CHECK_FALSE(scene.is_at_dst("removed"));
  }
  SECTION("a change of SRC's version") {
    scene.write_later("src/f", "ours, newer\n");
    scene.write_later("src/removed", "ours, newer\n");
    CHECK(scene.copy().report.in_step);
    CHECK(scene.at_dst("f") == "ours, newer\n");
    CHECK(scene.at_dst("removed") == "ours, newer\n");
    CHECK(scene.at_dst(DriftScene::kept("f")) == "theirs\n");
  }
  SECTION("a change of SRC's version while the memory of the source is lost") {
    scene.write_later("src/f", "ours, newer\n");
    stdfs::remove_all(scene.dir.path("state") + (test_link() == "pull" ? "-server" : "") + "/replicas");
    if (test_link() != "push" && test_link() != "pull") return;  // there it is that of both
    CHECK(scene.copy().report.in_step);
    CHECK(scene.at_dst("f") == "ours, newer\n");
    CHECK(scene.at_dst(DriftScene::kept("f")) == "theirs\n");
  }
  SECTION("heal from now on") {
    scene.options.drift = Drift::heal;
    CHECK(scene.copy().report.in_step);
    CHECK(scene.at_dst("f") == "ours\n");
    CHECK(scene.at_dst("removed") == "ours\n");
    CHECK(scene.at_dst(DriftScene::kept("f")) == "theirs\n");
    CHECK(scene.at_dst(DriftScene::kept("extra")) == "extra\n");
  }
  scene.check_settled();
}

TEST_CASE("--drift=report touches nothing that others changed, and tells it each time", "[sync][drift]") {
  DriftScene scene(DriftKeep::beside, Drift::report);
  for (const auto* name : {"f", "g", "removed", "d/x"})
    scene.write_later(std::string("src/") + name, "ours\n");
  scene.copy();
  scene.write_later("dst/f", "theirs\n");
  scene.write_later("dst/extra/x", "extra\n");
  scene.write_later("dst/d/x", "theirs in d\n");
  stdfs::remove(scene.dir.path("dst/removed"));
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    scene.write_later("src/f", "ours, version " + std::to_string(round));
    scene.write_later("src/g", "ours, version " + std::to_string(round));
    if (round == 1) stdfs::remove_all(scene.dir.path("src/d"));
    const auto outcome = scene.copy();
    CHECK(outcome.report.exit_code == 23);
    CHECK_FALSE(outcome.report.in_step);
    CHECK(outcome.errors.size() == 4);
    REQUIRE(drift_error(outcome, "f") != nullptr);
    CHECK(drift_error(outcome, "f")->cause == "was changed in DST (drift)");
    CHECK(drift_error(outcome, "f")->side == "destination");
    CHECK(drift_error(outcome, "extra") != nullptr);
    CHECK(drift_error(outcome, "d/x") != nullptr);
    REQUIRE(drift_error(outcome, "removed") != nullptr);
    CHECK(drift_error(outcome, "removed")->cause == "was removed in DST (drift)");
    CHECK(scene.at_dst("f") == "theirs\n");
    CHECK(scene.at_dst("extra/x") == "extra\n");
    CHECK(scene.at_dst("d/x") == "theirs in d\n");
    CHECK_FALSE(scene.is_at_dst("removed"));
    CHECK(scene.at_dst("g") == "ours, version " + std::to_string(round));
  }
  scene.options.drift = Drift::heal;
  CHECK(scene.copy().report.in_step);
  CHECK(scene.at_dst("f") == "ours, version 2");
  CHECK(scene.at_dst("removed") == "ours\n");
  CHECK(contents_below(scene.dir.path("dst")).contains("theirs in d\n"));
  scene.check_settled();
}

TEST_CASE("a rule protects what others made from being kept away", "[sync][drift]") {
  DriftScene scene;
  scene.options.filters = {{false, "*.o"}};
  scene.write_later("src/f", "ours\n");
  scene.copy();
  scene.write_later("dst/build/a.o", "object\n");
  scene.write_later("dst/build/log", "log\n");
  CHECK(scene.copy().report.exit_code == 0);
  CHECK(scene.at_dst("build/a.o") == "object\n");
  CHECK(scene.at_dst(DriftScene::kept("build/log")) == "log\n");
  scene.check_settled();
}

TEST_CASE("where no second name can be made their version is moved away first", "[sync][drift]") {
  DriftScene scene;
  scene.write_later("src/f", "ours\n");
  ::symlink("ours", scene.dir.path("src/l").c_str());
  scene.copy();
  scene.write_later("dst/f", "theirs\n");
  stdfs::remove(scene.dir.path("dst/l"));
  ::symlink("theirs", scene.dir.path("dst/l").c_str());
  FaultFs faults(fs::linux_fs());
  faults.fail_every("make_link", EPERM);
  sync::World without_links;
  without_links.files = &faults;
  CHECK(run_copy(scene.options, {}, without_links).report.in_step);
  CHECK(faults.struck() > 0);
  CHECK(scene.at_dst("f") == "ours\n");
  CHECK(scene.at_dst(DriftScene::kept("f")) == "theirs\n");
  CHECK(stdfs::read_symlink(scene.dir.path("dst/" + DriftScene::kept("l"))) == "theirs");
  scene.check_settled();
}
