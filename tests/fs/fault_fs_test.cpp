// SPDX-License-Identifier: Apache-2.0
// The file system for tests: it counts, fails and dies exactly where it is told to.
#include "support/fault_fs.hpp"

#include "expect.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::test;

namespace {

/// Replaces "f" by way of a temporary name: create, write, sync, rename, sync.
void replace_file(fs::Dir& dir, const std::string& text) {
  auto file = dir.create("tmp");
  file->pwrite(as_bytes(text), 0);
  file->sync_data();
  file.reset();
  dir.rename("tmp", dir, "f");
  dir.sync();
}

}  // namespace

TEST_CASE("calls are counted and traced in order", "[fs]") {
  TempDir temp;
  FaultFs all(fs::linux_fs());
  auto dir = temp.open(all);
  replace_file(*dir, "text");
  dir->list();
  CHECK(all.trace() == std::vector<std::string>{"open_root " + temp.path(), "create tmp", "pwrite tmp @0 +4",
                                                "sync_data tmp", "rename tmp -> f", "sync .", "list"});
  CHECK(all.count() == 7);
  FaultFs mutating(fs::linux_fs(), Counted::mutating);
  replace_file(*temp.open(mutating), "text");
  CHECK(mutating.count() == 5);
  CHECK(mutating.trace()[0] == "create tmp");
}

TEST_CASE("each call can be made to fail, once", "[fs]") {
  for (std::uint64_t k = 1; k <= 5; ++k) {
    TempDir temp;
    temp.write("f", "old");
    FaultFs faults(fs::linux_fs(), Counted::mutating);
    auto dir = temp.open(faults);
    faults.fail_at(k, ENOSPC);
    CHECK(errno_of([&] { replace_file(*dir, "new"); }) == ENOSPC);
    CHECK(faults.struck() == 1);
    CHECK(temp.read("f") == (k <= 4 ? "old" : "new"));
    if (temp.exists("tmp")) dir->unlink("tmp");
    replace_file(*dir, "new");
    CHECK(temp.read("f") == "new");
  }
}

TEST_CASE("a fault may last, and may hit one operation only", "[fs]") {
  TempDir temp;
  FaultFs faults(fs::linux_fs());
  auto dir = temp.open(faults);
  faults.fail_from(3, EIO);
  dir->create("a");
  CHECK(errno_of([&] { dir->create("b"); }) == EIO);
  CHECK(errno_of([&] { dir->list(); }) == EIO);
  faults.reset();
  faults.fail_op("create", EDQUOT, 2);
  dir->list();
  dir->create("b");
  CHECK(errno_of([&] { dir->create("c"); }) == EDQUOT);
  dir->create("c");
  faults.reset();
  faults.fail_every("unlink", EPERM);
  CHECK(errno_of([&] { dir->unlink("a"); }) == EPERM);
  CHECK(errno_of([&] { dir->unlink("a"); }) == EPERM);
  CHECK(faults.struck() == 2);
}

TEST_CASE("a torn write does its first half, a late fault all of it", "[fs]") {
  TempDir temp;
  FaultFs faults(fs::linux_fs());
  auto file = temp.open(faults)->create("f");
  faults.fail_op("pwrite", ENOSPC, 1, Moment::torn);
  faults.fail_op("pwrite", EIO, 2, Moment::after);
  const std::string first(4096, 'a');
  const std::string second(4096, 'b');
  CHECK(errno_of([&] { file->pwrite(as_bytes(first), 0); }) == ENOSPC);
  CHECK(temp.read("f") == first.substr(0, 2048));
  CHECK(errno_of([&] { file->pwrite(as_bytes(second), 0); }) == EIO);
  CHECK(temp.read("f") == second);
}

TEST_CASE("a process can be killed before, in and after each call", "[fs]") {
  const std::string old_text = "old";
  const std::string new_text(8192, 'n');
  for (const auto moment : {Moment::before, Moment::torn, Moment::after}) {
    for (std::uint64_t k = 1; k <= 5; ++k) {
      CAPTURE(k, static_cast<int>(moment));
      TempDir temp;
      temp.write("f", old_text);
      FaultFs faults(fs::linux_fs(), Counted::mutating);
      faults.kill_at(k, moment);
      const auto result = run_in_child([&] {
        replace_file(*temp.open(faults), new_text);
        return 0;
      });
      CHECK(result.killed());
      const bool renamed = k == 5 || (k == 4 && moment == Moment::after);
      CHECK(temp.read("f") == (renamed ? new_text : old_text));
      if (k == 2) {
        const std::size_t written = moment == Moment::before ? 0 : moment == Moment::torn ? 4096 : 8192;
        CHECK(temp.read("tmp") == new_text.substr(0, written));
      }
    }
  }
}

TEST_CASE("a callback runs at its call, which then goes on", "[fs]") {
  TempDir temp;
  FaultFs faults(fs::linux_fs());
  auto dir = temp.open(faults);
  faults.call_op("rename", [&] { temp.write("intruder", "i"); });
  replace_file(*dir, "new");
  CHECK(temp.read("f") == "new");
  CHECK(temp.exists("intruder"));
}

TEST_CASE("calls between decorated objects reach the real ones", "[fs]") {
  TempDir temp;
  temp.make_dir("sub");
  FaultFs faults(fs::linux_fs());
  auto dir = temp.open(faults);
  auto sub = dir->open_dir("sub");
  auto same = dir->open_beneath(RelPath::parse("sub"));
  auto source = dir->create("a");
  source->pwrite(as_bytes("text"), 0);
  auto target = sub->create("b");
  target->copy_range(*source, 0, 0, 4);
  CHECK(content(*target) == "text");
  target->clone_from(*source);
  same->make_link(*dir, "a", "linked");
  dir->rename("a", *sub, "moved");
  sub->rename_new("moved", *dir, "back");
  dir->rename_exchange("back", *sub, "b");
  CHECK(temp.exists("sub/linked"));
  CHECK(temp.read("sub/b") == "text");
}
