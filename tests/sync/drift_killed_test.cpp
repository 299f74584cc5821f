// SPDX-License-Identifier: Apache-2.0
// What a copy that is killed had brought to DST is ours when the next one comes, and what others do then is
// theirs.
#include <unistd.h>

#include "drift_scene.hpp"
#include "support/child.hpp"
#include "support/fault_fs.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

namespace {

/// It forks.
bool can_kill() { return test_link() == "" && std::getenv("SYNCLINE_SANITIZED") == nullptr; }

/// A copy that is killed before change `call` of DST; false where it came to its end before.
bool copy_killed_at(const DriftScene& scene, std::uint64_t call) {
  const auto child = run_in_child([&] {
    FaultFs faults(fs::linux_fs(), Counted::mutating);
    faults.kill_at(call);
    sync::World target;
    target.files = &faults;
    run_copy(scene.options, {}, target);
    return 0;
  });
  if (!child.killed()) REQUIRE(child.exit_code == 0);
  return child.killed();
}

/// What is called as versions of others are.
std::string conflict_copies(const DriftScene& scene) {
  std::string out;
  for (const auto& entry : stdfs::recursive_directory_iterator(scene.dir.path("dst")))
    if (patch::is_conflict_name(entry.path().filename().string())) out += entry.path().string() + '\n';
  return out;
}

void link_anew(const DriftScene& scene, const std::string& target, const std::string& name) {
  stdfs::remove(scene.dir.path(name));
  stdfs::create_symlink(target, scene.dir.path(name));
}

/// What a copy brings, one of each kind.
void make_changes(DriftScene& scene) {
  scene.write_later("src/replaced", "old\n");
  scene.write_later("src/timed", "as ever\n");
  scene.write_later("src/renamed", "renamed\n");
  scene.write_later("src/moved/deep/x", "in a moved directory\n");
  scene.write_later("src/linked", "of two names\n");
  scene.write_later("src/two/a", "timed, of two names\n");
  stdfs::create_hard_link(scene.dir.path("src/two/a"), scene.dir.path("src/two/b"));
  scene.write_later("src/three/a", "of two names, then of three\n");
  stdfs::create_hard_link(scene.dir.path("src/three/a"), scene.dir.path("src/three/b"));
  scene.write_later("src/apart/a", "two names, then moved\n");
  stdfs::create_hard_link(scene.dir.path("src/apart/a"), scene.dir.path("src/apart/b"));
  scene.write_later("src/patched", random_text(200'000, 1));
  scene.write_later("src/removed", "removed\n");
  link_anew(scene, "here", "src/symlink");
  scene.copy();
  scene.write_later("src/replaced", "new\n");
  set_mtime(scene.dir.path("src/timed"), 1'800'000'000);
  set_mtime(scene.dir.path("src/two/a"), 1'800'000'000);
  stdfs::create_hard_link(scene.dir.path("src/three/a"), scene.dir.path("src/three/c"));
  stdfs::rename(scene.dir.path("src/apart/b"), scene.dir.path("src/apart/c"));
  stdfs::rename(scene.dir.path("src/renamed"), scene.dir.path("src/by another name"));
  stdfs::rename(scene.dir.path("src/moved"), scene.dir.path("src/to here"));
  stdfs::create_hard_link(scene.dir.path("src/linked"), scene.dir.path("src/second"));
  auto content = random_text(200'000, 1);
  content[100'000] ^= 1;
  scene.write_later("src/patched", content);
  stdfs::remove(scene.dir.path("src/removed"));
  link_anew(scene, "there", "src/symlink");
  link_anew(scene, "new", "src/new symlink");
  scene.write_later("src/new/deep/x", "in a new directory\n");
  scene.write_later("src/new/y", "new\n");
  ::mkfifo(scene.dir.path("src/new/fifo").c_str(), 0600);
}

/// Each of those is something else by now, or gone.
void change_again(DriftScene& scene) {
  scene.write_later("src/replaced", "newer\n");
  scene.write_later("src/timed", "other content\n");
  scene.write_later("src/two/b", "other content of two names\n");
  scene.write_later("src/three/b", "other content of three names\n");
  scene.write_later("src/apart/c", "other content of moved names\n");
  stdfs::remove(scene.dir.path("src/by another name"));
  stdfs::remove_all(scene.dir.path("src/to here"));
  stdfs::remove(scene.dir.path("src/second"));
  scene.write_later("src/second", "of one name\n");
  scene.write_later("src/patched", random_text(150'000, 2));
  scene.write_later("src/removed", "here again\n");
  link_anew(scene, "elsewhere", "src/symlink");
  stdfs::remove(scene.dir.path("src/new symlink"));
  stdfs::remove_all(scene.dir.path("src/new"));
}

}  // namespace

TEST_CASE("what a killed copy has brought is not taken for what others made", "[sync][drift][crash]") {
  if (!can_kill()) return;
  const auto update = GENERATE(Update::automatic, Update::inplace);
  bool was_killed = true;
  std::uint64_t call = 0;
  for (; was_killed; call += update == Update::inplace ? 3 : 1) {  // the ways part only for the large one
    CAPTURE(call, static_cast<int>(update));
    DriftScene scene;
    scene.options.update = update;
    make_changes(scene);
    was_killed = copy_killed_at(scene, call + 1);
    change_again(scene);
    const auto next = scene.copy();
    CHECK(next.report.exit_code == 0);
    CHECK(next.report.in_step);
    CHECK_FALSE(next.was_unlike());
    CHECK(conflict_copies(scene) == "");
    for (const auto& change : next.changes) {
      CAPTURE(change.path);
      CHECK_FALSE(change.edited_in_destination);
    }
    CHECK((contents_below(scene.dir.path("dst")) == contents_below(scene.dir.path("src"))));
    scene.check_settled();
  }
  CHECK(call > 30);
}

TEST_CASE("killed twice in a row, both copies are ours", "[sync][drift][crash]") {
  if (!can_kill()) return;
  for (std::uint64_t call = 2; call < 60; call += 5) {
    CAPTURE(call);
    DriftScene scene;
    make_changes(scene);
    if (!copy_killed_at(scene, call)) break;
    scene.write_later("src/new/y", "other\n");
    scene.write_later("src/replaced", "other\n");
    copy_killed_at(scene, 60 - call);
    change_again(scene);
    CHECK(scene.copy().report.in_step);
    CHECK(conflict_copies(scene) == "");
    CHECK((contents_below(scene.dir.path("dst")) == contents_below(scene.dir.path("src"))));
  }
}

TEST_CASE("what others do to what a killed copy has brought is kept", "[sync][drift][crash]") {
  if (!can_kill()) return;
  bool was_killed = true;
  bool was_there = false;
  for (std::uint64_t call = 1; was_killed; call += 3) {
    CAPTURE(call);
    DriftScene scene;
    make_changes(scene);
    was_killed = copy_killed_at(scene, call);
    std::size_t made = 0;
    const auto edit = [&](const std::string& name) {
      const auto path = scene.dir.path("dst/" + name);
      if (!stdfs::is_regular_file(path)) return;
      // As many bytes, under the same time: nothing but the content tells.
      const auto mtime = stdfs::last_write_time(path);
      auto content = scene.at_dst(name);
      content.replace(0, 4, "them");
      scene.dir.write("dst/" + name, content);
      stdfs::last_write_time(path, mtime);
      ++made;
    };
    for (const auto* name : {"replaced", "by another name", "new/y", "new/deep/x", "patched"}) edit(name);
    if (stdfs::is_directory(scene.dir.path("dst/new"))) scene.dir.write("dst/new/theirs", "them too"), ++made;
    was_there = was_there || made == 6;
    change_again(scene);
    CHECK(scene.copy().report.exit_code == 0);
    const auto after = contents_below(scene.dir.path("dst"));
    CHECK(static_cast<std::size_t>(std::ranges::count_if(
              after, [](const auto& content) { return content.starts_with("them"); })) == made);
  }
  CHECK(was_there);
}
