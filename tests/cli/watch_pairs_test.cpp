// SPDX-License-Identifier: Apache-2.0
// Several pairs followed by one process, between directories of this machine.
#include "cli/watch_pairs.hpp"

#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <streambuf>
#include <thread>

#include "base/limits.hpp"
#include "cli/exit_codes.hpp"
#include "cli/watch_plans.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace syncline::cli {
namespace {

constexpr std::chrono::seconds patience{60};

/// Written by one thread and read by another.
class SharedText final : public std::streambuf {
 public:
  bool contains(const std::string& part) const { return text().find(part) != std::string::npos; }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  int_type overflow(int_type c) override {
    const std::lock_guard lock(mutex_);
    text_ += traits_type::to_char_type(c);
    return c;
  }
  std::streamsize xsputn(const char* bytes, std::streamsize count) override {
    const std::lock_guard lock(mutex_);
    text_.append(bytes, static_cast<std::size_t>(count));
    return count;
  }
  mutable std::mutex mutex_;
  std::string text_;
};

/// A watch in a thread of the test. The streams are read once it has ended.
class Following {
 public:
  explicit Following(const test::TempDir& dir, bool is_terminal = false) : dir_(dir) {
    console_.err_is_terminal = is_terminal;
  }
  ~Following() { end(); }

  void start(std::vector<std::string> args) {
    args.insert(args.begin(), "--state=" + dir_.path("state"));
    const auto plans = plans_of(parse_watch(args, in_));
    thread_ = std::thread([this, plans] {
      code = follow_all(plans, console_, [this] { return is_over_.load(); });
      has_ended = true;
    });
  }
  int end() {
    is_over_ = true;
    if (thread_.joinable()) thread_.join();
    return code;
  }
  /// At any time.
  bool has_said(const std::string& text) { return err_text_.contains(text); }
  /// Line by line.
  std::vector<std::string> lines() const {
    std::vector<std::string> found;
    std::istringstream text(out_.str() + err_text_.text());
    for (std::string line; std::getline(text, line);) found.push_back(line);
    return found;
  }

  std::atomic<bool> has_ended = false;
  int code = -1;

 private:
  const test::TempDir& dir_;
  std::istringstream in_;
  std::ostringstream out_;
  SharedText err_text_;
  std::ostream err_{&err_text_};
  Console console_{in_, out_, err_, system_clock(), false, false, [] { return 80U; }};
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

bool comes_about(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

TEST_CASE("each DST is followed, and lines name it", "[watch][threads]") {
  test::TempDir dir(test::TempDir::memory_base());
  dir.make_dir("s");
  dir.write("s/f", "one");
  Following following(dir);
  following.start({"-v", dir.path("s/"), dir.path("a"), dir.path("b"), dir.path("c")});
  for (const auto* to : {"a/f", "b/f", "c/f"}) REQUIRE(comes_about([&] { return dir.exists(to); }));
  dir.write("s/g", "two");
  for (const auto* to : {"a/g", "b/g", "c/g"})
    REQUIRE(comes_about([&] { return dir.exists(to) && dir.read(to) == "two"; }));
  CHECK(following.end() % exit_code::interrupted == 0);
  const auto lines = following.lines();
  for (const auto* to : {"a", "b", "c"}) {
    CHECK(std::ranges::count(lines, dir.path(to) + ": g") == 1);
    CHECK(std::ranges::count(lines, "syncline: " + dir.path(to) + ": in step") == 1);
  }
}

TEST_CASE("of several a DST that is not there yet is waited for", "[watch][threads]") {
  test::TempDir dir(test::TempDir::memory_base());
  dir.make_dir("s");
  dir.write("s/f", "one");
  Following following(dir);
  following.start({dir.path("s/"), dir.path("disk/x"), dir.path("b")});
  REQUIRE(comes_about([&] { return dir.exists("b/f"); }));
  REQUIRE(comes_about([&] { return following.has_said(dir.path("disk/x") + ": behind"); }));
  dir.make_dir("disk");
  REQUIRE(comes_about([&] { return dir.exists("disk/x/f"); }));
  CHECK(following.end() % exit_code::interrupted == 0);
}

TEST_CASE("a DST that is not trusted ends alone, and its exit code counts", "[watch][threads]") {
  test::TempDir dir(test::TempDir::memory_base());
  dir.make_dir("s");
  dir.write("s/f", "one");
  Following following(dir);
  following.start({dir.path("s/"), "syncline://127.0.0.1:1/x", dir.path("b")});
  REQUIRE(comes_about([&] { return dir.exists("b/f"); }));
  dir.write("s/g", "two");
  REQUIRE(comes_about([&] { return dir.exists("b/g"); }));
  CHECK_FALSE(following.has_ended);
  CHECK(following.end() == exit_code::guard);
}

TEST_CASE("once all have ended it ends by itself", "[watch][threads]") {
  test::TempDir dir(test::TempDir::memory_base());
  dir.make_dir("d");
  Following following(dir);
  following.start({dir.path("nothing/"), dir.path("d/a"), dir.path("d/b")});
  REQUIRE(comes_about([&] { return following.has_ended.load(); }));
  CHECK(following.end() == exit_code::selection);
}

TEST_CASE("up to four pairs have a line each at the foot of a terminal, more are summed up",
          "[watch][threads]") {
  test::TempDir dir(test::TempDir::memory_base());
  dir.make_dir("s");
  dir.write("s/f", "one");
  for (const std::size_t count : {limits::live_lines_max, limits::live_lines_max + 1}) {
    Following following(dir, true);
    std::vector<std::string> args{dir.path("s/")};
    for (std::size_t k = 0; k < count; ++k)
      args.push_back(dir.path("d" + std::to_string(count) + std::to_string(k)));
    following.start(args);
    for (std::size_t k = 1; k < args.size(); ++k)
      REQUIRE(comes_about([&] { return following.has_said(args[k] + ": in step"); }));
    const bool is_summed = count > limits::live_lines_max;
    if (is_summed) CHECK(comes_about([&] { return following.has_said("\r5 in step"); }));
    else CHECK(comes_about([&] { return following.has_said(args[1] + ": in step, proven"); }));
    following.end();
    CHECK(following.has_said("in step, proven") != is_summed);
  }
}

TEST_CASE("JSON records name their source and destination", "[watch][threads]") {
  test::TempDir dir(test::TempDir::memory_base());
  dir.make_dir("s");
  dir.write("s/f", "one");
  Following following(dir);
  following.start({"--json", dir.path("s/"), dir.path("a"), dir.path("b")});
  for (const auto* to : {"a/f", "b/f"}) REQUIRE(comes_about([&] { return dir.exists(to); }));
  following.end();
  std::set<std::string> destinations;
  for (const auto& line : following.lines()) {
    CAPTURE(line);
    if (line.ends_with("run the same command again")) continue;  // to standard error: stopped in the middle of a copy
    const auto record = nlohmann::json::parse(line);
    CHECK(record.at("source") == dir.path("s/"));
    destinations.insert(record.at("destination"));
  }
  CHECK(destinations == std::set<std::string>{dir.path("a"), dir.path("b")});
}

}  // namespace
}  // namespace syncline::cli
