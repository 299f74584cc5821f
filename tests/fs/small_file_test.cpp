// SPDX-License-Identifier: Apache-2.0
// Whole small files: read up to a limit, replaced or created in one step, changed under a lock.
#include "fs/small_file.hpp"

#include <sys/stat.h>

#include <atomic>
#include <thread>
#include <vector>

#include "expect.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/fault_fs.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::test;

TEST_CASE("a small file is read up to its limit and not one byte more", "[fs]") {
  TempDir temp;
  temp.write("empty", "");
  temp.write("ten", "0123456789");
  const auto dir = temp.open();
  CHECK_FALSE(fs::read_small_file(*dir, "none", 10));
  CHECK(fs::read_small_file(*dir, "empty", 0)->content.empty());
  CHECK(fs::read_small_file(*dir, "ten", 10)->content == "0123456789");
  CHECK(fs::read_small_file(*dir, "ten", 10)->stat.size_bytes == 10);
  CHECK(throws_code(Errc::limit_exceeded, [&] { fs::read_small_file(*dir, "ten", 9); }));
}

TEST_CASE("what is no regular file is not read", "[fs]") {
  TempDir temp;
  temp.write("file", "x");
  auto dir = temp.open();
  dir->make_symlink("link", "file");
  dir->make_dir("dir", 0700);
  dir->make_node("fifo", fs::FileType::fifo, 0600, 0, 0);
  CHECK(errno_of([&] { fs::read_small_file(*dir, "link", 10); }) == ELOOP);
  CHECK(errno_of([&] { fs::read_small_file(*dir, "dir", 10); }) == EISDIR);
  CHECK(errno_of([&] { fs::read_small_file(*dir, "fifo", 10); }) == EINVAL);
}

TEST_CASE("a small file that changes its size while it is read is refused", "[fs]") {
  for (const std::string now : {"longer than it was", "x"}) {
    TempDir temp;
    temp.write("file", "before");
    FaultFs faults(fs::linux_fs());
    const auto dir = temp.open(faults);
    faults.call_op("pread", [&] { temp.write("file", now); });
    CHECK(throws_code(Errc::changed, [&] { fs::read_small_file(*dir, "file", 100); }));
  }
}

TEST_CASE("replacing gives a new file for its owner only", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  fs::replace_small_file(*dir, "file", "first");
  CHECK(temp.read("file") == "first");
  CHECK(dir->stat_at("file")->mode == 0600);
  const auto before = dir->stat_at("file")->inode;
  fs::replace_small_file(*dir, "file", "");
  CHECK(temp.read("file").empty());
  CHECK(dir->stat_at("file")->inode != before);
  CHECK(dir->list().entries.size() == 1);
}

TEST_CASE("a small file is on disk before its name is, and the name before the call returns", "[fs]") {
  TempDir temp;
  FaultFs faults(fs::linux_fs(), Counted::mutating);
  auto dir = temp.open(faults);
  fs::replace_small_file(*dir, "file", "x");
  const auto trace = faults.trace();
  REQUIRE(trace.size() == 5);
  CHECK(trace[0].starts_with("create .file.new-"));
  CHECK(trace[1].starts_with("pwrite "));
  CHECK(trace[2].starts_with("sync "));
  CHECK(trace[3].starts_with("rename "));
  CHECK(trace[4].starts_with("sync "));
}

TEST_CASE("a failure while replacing leaves the old or the new file and no other", "[fs]") {
  for (std::uint64_t k = 1; k <= 5; ++k) {
    TempDir temp;
    temp.write("file", "old");
    FaultFs faults(fs::linux_fs(), Counted::mutating);
    auto dir = temp.open(faults);
    faults.fail_at(k, ENOSPC);
    CAPTURE(k);
    CHECK(errno_of([&] { fs::replace_small_file(*dir, "file", "new"); }) == ENOSPC);
    CHECK(temp.read("file") == (k <= 4 ? "old" : "new"));
    CHECK(dir->list().entries.size() == 1);
  }
}

TEST_CASE("a kill while replacing leaves the old or the new file", "[fs]") {
  for (std::uint64_t k = 1; k <= 5; ++k) {
    TempDir temp;
    temp.write("file", "old");
    const auto result = run_in_child([&] {
      FaultFs faults(fs::linux_fs(), Counted::mutating);
      auto dir = temp.open(faults);
      faults.kill_at(k, Moment::torn);
      fs::replace_small_file(*dir, "file", "new content");
      return 0;
    });
    CAPTURE(k);
    CHECK(result.killed());
    CHECK(temp.read("file") == (k <= 4 ? "old" : "new content"));
  }
}

TEST_CASE("creating never touches what is there", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  CHECK(fs::create_small_file(*dir, "file", "first"));
  CHECK_FALSE(fs::create_small_file(*dir, "file", "second"));
  CHECK(temp.read("file") == "first");
  dir->make_symlink("link", "nowhere");
  CHECK_FALSE(fs::create_small_file(*dir, "link", "x"));
  CHECK(dir->list().entries.size() == 2);
}

TEST_CASE("of many that create a small file at once exactly one does", "[fs]") {
  for (int round = 0; round < 50; ++round) {
    TempDir temp;
    std::atomic<int> ready{0}, created{0};
    std::vector<std::thread> threads;
    for (int k = 0; k < 4; ++k)
      threads.emplace_back([&, k] {
        auto dir = temp.open();
        ++ready;
        while (ready < 4) std::this_thread::yield();
        created += fs::create_small_file(*dir, "file", std::string(100, static_cast<char>('a' + k))) ? 1 : 0;
      });
    for (auto& thread : threads) thread.join();
    CHECK(created == 1);
    const auto content = temp.read("file");
    CHECK(content == std::string(100, content[0]));
    CHECK(temp.open()->list().entries.size() == 1);
  }
}

TEST_CASE("changes under the lock of the directory do not lose each other", "[fs]") {
  constexpr int each = 25;
  TempDir temp;
  std::vector<std::thread> threads;
  for (int k = 0; k < 4; ++k)
    threads.emplace_back([&] {
      for (int n = 0; n < each; ++n) {
        auto dir = temp.open();
        if (!fs::wait_for_lock(*dir)) return;
        const auto old = fs::read_small_file(*dir, "file", 1000);
        fs::replace_small_file(*dir, "file", (old ? old->content : "") + "x");
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(temp.read("file") == std::string(4 * each, 'x'));
}

TEST_CASE("waiting for a lock ends after its attempts", "[fs]") {
  TempDir temp;
  auto holder = temp.open();
  auto waiter = temp.open();
  REQUIRE(fs::wait_for_lock(*holder, 1));
  CHECK(throws_code(Errc::locked, [&] { fs::wait_for_lock(*waiter, 1); }));
  CHECK(throws_code(Errc::locked, [&] { fs::wait_for_lock(*waiter, 3); }));
  holder.reset();
  CHECK(fs::wait_for_lock(*waiter, 1));
}

TEST_CASE("a file system without locks is a value, any other failure an error", "[fs]") {
  TempDir temp;
  for (const int error_number : {EBADF, ENOLCK, EOPNOTSUPP}) {
    FaultFs faults(fs::linux_fs());
    faults.fail_op("try_lock", error_number);
    CHECK_FALSE(fs::wait_for_lock(*temp.open(faults)));
    CHECK(faults.struck() == 1);
  }
  FaultFs faults(fs::linux_fs());
  faults.fail_op("try_lock", EIO);
  CHECK(errno_of([&] { fs::wait_for_lock(*temp.open(faults)); }) == EIO);
}
