// SPDX-License-Identifier: Apache-2.0
// What a sender concludes from its records is looked over by the receiver, and by the sender itself.
#include <filesystem>

#include "drift_scene.hpp"
#include "state/state.hpp"
#include "support/catch.hpp"
#include "sync/tree.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

namespace {

/// Makes the sender's records forget an entry of its root, as a mistake of ours might.
void forget(const Pair& pair, const std::string& name) {
  const std::string state = pair.dir.path(test_link() == "pull" ? "state-server" : "state");
  const auto root = lstat_of(pair.dir.path("src"));
  bool was_there = false;
  for (const auto& file : stdfs::directory_iterator(state + "/replicas")) {
    if (file.path().extension() != ".db") continue;
    const auto database = state::Database::open(file.path().string(), false);
    auto record = database->reader()->dir(static_cast<state::DirId>(root.st_ino));
    if (!record) continue;
    was_there = std::erase_if(record->entries, [&](const auto& entry) { return entry.name == name; }) == 1;
    const auto writer = database->writer();
    writer->put_dir(static_cast<state::DirId>(root.st_ino), *record);
    writer->commit(false);
  }
  REQUIRE(was_there);
}

}  // namespace

TEST_CASE("records that were wrong are noticed at the end, and listings put it right", "[sync][unlike]") {
  DriftScene scene(DriftKeep::beside);
  for (const auto* name : {"gone", "stays", "other"}) scene.write_later(std::string("src/") + name, "ours\n");
  scene.copy();
  const bool with_kept = GENERATE(false, true);
  CAPTURE(with_kept);
  if (with_kept) {
    scene.write_later("dst/stays", "theirs\n");
    CHECK(scene.copy().report.in_step);
  }
  forget(scene, "gone");
  stdfs::remove(scene.dir.path("src/gone"));
  scene.write_later("src/other", "new\n");  // a new name would make it look at listings at once
  const auto outcome = scene.copy();
  CHECK(outcome.was_unlike());
  CHECK(outcome.report.exit_code == 0);
  CHECK(outcome.report.in_step);
  CHECK(outcome.report.files_changed == 1);
  CHECK(outcome.report.files_deleted == 1);
  CHECK_FALSE(scene.is_at_dst("gone"));
  CHECK(scene.at_dst("other") == "new\n");
  CHECK(scene.is_at_dst(DriftScene::kept("stays")) == with_kept);
  scene.check_settled();

  // The next time is no different.
  scene.write_later("src/gone", "ours\n");
  CHECK_FALSE(scene.copy().was_unlike());
  forget(scene, "gone");
  stdfs::remove(scene.dir.path("src/gone"));
  scene.write_later("src/other", "newer\n");
  CHECK(scene.copy().was_unlike());
  CHECK_FALSE(scene.is_at_dst("gone"));
}

TEST_CASE("where the trees differ for a reason of which nobody tells, that is looked into once",
          "[sync][unlike]") {
  DriftScene scene(DriftKeep::none);
  scene.options.update_only = true;
  for (const auto* name : {"newer", "other"}) scene.write_later(std::string("src/") + name, "ours\n");
  scene.copy();
  scene.dir.write("dst/newer", "theirs");  // now, which is later than whatever write_later() writes
  for (int i = 0; i < 4; ++i) {
    CAPTURE(i);
    scene.write_later("src/other", std::string(static_cast<std::size_t>(i), 'x'));
    const auto outcome = scene.copy();
    CHECK(outcome.was_unlike() == (i == 0));
    CHECK(outcome.report.in_step);
    CHECK(outcome.report.exit_code == 0);
    CHECK(outcome.report.files_changed == 1);
    CHECK(scene.at_dst("newer") == "theirs");
    scene.check_settled();
  }
}

TEST_CASE("what others made in a directory goes, where SRC has moved another one to", "[sync][unlike]") {
  DriftScene scene(GENERATE(DriftKeep::none, DriftKeep::beside));
  for (const auto* name : {"d/x/y", "d/x/z"}) scene.write_later(std::string("src/") + name, "ours\n");
  scene.copy();
  stdfs::create_directory(scene.dir.path("src/p"));
  stdfs::rename(scene.dir.path("src/d/x"), scene.dir.path("src/p/x"));
  stdfs::remove(scene.dir.path("src/p/x/y"));
  scene.write_later("dst/p/x/y", "theirs\n");
  const auto outcome = scene.copy();
  CHECK(outcome.report.in_step);
  CHECK_FALSE(outcome.was_unlike());
  CHECK_FALSE(scene.is_at_dst("p/x/y"));
  CHECK(scene.is_at_dst(DriftScene::kept("p/x/y")) == (scene.options.drift_keep == DriftKeep::beside));
  CHECK(scene.at_dst("p/x/z") == "ours\n");
  scene.check_settled();
}

TEST_CASE("a directory that SRC removes stays for what was kept below it before", "[sync][unlike]") {
  DriftScene scene(DriftKeep::beside);
  for (const auto* name : {"d/x", "d/e/f/y", "other"})
    scene.write_later(std::string("src/") + name, "ours\n");
  scene.copy();
  scene.write_later("dst/d/e/f/y", "theirs\n");
  CHECK(scene.copy().report.in_step);
  const auto kept = DriftScene::kept("d/e/f/y");
  const bool at_once = GENERATE(true, false);
  CAPTURE(at_once);
  if (!at_once) {  // what is there for that alone is no record of ours any more
    stdfs::remove_all(scene.dir.path("src/d/e"));
    CHECK(scene.copy().report.in_step);
    scene.check_settled();
  }
  stdfs::remove_all(scene.dir.path("src/d"));
  const auto outcome = scene.copy();
  CHECK(outcome.report.exit_code == 0);
  CHECK(outcome.report.in_step);
  CHECK_FALSE(outcome.was_unlike());
  CHECK_FALSE(scene.is_at_dst("d/x"));
  CHECK(scene.at_dst(kept) == "theirs\n");
  scene.check_settled();
  for (const auto* content : {"1", "22"}) {
    scene.write_later("src/other", content);
    const auto next = scene.copy();
    CHECK(next.report.exit_code == 0);
    CHECK(next.changes.size() == 1);
    CHECK_FALSE(next.was_unlike());
    scene.check_settled();
  }
}

TEST_CASE("an old directory that stays in DST is not taken for empty when SRC wants its name",
          "[sync][unlike]") {
  DriftScene scene(DriftKeep::beside);
  scene.write_later("src/d/e/y", "ours\n");
  scene.copy();
  scene.write_later("dst/d/e/y", "theirs\n");
  scene.copy();
  stdfs::remove_all(scene.dir.path("src/d"));
  scene.copy();
  scene.write_later("src/d", "a file now\n");
  const auto outcome = scene.copy();
  CHECK(outcome.report.exit_code == 0);
  CHECK(outcome.report.in_step);
  CHECK(scene.at_dst("d") == "a file now\n");
  CHECK(contents_below(scene.dir.path("dst")) == std::multiset<std::string>{"a file now\n", "theirs\n"});
  scene.check_settled();
}
