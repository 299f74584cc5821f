// SPDX-License-Identifier: Apache-2.0
// Sources that change, shrink, grow or vanish while they are read.
#include <unistd.h>

#include <filesystem>

#include "pair.hpp"
#include "support/catch.hpp"
#include "support/fault_fs.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

namespace {

/// One file, of a size that takes each way of being sent; with or without an older version over there.
struct MovingSource : Pair {
  MovingSource(std::size_t size_bytes, bool has_base) : before(random_text(size_bytes, 1)) {
    options.threads = 1;  // so that an edit falls between two reads and not between two writes of its own
    if (has_base) {
      dir.write("src/file", random_text(size_bytes, 9));
      copy();
      old = dir.read("dst/file");
    }
    dir.write("src/file", before);
    dir.write("src/other", "other");
  }
  Outcome copy_through(FaultFs& faults) const {
    sync::World source;
    source.files = &faults;
    return run_copy(options, source, {});
  }
  const std::string before;
  std::optional<std::string> old;
};

constexpr std::size_t sizes[] = {1'000, 300'000, 4'500'000};

}  // namespace

TEST_CASE("a file that changes once while it is read is read again", "[sync]") {
  const auto size = GENERATE(from_range(std::begin(sizes), std::end(sizes)));
  const auto has_base = GENERATE(false, true);
  MovingSource scene(size, has_base);
  const auto path = scene.dir.path("src/file");
  std::string after = random_text(size + 500, 2);
  SECTION("grown") {}
  SECTION("shrunk") { after = scene.before.substr(0, size / 2); }
  SECTION("other bytes") { after = random_text(size, 3); }
  CAPTURE(size, has_base, after.size());
  FaultFs faults(fs::linux_fs());
  faults.call_op(
      "pread", [&] { scene.dir.write("src/file", after); }, 1, Moment::after);
  const auto outcome = scene.copy_through(faults);
  CHECK(faults.struck() == 1);
  CHECK(outcome.report.exit_code == 0);
  CHECK(outcome.errors.empty());
  CHECK(outcome.report.in_step);
  CHECK((scene.dir.read("dst/file") == after));
  CHECK(scene.dir.read("dst/other") == "other");
}

TEST_CASE("a file that keeps changing is told with 24 and never stored mixed", "[sync]") {
  const auto size = GENERATE(from_range(std::begin(sizes), std::end(sizes)));
  const auto has_base = GENERATE(false, true);
  CAPTURE(size, has_base);
  MovingSource scene(size, has_base);
  FaultFs faults(fs::linux_fs());
  std::string content = random_text(size, 2);
  const auto edit = [&] {
    content[content.size() / 2] ^= 1;
    content += '+';
    scene.dir.write("src/file", content);
  };
  for (std::uint64_t nth = 1; nth <= 500; ++nth) faults.call_op("pread", edit, nth, Moment::after);
  const auto outcome = scene.copy_through(faults);
  CHECK(outcome.report.exit_code == 24);
  REQUIRE(outcome.failed("file"));
  CHECK(outcome.errors.at(0).cause == "kept changing while it was read");
  CHECK_FALSE(outcome.report.in_step);
  CHECK(scene.dir.exists("dst/file") == has_base);
  if (scene.old) CHECK((scene.dir.read("dst/file") == *scene.old));
  CHECK(scene.dir.read("dst/other") == "other");

  const auto again = scene.copy();
  CHECK(again.report.in_step);
  CHECK((scene.dir.read("dst/file") == scene.dir.read("src/file")));
  CHECK_FALSE(scene.dir.exists("dst/.syncline"));
}

TEST_CASE("a file that vanishes while it is read is told with 24", "[sync]") {
  const auto size = GENERATE(from_range(std::begin(sizes), std::end(sizes)));
  CAPTURE(size);
  MovingSource scene(size, false);
  FaultFs faults(fs::linux_fs());
  faults.call_op(
      "pread", [&] { stdfs::remove(scene.dir.path("src/file")); }, 1, Moment::after);
  const auto outcome = scene.copy_through(faults);
  CHECK(outcome.report.exit_code == 24);
  CHECK(outcome.failed("file"));
  CHECK_FALSE(scene.dir.exists("dst/file"));
  CHECK(scene.dir.read("dst/other") == "other");
}
