// SPDX-License-Identifier: Apache-2.0
// A tree that is watched while it changes.
#include "watch/tree_watch.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "base/limits.hpp"
#include "fake_events.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace syncline;
using namespace std::chrono_literals;
using test::TempDir;
using watch::TreeWatch;
namespace stdfs = std::filesystem;

struct TreeScene {
  TreeScene() {
    dir.make_dir("root/a/b");
    dir.make_dir("root/c");
    dir.make_dir("other");
  }
  TreeWatch watch() {
    return {[this] { return fs::linux_fs().open_root(dir.path("root")); }, "root",
            std::make_unique<test::TroubledEvents>(trouble, test::watch_for_test(dir.path("root")))};
  }

  TempDir dir;
  test::EventTrouble trouble;
};

/// Everything that has happened so far.
TreeWatch::News all_news(TreeWatch& tree) {
  TreeWatch::News out;
  for (;;) {
    const auto news = tree.take(20ms);
    if (!news.written && !news.complete) return out;
    out.written |= news.written;
    out.complete |= news.complete;
  }
}

bool is_seen(TreeWatch& tree) {
  const auto news = all_news(tree);
  return news.complete || news.written;
}

TEST_CASE("a change in any directory of the tree is seen, and nothing where there is none", "[watch]") {
  TreeScene scene;
  auto tree = scene.watch();
  CHECK(tree.dir_count() == 4);
  CHECK_FALSE(is_seen(tree));
  for (const auto* name : {"root/f", "root/a/f", "root/a/b/f", "root/c/f"}) {
    CAPTURE(name);
    scene.dir.write(name, "x");
    CHECK(is_seen(tree));
  }
  SECTION("a removal") { stdfs::remove(scene.dir.path("root/a/b/f")); }
  SECTION("a rename") { stdfs::rename(scene.dir.path("root/c/f"), scene.dir.path("root/c/g")); }
  SECTION("a mode") { stdfs::permissions(scene.dir.path("root/c/f"), stdfs::perms::owner_read); }
  SECTION("a mode of a directory") { stdfs::permissions(scene.dir.path("root/c"), stdfs::perms::owner_all); }
  SECTION("a link") { stdfs::create_symlink("x", scene.dir.path("root/link")); }
  CHECK(is_seen(tree));
}

TEST_CASE("a file that is open for writing is told apart from one that is closed", "[watch]") {
  TreeScene scene;
  scene.dir.write("root/f", "x");
  auto tree = scene.watch();
  std::ofstream file(scene.dir.path("root/f"), std::ios::app);
  file << "more" << std::flush;
  auto news = all_news(tree);
  CHECK(news.written);
  CHECK_FALSE(news.complete);
  file.close();
  CHECK(all_news(tree).complete);
}

TEST_CASE("somebody who makes or empties a file is in the middle of writing it until it is closed",
          "[watch]") {
  TreeScene scene;
  scene.dir.write("root/a/f", "x");
  auto tree = scene.watch();
  CHECK_FALSE(tree.is_writing());
  for (const auto* name : {"root/a/f", "root/a/new"}) {
    CAPTURE(name);
    std::ofstream file(scene.dir.path(name));
    all_news(tree);
    CHECK(tree.is_writing());
    file.close();
    all_news(tree);
    CHECK_FALSE(tree.is_writing());
  }
  std::ofstream file(scene.dir.path("root/a/f"));
  all_news(tree);
  CHECK(tree.is_writing());
  SECTION("or its directory is gone") { stdfs::rename(scene.dir.path("root/a"), scene.dir.path("other/a")); }
  SECTION("or it is removed") { stdfs::remove(scene.dir.path("root/a/f")); }
  all_news(tree);
  CHECK_FALSE(tree.is_writing());
}

TEST_CASE("links, directories and new names are not being written", "[watch]") {
  TreeScene scene;
  scene.dir.write("root/a/f", "x");
  auto tree = scene.watch();
  stdfs::create_symlink("f", scene.dir.path("root/a/symlink"));
  stdfs::create_hard_link(scene.dir.path("root/a/f"), scene.dir.path("root/a/link"));
  stdfs::rename(scene.dir.path("root/a/link"), scene.dir.path("root/c/link"));
  scene.dir.make_dir("root/a/dir");
  all_news(tree);
  CHECK_FALSE(tree.is_writing());
}

TEST_CASE("what the engine keeps at the root for itself is no change", "[watch]") {
  TreeScene scene;
  auto tree = scene.watch();
  scene.dir.make_dir("root/.syncline/tmp");
  scene.dir.write("root/.syncline/tmp/f", "x");
  CHECK_FALSE(is_seen(tree));
  scene.dir.make_dir("root/a/.syncline");
  CHECK(is_seen(tree));
}

TEST_CASE("directories made at any depth are watched from then on", "[watch]") {
  TreeScene scene;
  auto tree = scene.watch();
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    const auto name = "root/new-" + std::to_string(round);
    scene.dir.make_dir(name + "/x/y");
    REQUIRE(is_seen(tree));
    scene.dir.write(name + "/x/y/f", "x");
    REQUIRE(is_seen(tree));
  }
  CHECK(tree.dir_count() == 4 + 3 * 200);
}

TEST_CASE("a directory that is removed and made anew is watched again", "[watch]") {
  TreeScene scene;
  auto tree = scene.watch();
  stdfs::remove_all(scene.dir.path("root/a"));
  CHECK(is_seen(tree));
  CHECK(tree.dir_count() == 2);
  scene.dir.make_dir("root/a/b");
  CHECK(is_seen(tree));
  scene.dir.write("root/a/b/f", "x");
  CHECK(is_seen(tree));
  CHECK(tree.dir_count() == 4);
}

TEST_CASE("a directory that is moved is watched where it is now, and not once it has left the tree",
          "[watch]") {
  TreeScene scene;
  auto tree = scene.watch();
  SECTION("inside") {
    stdfs::rename(scene.dir.path("root/a"), scene.dir.path("root/c/moved"));
    CHECK(is_seen(tree));
    CHECK(tree.dir_count() == 4);
    scene.dir.make_dir("root/c/moved/b/new");
    CHECK(is_seen(tree));
    scene.dir.write("root/c/moved/b/new/f", "x");
    CHECK(is_seen(tree));
  }
  SECTION("out") {
    stdfs::rename(scene.dir.path("root/a"), scene.dir.path("other/a"));
    CHECK(is_seen(tree));
    CHECK(tree.dir_count() == 2);
    scene.dir.write("other/a/b/f", "x");
    CHECK_FALSE(is_seen(tree));
    stdfs::rename(scene.dir.path("other/a"), scene.dir.path("root/back"));
    CHECK(is_seen(tree));
    scene.dir.write("root/back/b/g", "x");
    CHECK(is_seen(tree));
  }
  SECTION("over another one") {
    stdfs::remove(scene.dir.path("root/a/b"));
    stdfs::rename(scene.dir.path("root/c"), scene.dir.path("root/a"));
    CHECK(is_seen(tree));
    scene.dir.write("root/a/f", "x");
    CHECK(is_seen(tree));
    CHECK(tree.dir_count() == 2);
  }
  SECTION("in exchange with another one") {
    const auto root = fs::linux_fs().open_root(scene.dir.path("root"));
    root->rename_exchange("a", *root, "c");
    CHECK(is_seen(tree));
    for (const auto* name : {"root/a/f", "root/c/f", "root/c/b/f"}) {
      CAPTURE(name);
      scene.dir.write(name, "x");
      CHECK(is_seen(tree));
    }
  }
}

TEST_CASE("a directory that is renamed and made anew at once is followed under both names", "[watch]") {
  TreeScene scene;
  auto tree = scene.watch();
  const auto where = GENERATE("root/c2", "other/c2");
  for (int round = 0; round < 3; ++round) {
    scene.dir.make_dir("root/x");
    stdfs::rename(scene.dir.path("root/x"), scene.dir.path(where + std::to_string(round)));
    scene.dir.make_dir("root/x");
    CHECK(is_seen(tree));
    scene.dir.write("root/x/f", "x");
    CHECK(is_seen(tree));
    scene.dir.write(where + std::to_string(round) + "/f", "x");
    CHECK(is_seen(tree) == (where[0] == 'r'));
    stdfs::remove_all(scene.dir.path("root/x"));
    CHECK(is_seen(tree));
  }
}

TEST_CASE("directories made in one that is replaced before that is heard of are followed", "[watch]") {
  TreeScene scene;
  auto tree = scene.watch();
  scene.dir.make_dir("root/c/x/y");
  stdfs::rename(scene.dir.path("root/c"), scene.dir.path("root/c2"));
  scene.dir.make_dir("root/c");
  CHECK(is_seen(tree));
  scene.dir.write("root/c2/x/y/f", "x");
  CHECK(is_seen(tree));
}

TEST_CASE("a directory that leaves one that is removed is followed to where nobody watches yet", "[watch]") {
  TreeScene scene;
  auto tree = scene.watch();
  const auto path = [&](const char* name) { return scene.dir.path(std::string("root/") + name); };
  const bool is_back = GENERATE(false, true);
  stdfs::create_directories(path("new/deep"));
  stdfs::rename(path("a/b"), path("new/deep/b"));
  stdfs::remove(path("a"));
  // Of what is on its way there is more to hear.
  std::ofstream(path("new/deep/b/f")) << "x";
  stdfs::create_directories(path("new/deep/b/c/d"));
  if (is_back) stdfs::rename(path("new/deep/b"), path("b"));
  CHECK(is_seen(tree));
  CHECK(tree.dir_count() == 7);
  const std::string now = is_back ? "root/b/" : "root/new/deep/b/";
  for (const auto* name : {"f", "c/f", "c/d/f"}) {
    CAPTURE(name);
    scene.dir.write(now + name, "y");
    CHECK(is_seen(tree));
  }
}

TEST_CASE("lost events count as a change, and directories made meanwhile are found", "[watch]") {
  TreeScene scene;
  auto tree = scene.watch();
  scene.trouble.overflow = true;
  scene.dir.make_dir("root/lost/below");
  stdfs::remove_all(scene.dir.path("root/c"));
  CHECK(is_seen(tree));
  CHECK(tree.dir_count() == 5);
  scene.dir.write("root/lost/below/f", "x");
  CHECK(is_seen(tree));
}

TEST_CASE("where the system has no more watches the tree is known to be watched in part", "[watch]") {
  TreeScene scene;
  scene.trouble.watches_max = 3;
  auto tree = scene.watch();
  CHECK_FALSE(tree.is_complete());
  CHECK(tree.dir_count() == 3);
  scene.trouble.watches_max = 100;
  tree.refresh();
  CHECK(tree.is_complete());
  CHECK(tree.dir_count() == 4);
  scene.trouble.watches_max = 0;
  CHECK_THROWS_AS(scene.watch(), Error);
}

TEST_CASE("a root that is another directory by now is not there", "[watch]") {
  TreeScene scene;
  auto tree = scene.watch();
  CHECK(tree.root_is_there());
  stdfs::rename(scene.dir.path("root"), scene.dir.path("away"));
  CHECK_FALSE(tree.root_is_there());
  scene.dir.make_dir("root");
  CHECK_FALSE(tree.root_is_there());
  stdfs::remove(scene.dir.path("root"));
  stdfs::rename(scene.dir.path("away"), scene.dir.path("root"));
  CHECK(tree.root_is_there());
  const auto open_nothing = [&] { return fs::linux_fs().open_root(scene.dir.path("nothing")); };
  CHECK_THROWS_AS(TreeWatch(open_nothing, "nothing", fs::watch_dirs()), Error);
}

TEST_CASE("a directory that may not be read is watched once it may", "[watch]") {
  if (::geteuid() == 0) return;  // who may read everything
  TreeScene scene;
  stdfs::permissions(scene.dir.path("root/c"), stdfs::perms::none);
  auto tree = scene.watch();
  CHECK(tree.dir_count() == 3);
  stdfs::permissions(scene.dir.path("root/c"), stdfs::perms::owner_all);
  CHECK(is_seen(tree));
  CHECK(tree.dir_count() == 4);
}

TEST_CASE("the directories that changed are told once, with all that moved or came", "[watch]") {
  TreeScene scene;
  auto tree = scene.watch();
  CHECK(tree.take_dirty().everywhere);
  CHECK(tree.take_dirty().dirs.empty());
  scene.dir.write("root/a/b/f", "x");
  auto dirty = tree.take_dirty();
  CHECK_FALSE(dirty.everywhere);
  CHECK(dirty.dirs == std::set<std::string>{"a/b"});
  stdfs::rename(scene.dir.path("root/a"), scene.dir.path("root/c/d"));
  dirty = tree.take_dirty();
  CHECK(dirty.dirs.contains(""));
  CHECK(dirty.dirs.contains("c"));
  CHECK(dirty.dirs.contains("c/d/b"));
  scene.dir.make_dir("root/new/below");
  dirty = tree.take_dirty();
  CHECK(dirty.dirs.contains("new/below"));
}

TEST_CASE("a directory that is renamed before its making was heard of is followed under its new name",
          "[watch]") {
  TreeScene scene;
  auto tree = scene.watch();
  tree.take_dirty();
  scene.dir.make_dir("root/new/below");
  stdfs::rename(scene.dir.path("root/new"), scene.dir.path("root/c/renamed"));
  tree.take_dirty();
  scene.dir.write("root/c/renamed/below/f", "x");
  CHECK(tree.take_dirty().dirs == std::set<std::string>{"c/renamed/below"});
}

TEST_CASE("lost events and a lack of watches make everything be looked at", "[watch]") {
  TreeScene scene;
  auto tree = scene.watch();
  tree.take_dirty();
  scene.trouble.overflow = true;
  scene.dir.write("root/f", "x");
  CHECK(tree.overflow_count() == 0);
  CHECK(tree.take_dirty().everywhere);
  CHECK(tree.overflow_count() == 1);
  CHECK_FALSE(tree.take_dirty().everywhere);
  scene.trouble.watches_max = scene.trouble.watches;
  scene.dir.make_dir("root/unwatched");
  CHECK(tree.take_dirty().everywhere);
  CHECK(tree.take_dirty().everywhere);
}

TEST_CASE("past a number of changed directories all of them count", "[watch]") {
  TreeScene scene;
  for (std::size_t i = 0; i <= limits::watch_dirty_max; ++i)
    scene.dir.make_dir("root/c/" + std::to_string(i));
  auto tree = scene.watch();
  tree.take_dirty();
  const auto write = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      scene.dir.write("root/c/" + std::to_string(i) + "/f", "");
      if (i % 256 == 0) tree.take(0ms);  // a queue may have all that happens on the file system in it
    }
  };
  write(limits::watch_dirty_max);
  auto dirty = tree.take_dirty();
  CHECK_FALSE(dirty.everywhere);
  CHECK(dirty.dirs.size() == limits::watch_dirty_max);
  write(limits::watch_dirty_max + 1);
  dirty = tree.take_dirty();
  CHECK(dirty.everywhere);
  CHECK(dirty.dirs.empty());
}

TEST_CASE("a wait for changes is ended from another thread, and so is the next one where none goes on",
          "[watch][threads]") {
  const TreeScene scene;
  const auto events = test::watch_for_test(scene.dir.path("root"));
  const auto begun = std::chrono::steady_clock::now();
  events->wake();
  events->wake();
  CHECK_FALSE(events->wait(60s));
  std::thread other([&] {
    std::this_thread::sleep_for(20ms);
    events->wake();
  });
  CHECK_FALSE(events->wait(60s));
  other.join();
  CHECK(std::chrono::steady_clock::now() - begun < 50s);
  events->add(*fs::linux_fs().open_root(scene.dir.path("root")));
  scene.dir.write("root/f", "x");
  events->wake();
  CHECK(events->wait(60s));  // a change is no less there
  CHECK_FALSE(events->read().empty());
  CHECK_FALSE(events->wait(1ms));
}

}  // namespace
