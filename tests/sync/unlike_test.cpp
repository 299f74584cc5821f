// SPDX-License-Identifier: Apache-2.0
// What a sender concludes from its records is looked over by the receiver, and by the sender itself.
#include <algorithm>
#include <atomic>
#include <filesystem>

#include "base/error.hpp"
#include "drift_scene.hpp"
#include "state/state.hpp"
#include "support/catch.hpp"
#include "support/fault_fs.hpp"
#include "sync/tree.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

namespace {

state::DirId root_id(const Pair& pair) {
  return static_cast<state::DirId>(lstat_of(pair.dir.path("src")).st_ino);
}

/// Of what the sender remembers.
std::string source_database(const Pair& pair) {
  const std::string state = pair.dir.path(test_link() == "pull" ? "state-server" : "state");
  for (const auto& file : stdfs::directory_iterator(state + "/replicas")) {
    if (file.path().extension() != ".db") continue;
    const auto path = file.path().string();
    if (state::Database::open(path, false)->reader()->dir(root_id(pair))) return path;
  }
  FAIL("the source has no state");
  return "";
}

/// Makes the sender's records forget an entry of its root, as a mistake of ours might.
void forget(const Pair& pair, const std::string& name) {
  const auto database = state::Database::open(source_database(pair), false);
  auto record = *database->reader()->dir(root_id(pair));
  REQUIRE(std::erase_if(record.entries, [&](const auto& entry) { return entry.name == name; }) == 1);
  const auto writer = database->writer();
  writer->put_dir(root_id(pair), record);
  writer->commit(false);
}

/// Makes them have `copy` beside `name`, of another inode: and the root looks as it did.
void remember(const Pair& pair, const std::string& name, const std::string& copy) {
  const auto database = state::Database::open(source_database(pair), false);
  auto record = *database->reader()->dir(root_id(pair));
  auto entry = *record.find(name);
  entry.name = copy;
  entry.stat.inode += 1'000'000'000;
  record.entries.push_back(entry);
  std::ranges::sort(record.entries, {}, &state::StoredEntry::name);
  const auto writer = database->writer();
  writer->put_dir(root_id(pair), record);
  writer->commit(false);
}

/// A copy that is stopped when it opens the `nth` file. The sender remembers nothing of it, as one that is
/// killed.
void copy_in_part(const Pair& pair, std::uint64_t nth) {
  const auto state = source_database(pair);
  stdfs::copy_file(state, state + ".before");
  FaultFs faults(fs::linux_fs());
  std::atomic<bool> is_stopped = false;
  faults.call_op(
      "open_read", [&] { is_stopped = true; }, nth);
  sync::World source;
  source.files = &faults;
  CHECK_THROWS_AS(run_copy(pair.options, source, {}, nullptr, [&] { return is_stopped.load(); }), Error);
  CHECK(faults.struck() == 1);
  stdfs::rename(state + ".before", state);
  for (const auto* more : {"-wal", "-shm"}) stdfs::remove(state + more);
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

TEST_CASE("two mistakes in a row are noticed, and one behind a copy with nothing to do", "[sync][unlike]") {
  const bool is_touched = GENERATE(false, true);
  CAPTURE(is_touched);
  DriftScene scene(DriftKeep::beside);
  for (const auto* name : {"gone", "gone too", "stays", "other"})
    scene.write_later(std::string("src/") + name, "ours\n");
  scene.copy();
  if (is_touched) {
    scene.write_later("dst/stays", "theirs\n");
    scene.copy();
    for (const auto mode : {stdfs::perms::owner_read, stdfs::perms::owner_all})
      stdfs::permissions(scene.dir.path("src/other"), mode);
    scene.copy();
    stdfs::permissions(scene.dir.path("src/other"), stdfs::perms::owner_read);
    stdfs::permissions(scene.dir.path("src/other"), stdfs::perms::owner_all);  // its ctime alone has moved
    CHECK(scene.copy().report.in_step);
  }
  for (const auto* name : {"gone", "gone too"}) {
    forget(scene, name);
    stdfs::remove(scene.dir.path("src/") + name);
    scene.write_later("src/other", std::string("after ") + name);
    CHECK(scene.copy().was_unlike());
    CHECK_FALSE(scene.is_at_dst(name));
  }
}

TEST_CASE("what others made is kept, also where the first session has not met it", "[sync][unlike]") {
  DriftScene scene(DriftKeep::beside);
  for (const auto* name : {"other", "d/f"}) scene.write_later(std::string("src/") + name, "ours\n");
  scene.copy();
  remember(scene, "other", "theirs");
  scene.write_later("dst/theirs", "theirs\n");
  scene.write_later("src/d/f", "ours, newer\n");
  const auto outcome = scene.copy();
  CHECK(outcome.was_unlike());
  CHECK(outcome.report.exit_code == 0);
  CHECK_FALSE(scene.is_at_dst("theirs"));
  CHECK(scene.at_dst(DriftScene::kept("theirs")) == "theirs\n");
  scene.check_settled();
}

TEST_CASE("a limit of deletions holds for both sessions of a run", "[sync][unlike]") {
  DriftScene scene(DriftKeep::none);
  for (const auto* name : {"also", "gone", "other"}) scene.write_later(std::string("src/") + name, "ours\n");
  scene.copy();
  forget(scene, "gone");
  for (const auto* name : {"also", "gone"}) stdfs::remove(scene.dir.path("src/") + name);
  scene.write_later("src/other", "new\n");
  scene.options.max_delete = 1;
  const auto outcome = scene.copy();
  CHECK(outcome.report.files_deleted == 1);
  CHECK(outcome.report.exit_code == 25);
  CHECK(scene.is_at_dst("gone"));
}

TEST_CASE("a directory of theirs that goes away while a copy runs is none of its business",
          "[sync][unlike]") {
  DriftScene scene(DriftKeep::none);
  scene.options.delete_extra = false;
  scene.write_later("dst/extra/sub/x", "theirs\n");
  scene.write_later("src/file", "ours\n");
  FaultFs faults(fs::linux_fs());
  faults.call_op("open_read", [&] { stdfs::remove_all(scene.dir.path("dst/extra")); });
  sync::World source;
  source.files = &faults;
  const auto outcome = run_copy(scene.options, source, {});
  CHECK(faults.struck() == 1);
  CHECK(outcome.report.exit_code == 0);
  CHECK(scene.at_dst("file") == "ours\n");
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

TEST_CASE("what came in a copy that broke off is compared once more, and not sent again", "[sync][unlike]") {
  const auto size = GENERATE(std::size_t{4'000}, std::size_t{300'000});
  const bool is_changed = GENERATE(false, true);
  CAPTURE(size, is_changed);
  constexpr unsigned count = 60;  // more than a guard lets pass
  DriftScene scene;
  scene.options.threads = 1;
  scene.options.guard_changes = true;
  scene.write_later("src/other", "ours\n");
  scene.copy();
  const auto name = [](unsigned i) { return "src/" + std::to_string(100 + i); };
  for (unsigned i = 0; i < count; ++i) scene.write_later(name(i), random_text(size, i));
  scene.write_later("src/z", random_text(3'000'000, count));
  copy_in_part(scene, count + 1);
  REQUIRE(scene.is_at_dst("100"));
  REQUIRE_FALSE(scene.is_at_dst("z"));
  const auto mtime = lstat_of(scene.dir.path(name(0))).st_mtime;
  auto content = random_text(size, 0);
  if (is_changed) content[7] ^= 1;  // of the same size, and under the same time
  scene.dir.write(name(0), content);
  set_mtime(scene.dir.path(name(0)), mtime);
  const auto outcome = scene.copy();
  CHECK(outcome.report.exit_code == 0);
  CHECK(outcome.report.in_step);
  CHECK(outcome.report.changes_held == 0);
  CHECK((scene.at_dst("100") == content));
  CHECK((contents_below(scene.dir.path("dst")) == contents_below(scene.dir.path("src"))));
  CHECK(outcome.report.bytes_literal < 3'000'000 + count / 2 * size);
  CHECK_FALSE(outcome.was_unlike());
  // What is as it was is not told.
  CHECK(outcome.changes.size() <= count / 2 + 1);
  CHECK((outcome.change("100") != nullptr) == is_changed);
  CHECK(outcome.report.files_changed == outcome.changes.size());
  for (const auto& change : outcome.changes) CHECK_FALSE(change.edited_in_destination);
  scene.check_settled();
}
