// SPDX-License-Identifier: Apache-2.0
// What the loop does for those who ask at its board.
#include <atomic>
#include <filesystem>
#include <thread>

#include "base/limits.hpp"
#include "fake_events.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"
#include "watch/follow.hpp"
#include "watch/tree_watch.hpp"

namespace {

using namespace syncline;
using namespace std::chrono_literals;
using watch::Attempt;
using watch::Standing;
using AskedResult = Attempt::Result;

/// A loop in a thread of its own, with copies that a test makes up and the kernel's own events.
class AskedLoop {
 public:
  explicit AskedLoop(std::function<AskedResult(int)> copy) : copy_(std::move(copy)) {
    dir.make_dir("root");
    thread_ = std::thread([this] {
      watch::FollowHooks hooks;
      hooks.copy = [this] { return one_copy(); };
      hooks.tell = [](const Standing&) {};
      hooks.cancelled = [this] { return is_over_.load(); };
      hooks.board = &board;
      watch::TreeWatch tree([this] { return fs::linux_fs().open_root(dir.path("root")); }, "root",
                            fs::watch_dirs());
      watch::follow(system_clock(), tree, {}, hooks);
    });
  }
  ~AskedLoop() {
    is_over_ = true;
    board.want_round();  // wakes it
    thread_.join();
  }
  void wait_for(std::uint64_t ticket) {
    while (!board.is_proven(ticket)) std::this_thread::sleep_for(100us);
  }

  test::TempDir dir;
  watch::Board board{system_clock()};
  std::atomic<int> copies = 0;

 private:
  Attempt one_copy() {
    const auto result = copy_(++copies);
    CopyReport report;
    report.in_step = result == AskedResult::in_step;
    board.report(report);
    return {result, 0};
  }

  std::function<AskedResult(int)> copy_;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

TEST_CASE("a round that is asked for comes at once, though nothing has changed", "[watch][threads]") {
  AskedLoop loop([](int) { return AskedResult::in_step; });
  loop.wait_for(loop.board.want_round());
  const auto before = loop.copies.load();
  const auto begun = std::chrono::steady_clock::now();
  for (int k = 0; k < 50; ++k) loop.wait_for(loop.board.want_round());
  CHECK(loop.copies >= before + 50);
  CHECK(std::chrono::steady_clock::now() - begun < 20s);  // by ticks alone it were 50
}

TEST_CASE("a round that is asked for does not wait for the time of a retry, and those after it do",
          "[watch][threads]") {
  AskedLoop loop([](int number) { return number >= 3 ? AskedResult::in_step : AskedResult::failed; });
  while (loop.copies == 0) std::this_thread::sleep_for(1ms);
  const auto begun = std::chrono::steady_clock::now();
  const auto ticket = loop.board.want_round();
  while (loop.copies < 2) std::this_thread::sleep_for(1ms);
  CHECK_FALSE(loop.board.is_proven(ticket));
  loop.wait_for(ticket);
  CHECK(loop.copies == 3);
  CHECK(std::chrono::steady_clock::now() - begun >= limits::watch_retry_first);
}

TEST_CASE("what was changed before a round is asked for is no open change after it", "[watch][threads]") {
  AskedLoop loop([](int) { return AskedResult::in_step; });
  for (int k = 0; k < 50; ++k) {
    loop.dir.write("root/f", std::to_string(k));
    loop.wait_for(loop.board.want_round());
    const auto view = loop.board.view();
    CHECK_FALSE(view.changed_ns);
    CHECK(view.state != Standing::State::behind);
  }
}

TEST_CASE("while the root is away a request makes no round, and no loop without a pause",
          "[watch][threads]") {
  AskedLoop loop([](int) { return AskedResult::in_step; });
  loop.wait_for(loop.board.want_round());
  std::filesystem::rename(loop.dir.path("root"), loop.dir.path("away"));
  const auto copies = loop.copies.load();
  const auto ticket = loop.board.want_round();
  while (loop.board.view().state != Standing::State::blocked) std::this_thread::sleep_for(1ms);
  CHECK_FALSE(loop.board.is_round_wanted());
  CHECK_FALSE(loop.board.is_proven(ticket));
  CHECK(loop.copies == copies);
  std::filesystem::rename(loop.dir.path("away"), loop.dir.path("root"));
  loop.wait_for(ticket);
}

}  // namespace
