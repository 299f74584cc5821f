// SPDX-License-Identifier: Apache-2.0
// A copy that is made again and again looks only at what has changed, and finds all of it.
#include "sync/standing_copy.hpp"

#include <unistd.h>

#include "base/limits.hpp"
#include "chunk/scanner.hpp"
#include "own_mounts.hpp"
#include "round_scene.hpp"
#include "support/child.hpp"
#include "sync/copy.hpp"

namespace {

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

/// A directory that is watched, and what it is kept in step with: a directory here or a share.
struct StandingScene : RoundScene {
  explicit StandingScene(bool is_remote) : RoundScene("here", "share"), remote(is_remote) {
    far.options.sources = {source() + "/"};
    far.options.destination = remote ? "syncline://host/share/" : target() + "/";
    begin();
  }

  /// Anew, as after a start.
  void begin() {
    tree = std::make_shared<watch::TreeWatch>([this] { return fs::linux_fs().open_root(source()); }, source(),
                                              fs::watch_dirs());
    RoundScene::begin(tree);
  }
  /// The client knows that a session is over before the server has put away what it had for it.
  void wait_until_kept() {
    for (int i = 0; far.served.warm.count() == 0 && i < 2000; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    REQUIRE(far.served.warm.count() == 1);
  }

  const bool remote;
  std::shared_ptr<watch::TreeWatch> tree;
};

TEST_CASE("rounds find all that random edits change on both sides", "[standing]") {
  const bool is_remote = GENERATE(false, true);
  const bool is_anew = GENERATE(false, true);  // each looks at everything, as a process of its own does
  const unsigned seed = test_seed();
  INFO("seed " << seed << (is_remote ? ", remote" : ", here") << (is_anew ? ", anew" : ""));
  StandingScene scene(is_remote);
  check_random_rounds(scene, seed, is_anew);
  if (is_remote && !is_anew) CHECK(scene.far.served.dial_count == 1);
}

TEST_CASE("a link that leads to another directory between two rounds is not followed there",
          "[standing][guard]") {
  const bool is_remote = GENERATE(false, true);
  const bool in_source = is_remote || GENERATE(false, true);
  CAPTURE(is_remote, in_source);
  StandingScene scene(is_remote);
  const auto link = scene.far.dir.path("link");
  const auto lead_to = [&](const std::string& path) {
    stdfs::remove(link);
    stdfs::create_directory_symlink(path, link);
  };
  const auto place = in_source ? scene.source() : scene.target();
  lead_to(place);
  if (in_source) scene.far.options.sources = {link + "/"};
  else scene.far.options.destination = link + "/";
  scene.far.options.root_guard = RootGuard::keep;
  scene.far.dir.write("here/f", "1");
  scene.round();
  REQUIRE(scene.difference() == "");
  scene.far.dir.make_dir("other");
  scene.far.dir.write("other/g", "2");
  lead_to(scene.far.dir.path("other"));
  for (int i = 0; i < 2; ++i) {
    scene.far.dir.write("here/h", std::to_string(i));
    try {
      scene.round();
      FAIL("it is taken");
    } catch (const Error& error) {
      CHECK(error.is(Errc::replaced));
      CHECK(error.context() == "'" + link + "/'");
    }
    CHECK(scene.far.dir.read("share/f") == "1");
    CHECK(stdfs::directory_iterator(scene.far.dir.path("other"))->path().filename() == "g");
  }
  SECTION("it leads back") {
    lead_to(place);
    scene.round();
    CHECK(scene.difference() == "");
  }
  SECTION("it is gone") {
    stdfs::remove(link);
    CHECK_THROWS_AS(scene.round(), Error);
    CHECK_FALSE(stdfs::exists(link));
    lead_to(place);
    scene.round();
    CHECK(scene.difference() == "");
  }
  SECTION("that is meant") {
    scene.far.options.root_guard = RootGuard::take;
    scene.round();
    scene.far.options.root_guard = RootGuard::keep;
    scene.round();
    CHECK(scene.far.dir.exists(in_source ? "share/g" : "other/f"));
  }
}

TEST_CASE("a link that leads to another directory in the middle of a round is not followed there",
          "[standing][guard]") {
  StandingScene scene(GENERATE(false, true));
  const auto link = scene.far.dir.path("link");
  stdfs::create_directory_symlink(scene.source(), link);
  scene.far.options.sources = {link + "/"};
  scene.far.options.root_guard = RootGuard::keep;
  scene.far.dir.write("here/f", "1");
  scene.far.dir.make_dir("other");
  CopyObserver flips;
  flips.on_change = [&](const ChangeEvent&) {
    stdfs::remove(link);
    stdfs::create_directory_symlink(scene.far.dir.path("other"), link);
  };
  scene.copies->round(scene.far.options, flips);
  try {
    scene.round();
    FAIL("it is taken");
  } catch (const Error& error) {
    CHECK(error.is(Errc::replaced));
  }
  CHECK(scene.far.dir.read("share/f") == "1");
}

TEST_CASE("what is mounted in a followed directory is seen on either side", "[standing]") {
  const bool is_remote = GENERATE(false, true);
  const bool in_source = GENERATE(false, true);
  CAPTURE(is_remote, in_source);
  with_own_mounts([&] {
    StandingScene scene(is_remote);
    scene.far.dir.make_dir("here/d");
    scene.far.dir.write("here/d/f", "1");
    scene.round();
    scene.round();
    if (scene.copies->is_stirred()) return 3;
    const Mounted mounted((in_source ? scene.source() : scene.target()) + "/d");
    if (!mounted.is_there()) return not_permitted;
    if (in_source) scene.far.dir.write("here/d/g", "2");
    else if (!is_remote && !scene.copies->is_stirred()) return 1;
    scene.round();
    return scene.difference().empty() ? 0 : 2;
  });
}

TEST_CASE("a round looks at the directories that changed and at no other", "[standing]") {
  const bool has_rules = GENERATE(false, true);
  StandingScene scene(GENERATE(false, true));
  for (int i = 0; i < 20; ++i) {
    scene.far.dir.make_dir("here/d" + std::to_string(i));
    scene.far.dir.write("here/d" + std::to_string(i) + "/f", "x");
  }
  if (has_rules) {
    scene.far.dir.write("here/.synclineignore", "*.o\n");
    scene.far.dir.write("here/d5/.synclineignore", "!kept.o\n");
  }
  scene.round();
  scene.round();  // what the first one wrote over there was told as well
  // What no event tells is not seen: such a write stands for all that is not looked at.
  const auto hidden = scene.source() + "/d3/f";
  scene.tree->take_dirty();
  const auto stat = lstat_of(hidden);
  scene.far.dir.write("here/d3/f", "y");
  scene.tree->take_dirty();
  scene.far.dir.write("here/d5/f", "z");
  scene.far.dir.write("here/d5/a.o", "z");
  scene.far.dir.write("here/d5/kept.o", "z");
  auto out = scene.round();
  CHECK(out.change("d5/f") != nullptr);
  CHECK((out.change("d5/a.o") == nullptr) == has_rules);
  CHECK(out.change("d5/kept.o") != nullptr);
  CHECK(out.change("d3/f") == nullptr);
  CHECK(stat.st_ino == lstat_of(hidden).st_ino);
  // When everything is to be looked at again it is found.
  scene.tree->refresh();
  out = scene.round();
  CHECK(out.change("d3/f") != nullptr);
  CHECK((scene.difference() == "") == !has_rules);
}

TEST_CASE("rounds in directories without write permission come to rest, and the modes are those of SRC",
          "[standing]") {
  const bool is_remote = GENERATE(false, true);
  CAPTURE(is_remote);
  const auto child = run_in_child([&] {
    constexpr unsigned nobody = 65534;
    if (::geteuid() == 0 && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) return 99;
    StandingScene scene(is_remote);
    scene.far.options.owner = scene.far.options.group = false;
    auto& dir = scene.far.dir;
    const auto set_mode = [&](unsigned mode) { return ::chmod(dir.path("here/d").c_str(), mode) == 0; };
    dir.make_dir("here/d");
    dir.write("here/d/f", "1");
    if (!set_mode(0555)) return 98;
    scene.round();
    for (int i = 0; i < 4; ++i) {
      const auto name = "here/d/" + std::to_string(i);
      set_mode(0755);
      dir.write(name, "new");
      if (i > 0) stdfs::remove(dir.path("here/d/" + std::to_string(i - 1)));
      if (i == 3) stdfs::remove_all(dir.path("here/d"));
      else set_mode(0555);
      if (scene.round().report.exit_code != 0) return 1;
      if (!scene.difference().empty()) return 2;
      // What a round does itself it is told of as well, once.
      if (scene.copies->is_stirred() && !scene.round().changes.empty()) return 3;
      if (scene.copies->is_stirred()) return 4;
    }
    return 0;
  });
  CHECK(child.exit_code == 0);
}

TEST_CASE("rules in the tree that change count everywhere below them in the next round", "[standing]") {
  StandingScene scene(GENERATE(false, true));
  auto& dir = scene.far.dir;
  dir.make_dir("here/d");
  dir.make_dir("here/d/e");
  for (const char* name : {"here/x", "here/d/x", "here/d/e/x", "here/d/e/y"}) dir.write(name, "1");
  dir.write("here/d/.synclineignore", "x\n");
  auto out = scene.round();
  CHECK(out.change("x") != nullptr);
  CHECK(out.change("d/e/y") != nullptr);
  CHECK(out.change("d/e/x") == nullptr);
  scene.round();
  SECTION("another rule") {
    dir.write("here/d/.synclineignore", "y\n");
    out = scene.round();
    CHECK(out.change("d/e/x") != nullptr);
    dir.write("here/d/e/y", "2");
    CHECK(scene.round().change("d/e/y") == nullptr);
  }
  SECTION("no rules any more") {
    stdfs::remove(scene.source() + "/d/.synclineignore");
    out = scene.round();
    CHECK(out.change("d/x") != nullptr);
    CHECK(out.change("d/e/x") != nullptr);
    CHECK(scene.difference() == "");
  }
  SECTION("rules above them") {
    dir.write("here/.synclineignore", "e\n");
    scene.round();
    dir.write("here/d/e/y", "2");
    CHECK(scene.round().change("d/e/y") == nullptr);
  }
  SECTION("with their directory") {
    stdfs::rename(scene.source() + "/d", scene.source() + "/other");
    scene.round();
    dir.make_dir("here/d");
    dir.write("here/d/x", "2");
    CHECK(scene.round().change("d/x") != nullptr);
    CHECK(scene.round().change("other/x") == nullptr);
  }
}

TEST_CASE("a change in place in a large file takes little more than itself from the second round on",
          "[standing]") {
  const bool is_remote = GENERATE(false, true);
  CAPTURE(is_remote);
  StandingScene scene(is_remote);
  // Inside a process nothing is compressed but content.
  const std::uint64_t overhead_bytes = is_remote ? 600 : 800;
  const std::size_t size_bytes = limits::blocks_file_bytes_min * 8;
  auto content = random_text(size_bytes, 1);
  scene.far.dir.write("here/large", content);
  scene.round();
  const auto change = [&](std::size_t offset, unsigned seed) {
    const auto page = random_text(4096, seed);
    content.replace(offset, page.size(), page);
    scene.far.dir.write("here/large", content);
    const auto report = scene.round().report;
    CHECK(scene.difference().empty());
    return report.sent_bytes + report.received_bytes;
  };
  change(300'000, 2);
  CHECK(change(4096 * 250, 3) < 4096 + overhead_bytes);
  CHECK(change(4096 * 270 + 100, 4) < 4096 + 1024 + overhead_bytes);  // a block more
  // What moves is found by other means, and its blocks are known anew.
  content.insert(100, "new");
  change(700'000, 5);
  CHECK(change(4096 * 190, 6) < 4096 + overhead_bytes);
}

TEST_CASE("what was changed in the destination between two rounds is put right by the next one",
          "[standing]") {
  StandingScene scene(GENERATE(false, true));
  scene.far.dir.make_dir("here/a");
  scene.far.dir.write("here/a/f", "right");
  scene.round();
  scene.far.dir.write("share/a/f", "wrong one");
  scene.far.dir.make_dir("share/b");
  scene.far.dir.write("share/b/g", "extra");
  const auto out = scene.round();
  const auto* change = out.change("a/f");
  REQUIRE(change != nullptr);
  CHECK(change->edited_in_destination);
  CHECK(scene.difference() == "");
}

TEST_CASE("what happens in the destination between two rounds is told, what a round did there is not",
          "[standing]") {
  StandingScene scene(false);
  scene.far.dir.make_dir("here/a");
  scene.far.dir.write("here/a/f", "right");
  scene.round();
  CHECK_FALSE(scene.copies->is_stirred());
  scene.far.dir.write("here/a/f", "better");
  scene.far.dir.make_dir("here/new");
  scene.round();
  CHECK_FALSE(scene.copies->is_stirred());
  scene.far.dir.write("share/a/f", "wrong one");
  CHECK(scene.copies->is_stirred());
  scene.round();
  CHECK(scene.difference() == "");
  CHECK_FALSE(scene.copies->is_stirred());
}

TEST_CASE("a change in the destination that was taken back is none", "[standing]") {
  StandingScene scene(false);
  scene.far.dir.write("here/f", "right");
  scene.round();
  const auto mode = stdfs::status(scene.target() + "/f").permissions();
  stdfs::permissions(scene.target() + "/f", stdfs::perms::owner_read);
  CHECK(scene.copies->is_stirred());
  stdfs::permissions(scene.target() + "/f", mode);
  CHECK_FALSE(scene.copies->is_stirred());
  CHECK_FALSE(scene.copies->is_stirred());
}

TEST_CASE("what another run did in the destination is met, also after it was noticed", "[standing]") {
  StandingScene scene(false);
  scene.far.dir.write("here/f", "1");
  scene.round();
  scene.far.dir.write("here/g", "2");
  sync::run_copy(scene.world, scene.world, scene.far.options, {});
  CHECK(scene.copies->is_stirred());  // nobody knows by what
  scene.far.dir.write("here/h", "3");
  CHECK(scene.round().report.exit_code == 0);
  CHECK(scene.difference() == "");
  CHECK_FALSE(scene.copies->is_stirred());
}

TEST_CASE("what is kept for a client tells that client, once", "[standing]") {
  StandingScene scene(true);
  scene.far.served.client = 7;
  scene.far.dir.make_dir("here/a");
  scene.far.dir.write("here/a/f", "right");
  scene.round();
  scene.wait_until_kept();
  auto& warm = scene.far.served.warm;
  CHECK(warm.take_stirred().empty());
  stdfs::remove(scene.target() + "/a/f");
  CHECK(warm.take_stirred() == std::vector<std::uint64_t>{7});
  CHECK(warm.take_stirred().empty());
  scene.round();
  CHECK(scene.difference() == "");
}

TEST_CASE("a version that a round has kept stirs nothing", "[standing][drift]") {
  StandingScene scene(GENERATE(false, true));
  CAPTURE(scene.remote);
  scene.far.options.drift_keep = DriftKeep::beside;
  scene.far.dir.make_dir("here/a");
  scene.far.dir.write("here/a/f", "right");
  scene.round();
  const auto is_stirred = [&] {
    if (!scene.remote) return scene.copies->is_stirred();
    scene.wait_until_kept();
    return !scene.far.served.warm.take_stirred().empty();
  };
  for (int edit = 1; edit <= 3; ++edit) {
    CAPTURE(edit);
    scene.far.served.client = 7;
    scene.far.dir.write("share/a/f", "wrong, edit " + std::to_string(edit));
    scene.far.dir.make_dir("share/a/extra");
    scene.round();  // of that server which is not told yet
    CHECK(scene.far.dir.read("share/a/f") == "right");
    CHECK_FALSE(is_stirred());
    const auto again = scene.round();
    CHECK(again.report.in_step);
    CHECK(again.changes.empty());
    CHECK_FALSE(is_stirred());
  }
  std::size_t kept = 0;
  for (const auto& entry : stdfs::directory_iterator(scene.target() + "/a"))
    kept += entry.path().filename().string().find(".conflict-") != std::string::npos ? 1 : 0;
  CHECK(kept == 6);
}

TEST_CASE("a round over a connection that broke meanwhile dials again at once", "[standing]") {
  StandingScene scene(true);
  scene.far.options.retries = 0;
  std::vector<wire::Transport*> ends;
  scene.far.served.wrap = [&](std::unique_ptr<wire::Transport> end) {
    ends.push_back(end.get());
    return end;
  };
  scene.far.dir.write("here/f", "1");
  scene.round();
  ends.back()->close();
  scene.far.dir.write("here/f", "22");
  CHECK(scene.round().report.exit_code == 0);
  CHECK(scene.far.served.dial_count == 2);
  CHECK(scene.difference() == "");
}

TEST_CASE("a share that stands still between two rounds of one client serves others", "[standing]") {
  StandingScene scene(true);
  scene.far.dir.write("here/f", "1");
  scene.round();
  scene.wait_until_kept();
  // Another client of the same share, whose sessions are not like these.
  const auto other = scene.far.dir.make_dir("other");
  scene.far.dir.write("other/g", "2");
  CopyOptions options = scene.far.options;
  options.sources = {other + "/"};
  options.delete_extra = false;
  options.state_dir = scene.far.dir.path("other-state");
  const auto report = sync::run_remote_copy(
      scene.world, options, {}, [&](const sync::RemotePlace&) { return scene.far.served.dial(); });
  CHECK(report.exit_code == 0);
  CHECK(stdfs::exists(scene.target() + "/g"));
  scene.round();
  CHECK(scene.difference() == "");
}

TEST_CASE("between two rounds another run may use the states, and what it did there is met", "[standing]") {
  StandingScene scene(false);
  scene.far.dir.write("here/f", "1");
  scene.round();
  scene.far.dir.write("here/g", "2");
  CHECK(sync::run_copy(scene.world, scene.world, scene.far.options, {}).files_changed == 1);
  CHECK(scene.difference() == "");
  scene.far.dir.write("here/h", "3");
  const auto out = scene.round();
  CHECK(out.report.files_changed == 1);
  CHECK(scene.difference() == "");
}

TEST_CASE("a destination that became another directory is met as one", "[standing]") {
  StandingScene scene(GENERATE(false, true));
  scene.far.dir.write("here/f", "1");
  scene.round();
  stdfs::rename(scene.target(), scene.far.dir.path("away"));
  stdfs::create_directory(scene.target());
  scene.round();
  CHECK(scene.difference() == "");
}

TEST_CASE("rounds with a large file, whatever becomes of it", "[standing]") {
  constexpr std::size_t large_bytes = 24 * limits::mib;  // more chunks than ManifestCache::chunks_min
  StandingScene scene(GENERATE(false, true));
  std::string content = random_text(large_bytes, 5);
  const auto check = [&](const std::string& what) {
    INFO(what);
    scene.far.dir.write("here/f", content);
    CHECK(scene.round().report.exit_code == 0);
    REQUIRE(scene.difference() == "");
  };
  const auto first = content;
  check("new");
  content.replace(5'000'000, 4096, random_text(4096, 6));
  check("in place");
  content.insert(9'000'000, "an insertion");
  check("an insertion");
  content = first;
  check("as it was");
  content.resize(100);
  check("shorter than a chunk");
  content = first + "and more";
  check("large again");
  scene.end(), scene.begin();
  content.replace(7'000'000, 10, "0123456789");
  check("after a start");
}

TEST_CASE("a replica that is followed has long manifests at hand", "[standing]") {
  const bool is_followed = GENERATE(false, true);
  TempDir dir;
  const auto content = random_text(24 * limits::mib, 5);
  const auto path = dir.make_dir("root");
  dir.write("root/f", content);
  sync::Replica replica({}, {{{path, "", {}, ""}}, dir.path("state"), false, {}});
  if (is_followed) sync::follow_tree(replica);
  replica.scan({});
  sync::DirNode& root = *replica.tree().root;
  sync::Entry& entry = *root.find("f");
  auto fresh =
      chunk::chunk_bytes(as_bytes(content), manifest::params_for_size(content.size()), replica.key());
  const auto expected = fresh;
  std::lock_guard lock(replica.mutex());
  replica.record_content(root, entry, fresh, 0);
  replica.keep_manifest(root, entry, std::move(fresh));
  replica.commit(false);
  const sync::Content known = *root.content_of(entry);
  const auto one = replica.manifest_of(known, content.size());
  REQUIRE(one != nullptr);
  CHECK(*one == expected);
  CHECK((replica.manifest_of(known, content.size()) == one) == is_followed);
  replica.drop_manifest(known.manifest_id);
  replica.commit(false);
  CHECK(replica.manifest_of(known, content.size()) == nullptr);
}

TEST_CASE("replicas that are kept hold manifests up to a limit, those that were used last",
          "[standing][bounds]") {
  constexpr std::size_t half = limits::kept_manifest_bytes_max / 2 / sizeof(manifest::Chunk);
  TempDir dir;
  sync::WarmReplicas warm;
  const auto open = [&](int number) {
    const auto root = dir.make_dir("root" + std::to_string(number));
    return warm.open({}, {{{root, "", {}, ""}}, dir.path("state"), false, {}});
  };
  const auto keep = [&](int number, std::size_t chunks) {
    auto replica = open(number);
    sync::follow_tree(*replica);
    replica->scan({});
    manifest::Manifest manifest;
    manifest.chunks.resize(chunks);
    replica->kept_manifests().put(1, {}, std::move(manifest));
    warm.keep(std::move(replica));
  };
  keep(0, half);
  keep(1, half);
  for (int i : {0, 1}) {
    auto replica = open(i);
    CHECK(replica->kept_manifests().bytes() == half * sizeof(manifest::Chunk));
    warm.keep(std::move(replica));
  }
  keep(2, sync::ManifestCache::chunks_min);
  CHECK(open(0)->kept_manifests().bytes() == 0);
  CHECK(open(1)->kept_manifests().bytes() != 0);
  CHECK(open(2)->kept_manifests().bytes() != 0);
}

TEST_CASE("replicas are kept up to their number and the least recently used goes first", "[standing]") {
  TempDir dir;
  sync::WarmReplicas warm;
  const sync::World world;
  const auto keep = [&](std::size_t number) {
    const auto root = dir.make_dir("root" + std::to_string(number));
    auto replica = warm.open(world, {{{root, "", {}, ""}}, dir.path("state"), false, {}});
    sync::follow_tree(*replica);
    replica->scan({});
    warm.keep(std::move(replica), number + 1);
  };
  for (std::size_t i = 0; i < limits::warm_replicas_max; ++i) keep(i);
  CHECK(warm.count() == limits::warm_replicas_max);
  keep(0);
  keep(limits::warm_replicas_max);
  CHECK(warm.count() == limits::warm_replicas_max);
  warm.drop(2);  // gone already
  CHECK(warm.count() == limits::warm_replicas_max);
  warm.drop(1);
  CHECK(warm.count() == limits::warm_replicas_max - 1);
}

}  // namespace
