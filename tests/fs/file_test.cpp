// SPDX-License-Identifier: Apache-2.0
// Reading, writing, holes and space of one file.
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdio>

#include "base/limits.hpp"
#include "expect.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::test;

namespace {

using limits::mib;

std::string read_at(const fs::File& file, std::size_t count, std::uint64_t offset) {
  std::string out(count, '?');
  out.resize(file.pread({reinterpret_cast<std::byte*>(out.data()), count}, offset));
  return out;
}

/// In a private mount namespace, so that nothing is left behind; false where that is not allowed.
bool mount_small_tmpfs(const std::string& path) {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=1m") == 0;
}

}  // namespace

TEST_CASE("a read ends at the end of the file and nowhere before", "[fs]") {
  TempDir temp;
  auto file = temp.open()->create("f");
  const std::string text(3 * mib + 17, 'x');
  file->pwrite(as_bytes(text), 0);
  CHECK(read_at(*file, 4 * mib, 0) == text);
  CHECK(read_at(*file, 100, text.size() - 5).size() == 5);
  CHECK(read_at(*file, 100, text.size()).empty());
  CHECK(read_at(*file, 100, text.size() + mib).empty());
  CHECK(read_at(*file, 0, 0).empty());
}

TEST_CASE("writes land where they are sent, also past the end", "[fs]") {
  TempDir temp;
  auto file = temp.open()->create("f");
  file->pwrite(as_bytes("end"), 10);
  file->pwrite(as_bytes("start"), 0);
  file->pwrite({}, 1000);
  CHECK(content(*file) == std::string("start\0\0\0\0\0end", 13));
  file->truncate(3);
  CHECK(content(*file) == "sta");
  file->truncate(5);
  CHECK(content(*file) == std::string("sta\0\0", 5));
}

TEST_CASE("a file opened for reading cannot be written", "[fs]") {
  TempDir temp;
  temp.write("f", "old");
  auto file = temp.open()->open_read("f");
  CHECK(errno_of([&] { file->pwrite(as_bytes("new"), 0); }) == EBADF);
  CHECK(temp.read("f") == "old");
  auto writable = temp.open()->open_write("f");
  writable->pwrite(as_bytes("new"), 0);
  CHECK(temp.read("f") == "new");
}

TEST_CASE("the extents of a sparse file name its data and its holes", "[fs]") {
  TempDir temp;
  auto file = temp.open()->create("f");
  CHECK_FALSE(file->extent_at(0).has_value());
  file->pwrite(as_bytes(std::string(64 * 1024, 'd')), mib);
  file->truncate(3 * mib);
  const auto first = file->extent_at(0);
  REQUIRE(first.has_value());
  if (!first->hole) {
    WARN("the file system of the temporary directory has no holes");
    return;
  }
  CHECK((first->offset == 0 && first->length_bytes == mib));
  const auto data = file->extent_at(mib);
  CHECK((data && !data->hole && data->offset == mib && data->length_bytes == 64 * 1024));
  const auto inside = file->extent_at(mib + 100);
  CHECK((inside && !inside->hole && inside->offset == mib + 100 && inside->length_bytes == 64 * 1024 - 100));
  const auto tail = file->extent_at(mib + 64 * 1024);
  CHECK((tail && tail->hole && tail->length_bytes == 2 * mib - 64 * 1024));
  CHECK_FALSE(file->extent_at(3 * mib).has_value());
  CHECK_FALSE(file->extent_at(4 * mib).has_value());
  // What was found before does not outlive a change.
  REQUIRE_FALSE(file->extent_at(mib)->hole);
  file->punch(mib, 32 * 1024);
  const auto punched = file->extent_at(mib);
  CHECK((punched && punched->hole && punched->length_bytes == 32 * 1024));
  REQUIRE_FALSE(file->extent_at(mib + 32 * 1024)->hole);
  file->truncate(mib + 40 * 1024);
  CHECK(file->extent_at(mib + 32 * 1024)->length_bytes == 8 * 1024);
  CHECK_FALSE(file->extent_at(mib + 40 * 1024).has_value());
}

TEST_CASE("a punched range reads as zeros, frees space and never changes the size", "[fs]") {
  TempDir temp;
  auto file = temp.open()->create("f");
  file->pwrite(as_bytes(std::string(mib, 'x')), 0);
  file->sync();
  const auto before = file->stat().allocated_bytes;
  file->punch(4096, mib / 2);
  file->punch(0, 0);
  file->punch(mib - 10, 4096);  // across the end
  file->punch(10 * mib, 4096);  // past it
  std::string wanted(mib, 'x');
  wanted.replace(4096, mib / 2, mib / 2, '\0');
  wanted.replace(mib - 10, 10, 10, '\0');
  CHECK((content(*file) == wanted));
  CHECK(file->stat().size_bytes == mib);
  CHECK(file->stat().allocated_bytes < before);
}

TEST_CASE("reserved space is allocated, with and without the size", "[fs]") {
  TempDir temp;
  auto file = temp.open()->create("f");
  file->preallocate(0, mib, true);
  CHECK(file->stat().size_bytes == 0);
  CHECK(file->stat().allocated_bytes >= mib);
  file->preallocate(0, 2 * mib, false);
  CHECK(file->stat().size_bytes == 2 * mib);
  file->preallocate(0, mib, false);
  CHECK(file->stat().size_bytes == 2 * mib);
  file->preallocate(0, 0, false);
}

TEST_CASE("a full disk is an error of the write, and what was there stays", "[fs]") {
  if (!is_root()) {
    WARN("not root: a full disk is not tested");
    return;
  }
  TempDir temp;
  const auto mount_point = temp.make_dir("small");
  const auto result = run_in_child([&] {
    if (!mount_small_tmpfs(mount_point)) return 77;
    auto dir = fs::linux_fs().open_root(mount_point);
    if (dir->free_bytes() > mib) return 1;
    dir->create("kept")->pwrite(as_bytes(std::string(4096, 'k')), 0);
    auto file = dir->create("big");
    if (errno_of([&] { file->preallocate(0, 4 * mib, true); }) != ENOSPC) return 2;
    if (errno_of([&] { file->pwrite(as_bytes(std::string(2 * mib, 'x')), 0); }) != ENOSPC) return 3;
    auto source = fs::linux_fs().open_root(temp.path())->create("source");
    source->pwrite(as_bytes(std::string(2 * mib, 'y')), 0);
    if (errno_of([&] { file->copy_range(*source, 0, 0, 2 * mib); }) != ENOSPC) return 4;
    if (content(*dir->open_read("kept")) != std::string(4096, 'k')) return 5;
    dir->unlink("big");
    file.reset();
    dir->create("small")->pwrite(as_bytes(std::string(mib / 2, 'z')), 0);
    return dir->has_reliable_syncfs() ? 0 : 6;
  });
  if (result.exit_code == 77) {
    WARN("no mounts here: a full disk is not tested");
    return;
  }
  CHECK(result.exit_code == 0);
}

TEST_CASE("times before 1970, with nanoseconds and far away survive", "[fs]") {
  TempDir temp;
  auto file = temp.open()->create("f");
  for (const std::int64_t time : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1'700'000'000'123'456'789},
                                  std::int64_t{-1'000'000'000}, std::int64_t{-999'999'999}}) {
    file->set_mtime(time);
    CHECK(file->stat().mtime_ns == time);
  }
}

TEST_CASE("syncing a file, a directory and a file system succeeds", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  auto file = dir->create("f");
  file->pwrite(as_bytes("x"), 0);
  file->sync_data();
  file->sync();
  dir->sync();
  CHECK(dir->free_bytes() > 0);
  CHECK(file->extent_count().value_or(1) == 1);
}

TEST_CASE("a directory is locked for one holder at a time", "[fs]") {
  TempDir temp;
  auto first = temp.open();
  auto second = temp.open();
  CHECK(first->try_lock());
  CHECK(first->try_lock());
  CHECK_FALSE(second->try_lock());
  first.reset();
  CHECK(second->try_lock());
}
