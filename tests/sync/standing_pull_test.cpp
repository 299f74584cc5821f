// SPDX-License-Identifier: Apache-2.0
// Rounds whose source is on another machine.
#include <filesystem>
#include <map>

#include "base/limits.hpp"
#include "own_mounts.hpp"
#include "round_scene.hpp"
#include "sync/far_watch.hpp"
#include "sync/pull_options.hpp"
#include "sync/stirring.hpp"

namespace {

using namespace syncline;
using namespace syncline::test;
using namespace std::chrono_literals;
namespace stdfs = std::filesystem;

/// A share that is followed to a directory here.
struct FarScene : RoundScene {
  FarScene() : RoundScene("share", "here") {
    far.options.sources = {"syncline://host/share/"};
    far.options.destination = target() + "/";
    far.options.root_guard = RootGuard::keep;
    begin();
  }

  void begin() { RoundScene::begin(nullptr); }
  Errc refusal() {
    try {
      round();
    } catch (const Error& error) {
      CHECK(error.code().category() == syncline_category());
      return static_cast<Errc>(error.code().value());
    }
    return Errc{};
  }
  void write(const std::string& name, const std::string& content) const {
    far.dir.write("share/" + name, content);
  }
  void write_many(int count, const std::string& content) const {
    for (int i = 0; i < count; ++i) write("f" + std::to_string(i), content);
  }
  std::vector<std::uint64_t> stirred() { return far.served.sources.take_stirred(); }
};

TEST_CASE("rounds bring over all that random edits of a share change, and put right what they change here",
          "[standing][pull]") {
  const bool is_anew = GENERATE(false, true);
  const unsigned seed = test_seed();
  INFO("seed " << seed << (is_anew ? ", anew" : ""));
  FarScene scene;
  check_random_rounds(scene, seed, is_anew);
  CHECK(scene.copies->far_source().is_followed);
  if (!is_anew) CHECK(scene.far.served.dial_count == 1);
}

TEST_CASE("what is mounted in a followed share is told and brought over", "[standing][pull]") {
  with_own_mounts([] {
    FarScene scene;
    scene.far.dir.make_dir("share/d");
    scene.write("d/f", "1");
    scene.round();
    const Mounted mounted(scene.source() + "/d");
    if (!mounted.is_there()) return not_permitted;
    scene.write("d/g", "2");
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (scene.stirred().empty()) {
      if (std::chrono::steady_clock::now() > end) return 1;
      std::this_thread::sleep_for(50ms);
    }
    scene.round();
    return scene.difference().empty() ? 0 : 2;
  });
}

TEST_CASE("a change in the share is told once, and one here is noticed here", "[standing][pull]") {
  FarScene scene;
  scene.write("f", "1");
  scene.round();
  CHECK(scene.stirred().empty());
  CHECK_FALSE(scene.copies->is_stirred());
  scene.write("f", "22");
  CHECK(scene.stirred() == std::vector<std::uint64_t>{1});
  CHECK(scene.stirred().empty());
  scene.round();
  CHECK(scene.difference() == "");
  CHECK(scene.stirred().empty());
  CHECK_FALSE(scene.copies->is_stirred());  // what the round wrote
  scene.far.dir.write("here/f", "other");
  CHECK(scene.copies->is_stirred());
  scene.round();
  CHECK(scene.difference() == "");
  CHECK(scene.stirred().empty());
}

TEST_CASE("all clients that follow a share are told, whoever came first, and it ends there",
          "[standing][pull]") {
  FarScene one;
  one.write("f", "1");
  one.round();
  const auto other_dir = one.far.dir.make_dir("other");
  auto options = one.far.options;
  options.destination = other_dir + "/";
  options.state_dir = one.far.dir.path("other-state");
  one.far.served.client = 2;
  sync::StandingCopy other(
      one.world, [&](const sync::RemotePlace&) { return one.far.served.dial(); }, nullptr);
  other.round(options, {});
  CHECK(one.stirred().empty());
  for (int i = 0; i < 3; ++i) {
    one.write("f", std::string(10 + i, 'x'));
    // One of them comes before anybody looked.
    other.round(options, {});
    one.stirred();
    one.round();
    other.round(options, {});
    CHECK(one.difference() == "");
    CHECK(differences(picture_of(one.source()), picture_of(other_dir)) == "");
    CHECK(one.stirred().empty());
    one.write("f", std::string(20 + i, 'y'));
    auto told = one.stirred();
    std::ranges::sort(told);
    CHECK(told == std::vector<std::uint64_t>{1, 2});
    one.round();
    other.round(options, {});
    CHECK(one.stirred().empty());
  }
}

TEST_CASE("whoever waits is told of a source once it has settled, and of nothing else", "[standing][pull]") {
  FarScene scene;
  sync::Stirring stirring(scene.far.served.warm, scene.far.served.sources);
  scene.write("f", "1");
  scene.round();
  CHECK(stirring.wait(30ms).empty());
  scene.write("f", "22");
  CHECK(stirring.wait(20s) == std::vector<std::uint64_t>{1});
  CHECK(stirring.wait(10ms).empty());
  scene.round();
  {
    // Somebody is in the middle of it.
    std::ofstream file(scene.source() + "/f", std::ios::app);
    file << "333" << std::flush;
    CHECK(stirring.wait(limits::settle_written / 4).empty());
  }
  CHECK(stirring.wait(20s) == std::vector<std::uint64_t>{1});
  scene.round();
  CHECK(scene.difference() == "");
  std::thread waker([&] { stirring.wake(); });
  CHECK(stirring.wait(20s).empty());
  waker.join();
}

TEST_CASE("other sessions on a source that is followed, or none that ends well, keep no news back",
          "[standing][pull]") {
  FarScene scene;
  scene.write("f", "1");
  scene.round();
  auto options = scene.far.options;
  options.destination = scene.far.dir.make_dir("other") + "/";
  options.state_dir = scene.far.dir.path("other-state");
  options.dry_run = GENERATE(false, true);
  const auto dial = [&](const sync::RemotePlace&) { return scene.far.served.dial(); };
  CHECK(sync::run_remote_copy(scene.world, options, {}, dial).exit_code == 0);
  scene.write("f", "22");
  CHECK(scene.stirred() == std::vector<std::uint64_t>{1});
  scene.round();
  // One that follows too, and does not get to its end.
  scene.far.served.client = 2;
  CopyObserver cancels;
  cancels.cancelled = [] { return true; };
  sync::StandingCopy ended(scene.world, dial, nullptr);
  CHECK_THROWS_AS(ended.round(options, cancels), Error);
  scene.far.served.client = 1;
  scene.write("f", "333");
  CHECK(scene.stirred() == std::vector<std::uint64_t>{1});
  scene.round();
  CHECK(scene.difference() == "");
}

TEST_CASE("that a share leads to another directory is told, though nothing in it changes",
          "[standing][pull]") {
  FarScene scene;
  sync::Stirring stirring(scene.far.served.warm, scene.far.served.sources);
  scene.write("f", "1");
  scene.round();
  const auto away = scene.far.dir.path("away");
  stdfs::rename(scene.source(), away);
  CHECK(stirring.wait(20s) == std::vector<std::uint64_t>{1});
  CHECK(scene.refusal() == Errc::replaced);
}

TEST_CASE("a directory that became another one while a round waited for its turn changes nothing here",
          "[standing][pull]") {
  FarScene scene;
  scene.write("f", "1");
  scene.round();
  const auto away = scene.far.dir.path("away");
  scene.far.served.while_reserved = [&] {
    stdfs::rename(scene.source(), away);
    stdfs::create_directory(scene.source());
    scene.write("other", "x");
  };
  scene.write("f", "22");
  CHECK(scene.refusal() == Errc::replaced);
  CHECK(scene.far.dir.read("here/f") == "1");
  CHECK_FALSE(scene.far.dir.exists("here/other"));
  scene.far.served.while_reserved = nullptr;
}

TEST_CASE("news of a share end the wait for them, each once a round, and so does the end of the connection",
          "[standing][pull]") {
  FarScene scene;
  sync::FarWatch watch(*scene.copies);
  std::vector<wire::Transport*> ends;
  scene.far.served.wrap_there = [&](std::unique_ptr<wire::Transport> end) {
    ends.push_back(end.get());
    return end;
  };
  scene.write("f", "1");
  scene.round();
  CHECK_FALSE(watch.take(5ms).complete);
  CHECK(watch.root_is_there());
  CHECK(watch.is_complete());
  ends.back()->close();
  const auto begun = std::chrono::steady_clock::now();
  bool is_told = false;
  while (!is_told && std::chrono::steady_clock::now() - begun < 20s) is_told = watch.take(5ms).complete;
  CHECK(is_told);
  CHECK_FALSE(watch.take(5ms).complete);
  scene.write("f", "22");
  scene.round();
  CHECK(scene.difference() == "");
  watch.wake();
  CHECK_FALSE(watch.take(20s).complete);
}

TEST_CASE("guards count over the rounds of a share as over those of a directory here", "[standing][pull]") {
  FarScene scene;
  scene.far.options.guard_deletes = scene.far.options.guard_changes = true;
  constexpr int count = 100;
  static_assert(count > limits::guarded_deletions_free + 20);
  scene.write_many(count, "x");
  scene.round();
  SECTION("deletions") {
    scene.far.options.recent_deletes = limits::guarded_deletions_free - 1;
    for (const char* name : {"share/f0", "share/f1"}) stdfs::remove(scene.far.dir.path(name));
    scene.write("more", "x");
    auto out = scene.round();
    CHECK(out.report.deletions_held == 2);
    CHECK(out.report.exit_code == 41);
    CHECK_FALSE(out.report.in_step);
    REQUIRE(out.report.held.deletions.first.size() == 2);
    CHECK(out.report.held.deletions.first.front().path.starts_with("f"));
    CHECK(out.report.held.deletions.more == 0);
    CHECK(scene.far.dir.exists("here/f0"));
    CHECK(scene.far.dir.exists("here/more"));
    scene.far.options.guard_deletes = false;
    out = scene.round();
    CHECK(out.report.exit_code == 0);
    CHECK(scene.difference() == "");
  }
  SECTION("changes") {
    auto recent = std::make_shared<RecentFiles>();
    for (int i = 0; i < 40; ++i) recent->changed.insert("f" + std::to_string(i));
    scene.far.options.recent_files = recent;
    // Of these ten are known, and f99 has just come.
    recent->created.insert("f99");
    for (int i = 30; i < 50; ++i) scene.write("f" + std::to_string(i), "changed");
    scene.write("f99", "changed");
    auto out = scene.round();
    CHECK(out.report.exit_code == 0);
    CHECK(scene.difference() == "");
    scene.write("f60", "changed");
    for (int i = 40; i < 50; ++i) recent->changed.insert("f" + std::to_string(i));
    out = scene.round();
    CHECK(out.report.changes_held == 1);
    CHECK(out.report.held.changes.first.size() == 1);
    CHECK(scene.far.dir.read("here/f60") == "x");
    recent->changed_more = 0;
    recent->changed.erase("f0");
    CHECK(scene.round().report.exit_code == 0);
    recent->changed_more = 1;
    scene.write("f61", "changed");
    CHECK(scene.round().report.changes_held == 1);
  }
}

TEST_CASE("of what is held so much is told by name, and the rest as a number", "[standing][pull][bounds]") {
  FarScene scene;
  scene.far.options.guard_deletes = true;
  const auto count = limits::held_named_max + 1;
  scene.write_many(static_cast<int>(count), "x");
  scene.round();
  stdfs::remove_all(scene.source() + "/f0");
  for (std::size_t i = 1; i < count; ++i) stdfs::remove(scene.source() + "/f" + std::to_string(i));
  const auto out = scene.round();
  CHECK(out.report.deletions_held == count);
  CHECK(out.report.held.deletions.first.size() == limits::held_named_max);
  CHECK(out.report.held.deletions.more == 1);
}

TEST_CASE("names of recent files are told up to a limit; of the changed ones the rest is counted",
          "[pull][bounds]") {
  CopyOptions options;
  auto recent = std::make_shared<RecentFiles>();
  options.recent_files = recent;
  const std::size_t length = 1024;
  static_assert(limits::round_names_bytes_max % length == 0);
  for (std::size_t i = 0; i < limits::round_names_bytes_max / length; ++i) {
    auto name = std::to_string(i);
    name.resize(length, 'x');
    recent->changed.insert(std::move(name));
  }
  auto round = sync::pull_round(options, {});
  CHECK(round.changed.size() == recent->changed.size());
  CHECK(round.changed_more == 0);
  recent->changed.insert("y");
  recent->changed_more = 5;
  recent->created.insert("z");
  round = sync::pull_round(options, {});
  CHECK(round.changed.size() + round.changed_more == recent->changed.size() + 5);
  CHECK(round.changed_more > 5);
}

TEST_CASE("paths of mounts are taken up to a limit, a byte more is refused", "[pull][bounds]") {
  FarScene scene;
  scene.write("f", "1");
  const std::string path(limits::mount_names_bytes_max / 32, 'x');
  scene.far.options.mounts = std::vector<std::string>(32, path);
  CHECK(scene.round().report.missing_mount == path);
  scene.far.options.mounts->back() += 'x';
  CHECK(scene.refusal() == Errc::limit_exceeded);
}

TEST_CASE("a share that leads to another directory, or to none, is not followed there", "[standing][pull]") {
  FarScene scene;
  scene.write("f", "1");
  scene.round();
  const auto away = scene.far.dir.path("away");
  stdfs::rename(scene.source(), away);
  SECTION("to none") { CHECK(scene.refusal() == Errc::replaced); }
  SECTION("to an empty one") {
    stdfs::create_directory(scene.source());
    CHECK(scene.refusal() == Errc::replaced);
    CHECK(scene.refusal() == Errc::replaced);
    stdfs::remove(scene.source());
  }
  CHECK(scene.far.dir.read("here/f") == "1");
  stdfs::rename(away, scene.source());
  scene.write("g", "2");
  CHECK(scene.round().report.exit_code == 0);
  CHECK(scene.difference() == "");
  // Nor by one that begins anew, unless that is meant.
  scene.end();
  stdfs::rename(scene.source(), away);
  stdfs::create_directory(scene.source());
  scene.begin();
  CHECK(scene.refusal() == Errc::replaced);
  scene.far.options.root_guard = RootGuard::take;
  CHECK(scene.round().report.exit_code == 0);
  CHECK(scene.difference() == "");
}

TEST_CASE("what no event told of is found by a round that begins afresh", "[standing][pull]") {
  FarScene scene;
  scene.far.dir.make_dir("share/a");
  scene.write("a/f", "1");
  scene.write("g", "1");
  scene.round();
  // Through another name of the file, in a place that is not watched.
  stdfs::create_hard_link(scene.source() + "/a/f", scene.far.dir.path("elsewhere"));
  scene.round();
  scene.far.dir.write("elsewhere", "22");
  scene.write("g", "22");
  scene.round();
  CHECK(scene.far.dir.read("here/a/f") == "1");
  CHECK(scene.far.dir.read("here/g") == "22");
  scene.copies->begin_afresh();
  scene.round();
  CHECK(scene.far.dir.read("here/a/f") == "22");
}

TEST_CASE("a single entry of a share is not followed", "[standing][pull]") {
  FarScene scene;
  scene.write("f", "1");
  scene.far.options.sources = {"syncline://host/share/f"};
  CHECK(scene.refusal() == Errc::usage);
}

TEST_CASE("so many sources are followed, each client follows one, and what nobody follows makes room",
          "[standing][bounds]") {
  TempDir dir;
  sync::FollowedSources sources;
  const auto begin = [&](std::size_t number) {
    const auto root = dir.make_dir("root" + std::to_string(number));
    return sources.begin(
        root, [root] { return fs::linux_fs().open_root(root); }, false);
  };
  const auto most = limits::followed_sources_max;
  for (std::size_t i = 0; i < most; ++i) REQUIRE(sources.follow(i + 1, begin(i)));
  CHECK(sources.count() == most);
  CHECK_FALSE(begin(most).has_value());
  CHECK(sources.follow(most + 1, begin(0)));  // by several
  CHECK(sources.follow(1, begin(1)));         // and no longer the other
  sources.drop(most + 1);
  CHECK(sources.count() == most - 1);
  CHECK(sources.follow(most + 1, begin(most)));
  CHECK_FALSE(begin(most + 1).has_value());
  CHECK_FALSE(sources.follow(2, std::nullopt));
}

}  // namespace
