// SPDX-License-Identifier: Apache-2.0
// Copies that share a directory at the same time.
#include <filesystem>

#include "base/error.hpp"
#include "pair.hpp"
#include "support/catch.hpp"
#include "support/fault_fs.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

namespace {

struct TwoCopies : Pair {
  TwoCopies() : other(options) {
    for (unsigned i = 0; i < 30; ++i) dir.write("src/" + std::to_string(i), random_text(30'000, i));
    dir.write("src/large", random_text(3'000'000, 99));
    other.destination = dir.path("other") + "/";
  }
  /// The first copy; `meanwhile` runs once it reads content.
  Outcome copy_while(const std::function<void()>& meanwhile) const {
    FaultFs faults(fs::linux_fs());
    faults.call_op("pread", meanwhile, 1, Moment::after);
    sync::World source;
    source.files = &faults;
    return run_copy(options, source, {});
  }
  bool is_copied_to(const std::string& to) const {
    for (const auto& entry : stdfs::directory_iterator(dir.path("src"))) {
      const auto name = entry.path().filename().string();
      if (!dir.exists(to + "/" + name) || dir.read("src/" + name) != dir.read(to + "/" + name)) return false;
    }
    return true;
  }
  bool has_snapshot() const {
    for (const auto& entry : stdfs::recursive_directory_iterator(dir.path()))
      if (entry.path().string().find(".snapshot-") != std::string::npos &&
          entry.path().extension() != ".lock")
        return true;
    return false;
  }
  CopyOptions other;
};

}  // namespace

TEST_CASE("one source is copied to two places at the same time", "[sync]") {
  TwoCopies scene;
  std::optional<Outcome> second;
  bool had_snapshot = false;
  const auto first = scene.copy_while([&] {
    second = run_copy(scene.other);
    had_snapshot = scene.has_snapshot();
  });
  REQUIRE(second);
  CHECK(first.report.in_step);
  CHECK(second->report.in_step);
  CHECK(scene.is_copied_to("dst"));
  CHECK(scene.is_copied_to("other"));
  CHECK_FALSE(had_snapshot);
  // Each knows its place again, whatever it could keep.
  scene.dir.write("src/7", "changed");
  for (const auto& options : {scene.options, scene.other}) {
    const auto again = run_copy(options);
    CHECK(again.report.in_step);
    CHECK(again.report.files_changed == 1);
  }
  CHECK(scene.is_copied_to("dst"));
  CHECK(scene.is_copied_to("other"));
}

TEST_CASE("a second copy into a destination that is being written to is refused", "[sync]") {
  TwoCopies scene;
  bool is_refused = false;
  const auto first = scene.copy_while([&] {
    try {
      (void)run_copy(scene.options);
    } catch (const Error& error) {
      is_refused = error.is(Errc::locked);
    }
  });
  CHECK(is_refused);
  CHECK(first.report.in_step);
  CHECK(scene.is_copied_to("dst"));
}
