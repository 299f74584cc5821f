// SPDX-License-Identifier: Apache-2.0
// The command of --hook: what it is told, and that it can neither hold up nor end a watch.
#include "cli/watch_hook.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "silent_output.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace syncline::cli {
namespace {

using namespace std::chrono_literals;

/// What is told of hooks, from whatever thread.
class HookListener final : public SilentOutput {
 public:
  explicit HookListener(std::vector<std::string>& heard) : heard_(heard) {}
  void error(const ErrorEvent& event) override {
    const std::lock_guard lock(mutex_);
    heard_.push_back(event.cause);
  }

 private:
  std::mutex mutex_;
  std::vector<std::string>& heard_;
};

struct HookScene {
  HookScene() { outputs.push_back(std::make_unique<HookListener>(heard)); }

  /// Begins with `command`, in which DIR is the directory of the scene.
  void begin(std::string command, bool null_ended = false, HookBounds bounds = {}) {
    for (auto at = command.find("DIR"); at != command.npos; at = command.find("DIR"))
      command.replace(at, 3, dir.path());
    hook.emplace(HookPlan{command, null_ended, "/source", "nas:there"}, outputs, bounds);
  }
  void round(std::uint64_t number, const std::vector<std::string>& paths) {
    for (const auto& path : paths) hook->add(path);
    hook->end_round(number);
  }
  void wait_for(const std::string& file) const {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!dir.exists(file)) {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      std::this_thread::sleep_for(2ms);
    }
  }

  test::TempDir dir;
  std::vector<std::string> heard;
  Outputs outputs;
  std::optional<WatchHook> hook;
};

TEST_CASE("a hook gets the paths of its round, one a line, and what they are about", "[hook]") {
  HookScene scene;
  scene.begin(
      "{ cat; echo \"$SYNCLINE_SOURCE $SYNCLINE_DESTINATION $SYNCLINE_ROUND <$SYNCLINE_INCOMPLETE>\"; } > "
      "DIR/out");
  scene.round(7, {"b", "a/", "b", "with blank"});
  scene.hook.reset();
  CHECK(scene.dir.read("out") == "a/\nb\nwith blank\n/source nas:there 7 <>\n");
  CHECK(scene.heard.empty());
}

TEST_CASE("without a change no hook is run", "[hook]") {
  HookScene scene;
  scene.begin("echo >> DIR/out");
  scene.round(1, {});
  scene.round(2, {"x"});
  scene.wait_for("out");
  scene.round(3, {});
  scene.hook.reset();
  CHECK(scene.dir.read("out") == "\n");
}

TEST_CASE("a name with a newline is on no line, which is told, and stands whole between NUL bytes",
          "[hook]") {
  HookScene scene;
  scene.begin("{ cat; echo \"<$SYNCLINE_INCOMPLETE>\"; } > DIR/lines");
  scene.round(1, {"a\nb", "c"});
  scene.hook.reset();
  CHECK(scene.dir.read("lines") == "c\n<1>\n");
  scene.begin("{ cat; echo \"<$SYNCLINE_INCOMPLETE>\"; } > DIR/nulls", true);
  scene.round(1, {"a\nb", "c"});
  scene.hook.reset();
  CHECK(scene.dir.read("nulls") == std::string("a\nb\0c\0<>\n", 9));
}

TEST_CASE("paths for a hook may reach their limit and not pass it", "[hook]") {
  for (const bool passes : {false, true}) {
    HookScene scene;
    scene.begin("{ wc -c; echo \"<$SYNCLINE_INCOMPLETE>\"; } > DIR/out");
    const std::string name(1023, 'x');  // 1 KiB with its newline
    for (std::size_t k = 0; k < limits::hook_paths_bytes_max / 1024; ++k) {
      auto path = name;
      path.replace(0, 4, std::to_string(1000 + k));
      scene.hook->add(path);
    }
    if (passes) scene.hook->add("y");
    scene.hook->end_round(1);
    scene.hook.reset();
    CHECK(scene.dir.read("out") ==
          std::to_string(limits::hook_paths_bytes_max) + (passes ? "\n<1>\n" : "\n<>\n"));
  }
}

TEST_CASE("what changes while a hook runs is gathered for the next one", "[hook]") {
  HookScene scene;
  scene.begin(
      "cat >> DIR/out; echo \"= $SYNCLINE_ROUND\" >> DIR/out; touch DIR/ran-$SYNCLINE_ROUND;"
      " while ! [ -e DIR/go ]; do sleep 0.01; done");
  scene.round(1, {"a"});
  scene.wait_for("ran-1");
  scene.round(2, {"b", "c"});
  scene.round(3, {"c", "d"});
  scene.dir.write("go", "");
  scene.wait_for("ran-3");
  scene.hook.reset();
  CHECK(scene.dir.read("out") == "a\n= 1\nb\nc\nd\n= 3\n");
}

TEST_CASE("a hook that fails is told, and the next one is run", "[hook]") {
  HookScene scene;
  scene.begin(
      "touch DIR/ran-$SYNCLINE_ROUND; case $SYNCLINE_ROUND in 1) exit 3;; 2) kill -9 $$;; 3) ;; esac");
  for (const std::uint64_t number : {1, 2, 3}) {
    scene.round(number, {"x"});
    scene.wait_for("ran-" + std::to_string(number));
  }
  scene.hook.reset();
  CHECK(scene.heard == std::vector<std::string>{"the hook ended with 3", "the hook ended by signal 9"});
}

TEST_CASE("a hook that reads nothing holds nothing up", "[hook]") {
  HookScene scene;
  scene.begin("true", true);
  for (int k = 0; k < 50'000; ++k) scene.hook->add("some/path/" + std::to_string(k));
  scene.hook->end_round(1);
  scene.hook.reset();
  CHECK(scene.heard.empty());
}

TEST_CASE("a hook that takes long is told once", "[hook]") {
  HookScene scene;
  HookBounds bounds;
  bounds.slow = 10ms;
  scene.begin("while ! [ -e DIR/go ]; do sleep 0.01; done", false, bounds);
  scene.round(1, {"x"});
  std::this_thread::sleep_for(700ms);
  scene.dir.write("go", "");
  scene.hook.reset();
  CHECK(scene.heard == std::vector<std::string>{"the hook runs for 0:00 already; what changes waits for it"});
}

TEST_CASE("a hook that does not end with the watch is ended, with all that it has started", "[hook]") {
  HookScene scene;
  HookBounds bounds;
  bounds.end = 50ms;
  scene.begin(
      "trap 'touch DIR/asked; exit' TERM; (trap 'touch DIR/below; exit' TERM; touch DIR/started;"
      " while :; do sleep 0.05; done) & wait",
      false, bounds);
  scene.round(1, {"x"});
  scene.wait_for("started");
  scene.hook.reset();
  scene.wait_for("asked");
  scene.wait_for("below");
  CHECK(scene.heard == std::vector<std::string>{"the hook runs still, and is ended with the watch"});
}

TEST_CASE("a hook has the standard descriptors and no other one, in a process group of its own", "[hook]") {
  HookScene scene;
  scene.dir.write("ours", "");
  const int open_here = ::open(scene.dir.path("ours").c_str(), O_RDONLY);  // without O_CLOEXEC
  scene.begin("ls /proc/$$/fd > DIR/fds; ps -o pgid= -p $$ | tr -d ' ' > DIR/group; echo $$ > DIR/pid");
  scene.round(1, {"x"});
  scene.hook.reset();
  ::close(open_here);
  const auto fds = scene.dir.read("fds");
  for (const auto* fd : {"0\n", "1\n", "2\n"}) CHECK(("\n" + fds).find("\n" + std::string(fd)) != fds.npos);
  // What the shell itself opens lies at 10 and above.
  CHECK(fds.find("\n" + std::to_string(open_here) + "\n") == fds.npos);
  CHECK(scene.dir.read("group") == scene.dir.read("pid"));
}

}  // namespace
}  // namespace syncline::cli
