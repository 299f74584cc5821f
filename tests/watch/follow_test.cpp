// SPDX-License-Identifier: Apache-2.0
// The loop that keeps a copy in step, with copies that a test makes up.
#include "watch/follow.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <vector>

#include "base/limits.hpp"
#include "fake_events.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"
#include "watch/tree_watch.hpp"

namespace {

using namespace syncline;
using namespace std::chrono_literals;
using test::TempDir;
using watch::Attempt;
using watch::Standing;
using Result = Attempt::Result;
namespace stdfs = std::filesystem;

/// What is asked for a time stands still unless the test moves it, so that an hour takes none.
class LeapClock final : public Clock {
 public:
  std::int64_t now_ns() const override { return system_clock().now_ns(); }
  std::chrono::steady_clock::time_point steady() const override { return system_clock().steady() + leap_; }
  void leap(std::chrono::milliseconds by) { leap_ += by; }

 private:
  std::chrono::milliseconds leap_{0};
};

struct FollowScene {
  FollowScene() { dir.make_dir("root/sub"); }

  /// Follows until `copy`, which is told the how-manieth it is, returns nothing or ends it.
  int follow(std::function<std::optional<Attempt>(int)> copy) {
    bool is_over = false;
    watch::FollowHooks hooks;
    hooks.copy = [&] {
      const auto done = copy(++copies);
      if (!done) is_over = true;
      return done.value_or(Attempt{Result::in_step, 0});
    };
    hooks.tell = [&](const Standing& standing) { told.push_back(standing); };
    hooks.is_stirred = is_stirred;
    hooks.on_overflow = on_overflow;
    hooks.cancelled = [&] {
      if (on_look) on_look();
      return is_over;
    };
    watch::TreeWatch tree(
        [&] { return fs::linux_fs().open_root(dir.path("root")); }, "root",
        std::make_unique<test::TroubledEvents>(trouble, test::watch_for_test(dir.path("root"))));
    return watch::follow(clock, tree, {}, hooks);
  }
  bool is_told(Standing::State state) const {
    return std::ranges::find(told, state, &Standing::state) != told.end();
  }

  TempDir dir;
  LeapClock clock;
  test::EventTrouble trouble;
  std::function<void()> on_look;
  std::function<bool()> is_stirred;
  std::function<void()> on_overflow;
  std::vector<Standing> told;
  int copies = 0;
};

TEST_CASE("there is a copy at once and one after each change that settled", "[watch]") {
  FollowScene scene;
  const int code = scene.follow([&](int number) -> std::optional<Attempt> {
    if (number == 5) return std::nullopt;
    scene.dir.write("root/sub/f", std::to_string(number));  // also what changes during a copy
    return Attempt{Result::in_step, 0};
  });
  CHECK(code == 0);
  CHECK(scene.copies == 5);
  CHECK(scene.told.back().state == Standing::State::in_step);
}

TEST_CASE("lost events are told once for each look at everything, wherever they are noticed", "[watch]") {
  FollowScene scene;
  std::vector<int> told_before;
  scene.on_overflow = [&] { told_before.push_back(scene.copies); };
  scene.on_look = [&] {
    if (scene.copies != 1) return;
    scene.trouble.overflow = true;  // again and again until the next copy
    scene.dir.write("root/g", "x");
  };
  scene.follow([&](int number) -> std::optional<Attempt> {
    scene.trouble.overflow = false;
    scene.dir.write("root/f", "x");
    return number == 3 ? std::nullopt : std::optional(Attempt{Result::in_step, 0});
  });
  CHECK(told_before == std::vector{1});
}

TEST_CASE("what makes going on senseless ends it with its exit code", "[watch]") {
  FollowScene scene;
  CHECK(scene.follow([&](int) { return Attempt{Result::ended, 41}; }) == 41);
  CHECK(scene.copies == 1);
}

TEST_CASE("a failure is repeated after times that double up to their limit, whatever changes meanwhile",
          "[watch]") {
  FollowScene scene;
  std::chrono::milliseconds expected = limits::watch_retry_first;
  auto last = scene.clock.steady();
  scene.on_look = [&] {
    scene.dir.write("root/f", "x");
    scene.clock.leap(expected / 8);
  };
  scene.follow([&](int number) -> std::optional<Attempt> {
    const auto now = scene.clock.steady();
    if (number > 1) {
      CHECK(now - last >= expected);
      expected = std::min(expected * 2, limits::watch_retry_max);
    }
    last = now;
    if (number == 10) return std::nullopt;
    return Attempt{Result::failed, 12};
  });
  CHECK(expected == limits::watch_retry_max);
  CHECK(scene.is_told(Standing::State::behind));
}

TEST_CASE("a failure that is about the source is repeated when something changes there, and not all the time",
          "[watch]") {
  FollowScene scene;
  auto last = scene.clock.steady();
  scene.on_look = [&] {
    if (scene.copies == 8) scene.dir.write("root/f", "x");
    scene.clock.leap(limits::watch_retry_first / 4);
  };
  scene.follow([&](int number) -> std::optional<Attempt> {
    const auto now = scene.clock.steady();
    if (number == 9) {
      CHECK(now - last >= limits::watch_retry_first);
      CHECK(now - last < limits::watch_retry_max / 2);
      return std::nullopt;
    }
    last = now;
    return Attempt{Result::failed, 1, true};
  });
  CHECK(scene.copies == 9);
}

TEST_CASE("after a success a failure is repeated soon again", "[watch]") {
  FollowScene scene;
  std::vector<std::chrono::milliseconds> waits;
  scene.on_look = [&] { scene.clock.leap(100ms); };
  scene.follow([&](int number) -> std::optional<Attempt> {
    if (number == 6) return std::nullopt;
    if (number == 4) scene.dir.write("root/f", "x");
    return Attempt{number == 4 ? Result::in_step : Result::failed, 0};
  });
  for (const auto& standing : scene.told)
    if (standing.retry_in) waits.push_back(*standing.retry_in);
  CHECK(waits == std::vector<std::chrono::milliseconds>{1s, 2s, 4s, 1s});
}

TEST_CASE("entries that failed are tried again by themselves, and at once when something changes",
          "[watch]") {
  FollowScene scene;
  const auto begun = scene.clock.steady();
  scene.follow([&](int number) -> std::optional<Attempt> {
    if (number == 2) {
      CHECK(scene.clock.steady() - begun < limits::watch_retry_first);
      return std::nullopt;
    }
    scene.dir.write("root/f", "x");
    return Attempt{Result::partly, 23};
  });
  CHECK(scene.is_told(Standing::State::behind));
}

TEST_CASE("what a guard holds is looked at again when something changes, and not by itself", "[watch]") {
  FollowScene scene;
  int looks = 0;
  scene.on_look = [&] {
    scene.clock.leap(1s);
    if (++looks == 200) scene.dir.write("root/f", "x");
  };
  scene.follow([&](int number) -> std::optional<Attempt> {
    if (number == 2) return std::nullopt;
    return Attempt{Result::held, 41};
  });
  CHECK(looks >= 200);
  CHECK(scene.is_told(Standing::State::holding));
}

TEST_CASE("what stirs elsewhere is looked at, but not in the middle of what is about to settle", "[watch]") {
  FollowScene scene;
  scene.is_stirred = [] { return true; };
  std::ofstream file;
  auto begun = scene.clock.steady();
  scene.follow([&](int number) -> std::optional<Attempt> {
    if (number == 1) file.open(scene.dir.path("root/sub/f"), std::ios::app);
    if (number == 1) file << "x" << std::flush;
    if (number == 2) {
      CHECK(scene.clock.steady() - begun >= limits::settle_complete_max);  // from when it was made
      begun = scene.clock.steady();
      scene.clock.leap(limits::watch_root_look);
    }
    if (number == 3) {
      CHECK(scene.clock.steady() - begun < limits::watch_rescan);
      return std::nullopt;
    }
    return Attempt{Result::in_step, 0};
  });
  CHECK(scene.copies == 3);
}

TEST_CASE("a file that is closed soon is copied with what changed beside it", "[watch]") {
  FollowScene scene;
  std::ofstream file;
  int looks = 0;
  bool was_open = false;
  scene.on_look = [&] {
    if (scene.copies == 1 && ++looks == 3) file.close();
  };
  scene.follow([&](int number) -> std::optional<Attempt> {
    if (number == 1) {
      file.open(scene.dir.path("root/sub/f"));
      scene.dir.write("root/g", "x");
    }
    was_open |= number == 2 && file.is_open();
    if (number == 2) return std::nullopt;
    return Attempt{Result::in_step, 0};
  });
  CHECK_FALSE(was_open);
}

TEST_CASE("everything is looked at again after an hour", "[watch]") {
  FollowScene scene;
  const auto begun = scene.clock.steady();
  scene.on_look = [&] { scene.clock.leap(10s); };
  scene.follow([&](int number) -> std::optional<Attempt> {
    if (number == 2) return std::nullopt;
    return Attempt{Result::in_step, 0};
  });
  CHECK(scene.clock.steady() - begun >= limits::watch_rescan);
  CHECK(scene.clock.steady() - begun < limits::watch_rescan + 5min);
}

TEST_CASE("where not all can be watched everything is looked at every minute, and that is told", "[watch]") {
  FollowScene scene;
  scene.trouble.watches_max = 1;
  const auto begun = scene.clock.steady();
  scene.on_look = [&] { scene.clock.leap(1s); };
  scene.follow([&](int number) -> std::optional<Attempt> {
    if (number == 2) return std::nullopt;
    return Attempt{Result::in_step, 0};
  });
  CHECK(scene.clock.steady() - begun >= limits::watch_rescan_degraded);
  CHECK(scene.clock.steady() - begun < 2 * limits::watch_rescan_degraded);
  CHECK(scene.told.front().is_degraded);
}

TEST_CASE("a root that is another directory the copy judges at once, again and again, and at once when it is back",
          "[watch][bounds]") {
  FollowScene scene;
  int looks = 0;
  bool is_back = false;
  scene.on_look = [&] {
    if (scene.copies == 0) return;
    scene.clock.leap(500ms);
    if (++looks == 1) {
      stdfs::rename(scene.dir.path("root"), scene.dir.path("away"));
      scene.dir.make_dir("root");
      scene.clock.leap(limits::watch_rescan);
    }
    if (looks == 100) {  // after 1, 2, 4 and 8 s, and then after 10 s each
      CHECK(scene.copies >= 7);
      CHECK(scene.copies <= 9);
      CHECK(scene.told.back().state == Standing::State::blocked);
      stdfs::remove(scene.dir.path("root"));
      stdfs::rename(scene.dir.path("away"), scene.dir.path("root"));
      is_back = true;
    }
  };
  scene.follow([&](int number) -> std::optional<Attempt> {
    if (is_back) return std::nullopt;
    return number == 1 ? Attempt{Result::in_step, 0} : Attempt{Result::blocked, 41};
  });
  CHECK(looks < 105);
}

TEST_CASE("nothing is copied while there is no root", "[watch]") {
  FollowScene scene;
  int looks = 0;
  scene.on_look = [&] {
    if (scene.copies == 0) return;
    scene.clock.leap(500ms);
    if (++looks == 1) stdfs::rename(scene.dir.path("root"), scene.dir.path("away"));
    if (looks == 20) {
      CHECK(scene.copies == 1);
      CHECK(scene.told.back().state == Standing::State::blocked);
      stdfs::rename(scene.dir.path("away"), scene.dir.path("root"));
    }
  };
  scene.follow([&](int number) -> std::optional<Attempt> {
    if (number == 2) return std::nullopt;
    return Attempt{Result::in_step, 0};
  });
  CHECK(looks >= 20);
}

}  // namespace
