// SPDX-License-Identifier: Apache-2.0
// Sources that change, shrink, grow or vanish while they are read.
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "pair.hpp"
#include "support/catch.hpp"
#include "support/fault_fs.hpp"
#include "sync/session.hpp"

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

TEST_CASE("what the receiver finds changed is told with the side that has changed it", "[sync]") {
  const auto told = [](const char* context) {
    const Error error(Errc::changed, context);
    wire::Failure failure;
    failure.path = "f";
    failure.syncline_code = true;
    failure.code = static_cast<std::uint32_t>(Errc::changed);
    failure.message = error.what();
    return sync::failure_event(failure, "");
  };
  CHECK(told(sync::changed_at_sender).side == "source");
  CHECK(told(sync::changed_at_sender).cause == "changed while it was read");
  CHECK(told("copy from 'f'").side == "destination");
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

TEST_CASE("an attribute that is set after the scan is not lost", "[sync]") {
  const auto size = GENERATE(from_range(std::begin(sizes), std::end(sizes)));
  const auto has_base = GENERATE(false, true);
  CAPTURE(size, has_base);
  MovingSource scene(size, has_base);
  const auto path = scene.dir.path("src/file");
  FaultFs faults(fs::linux_fs());
  faults.call_op("open_read", [&] { REQUIRE(::setxattr(path.c_str(), "user.late", "x", 1, 0) == 0); });
  CHECK(scene.copy_through(faults).report.exit_code == 0);
  CHECK(faults.struck() == 1);
  CHECK(scene.copy().report.in_step);
  CHECK(::getxattr(scene.dir.path("dst/file").c_str(), "user.late", nullptr, 0) == 1);
}

TEST_CASE("a name that has become one of another file after the scan is linked in the next run", "[sync]") {
  Pair scene;
  scene.options.threads = 1;
  scene.dir.write("src/a", "text");
  stdfs::create_hard_link(scene.dir.path("src/a"), scene.dir.path("src/c"));
  scene.dir.write("src/b", "x");
  CHECK(scene.copy().report.in_step);
  scene.dir.write("src/b", "other");
  FaultFs faults(fs::linux_fs());
  faults.call_op("open_read", [&] {
    stdfs::remove(scene.dir.path("src/b"));
    stdfs::create_hard_link(scene.dir.path("src/a"), scene.dir.path("src/b"));
  });
  sync::World source;
  source.files = &faults;
  CHECK(run_copy(scene.options, source, {}).report.exit_code == 0);
  CHECK(faults.struck() == 1);
  CHECK(scene.copy().report.in_step);
  CHECK(scene.dir.read("dst/b") == "text");
  CHECK(lstat_of(scene.dir.path("dst/b")).st_ino == lstat_of(scene.dir.path("dst/a")).st_ino);
}

TEST_CASE("names of two files that change places after the scan are told apart in the next run", "[sync]") {
  const auto size = GENERATE(std::size_t{900}, std::size_t{100'000});
  const bool is_first = GENERATE(true, false);
  CAPTURE(size, is_first);
  Pair pair;
  pair.dir.write("src/a", random_text(size, 1));
  stdfs::create_hard_link(pair.dir.path("src/a"), pair.dir.path("src/b"));
  pair.dir.write("src/c", random_text(70'000, 2));
  stdfs::create_hard_link(pair.dir.path("src/c"), pair.dir.path("src/d"));
  pair.copy();
  pair.dir.write("src/a", random_text(size, 3));
  pair.dir.write("src/c", random_text(70'000, 4));
  FaultFs faults(fs::linux_fs());
  const auto swap = [&] {
    const auto path = [&](const char* name) { return pair.dir.path(std::string("src/") + name); };
    const std::string one = is_first ? "a" : "b";
    stdfs::rename(path(one.c_str()), path("kept"));
    stdfs::rename(path("d"), path(one.c_str()));
    stdfs::rename(path("kept"), path("d"));
  };
  faults.call_op("open_read", swap, 1, Moment::before);
  sync::World source;
  source.files = &faults;
  run_copy(pair.options, source, {});
  CHECK(faults.struck() == 1);
  for (int i = 0; i < 2; ++i) {
    const auto outcome = pair.copy();
    CHECK(outcome.report.exit_code == 0);
    CHECK(outcome.report.in_step);
  }
  for (const char* name : {"a", "b", "c", "d"}) {
    CAPTURE(name);
    CHECK((pair.dir.read(std::string("dst/") + name) == pair.dir.read(std::string("src/") + name)));
    for (const char* other : {"a", "b", "c", "d"}) {
      CAPTURE(other);
      const auto inode = [&](const std::string& path) { return lstat_of(pair.dir.path(path)).st_ino; };
      const auto is_one = [&](const std::string& root) { return inode(root + name) == inode(root + other); };
      CHECK(is_one("dst/") == is_one("src/"));
    }
  }
}

TEST_CASE("a file that cannot be read any more between two of its changes is told, and the copy goes on",
          "[sync]") {
  Pair pair;
  pair.options.threads = 1;
  auto content = random_text(3'000'000, 1);
  pair.dir.write("src/file", content);
  pair.copy();
  for (const std::size_t at : {2'500'000u, 1'500'000u, 500'000u})
    content.insert(at, random_text(40'000, static_cast<unsigned>(at)));
  for (const std::size_t at : {2'000'000u, 1'000'000u, 100'000u}) content[at] ^= 1;
  std::uint64_t nth = 0;
  for (bool has_struck = true; has_struck;) {
    CAPTURE(++nth);
    pair.dir.write("src/file", content);
    FaultFs faults(fs::linux_fs());
    faults.fail_op("pread", EIO, nth);
    sync::World source;
    source.files = &faults;
    const auto outcome = run_copy(pair.options, source, {});
    has_struck = faults.struck() != 0;
    if (outcome.report.exit_code != 0) CHECK(outcome.failed("file"));
    CHECK(outcome.report.exit_code == (has_struck && !outcome.errors.empty() ? 23 : 0));
    content[nth] ^= 1;
  }
  CHECK(nth > 5);
  CHECK((pair.dir.read("dst/file").size() == content.size()));
}
