// SPDX-License-Identifier: Apache-2.0
// Opening: nothing is followed, nothing blocks, nothing leads outside.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "expect.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::test;

TEST_CASE("a symlink is never followed as the last component", "[fs]") {
  TempDir temp;
  temp.write("secret", "content");
  temp.make_dir("real");
  auto dir = temp.open();
  dir->make_symlink("file_link", "secret");
  dir->make_symlink("dir_link", "real");
  CHECK(errno_of([&] { dir->open_read("file_link"); }) == ELOOP);
  CHECK(errno_of([&] { dir->open_write("file_link"); }) == ELOOP);
  CHECK(errno_of([&] { dir->create("file_link"); }) == EEXIST);
  const int refused = errno_of([&] { dir->open_dir("dir_link"); });
  CHECK((refused == ENOTDIR || refused == ELOOP));
  CHECK(dir->stat_at("file_link")->type == fs::FileType::symlink);
  CHECK(dir->read_link("file_link") == "secret");
}

TEST_CASE("a symlink is never followed in the middle of a path", "[fs]") {
  TempDir temp;
  TempDir outside;
  outside.make_dir("sub");
  temp.make_dir("in/sub");
  auto dir = temp.open();
  dir->make_symlink("out", outside.path());
  dir->make_symlink("up", "..");
  dir->make_symlink("alias", "in");
  for (const char* path : {"out/sub", "out", "alias/sub", "up", "in/sub/x"}) {
    CAPTURE(path);
    CHECK(errno_of([&] { dir->open_beneath(RelPath::parse(path)); }) != 0);
  }
  CHECK(dir->open_beneath(RelPath::parse("in/sub"))->list().entries.empty());
}

TEST_CASE("names of more than one component are refused by every call", "[fs]") {
  TempDir temp;
  temp.make_dir("a");
  temp.write("a/f", "x");
  auto dir = temp.open();
  const fs::Dir& constant = *dir;
  for (const std::string name : {"a/f", "..", ".", "", "/etc/passwd", "../x"}) {
    CAPTURE(name);
    const auto refused = [](auto&& call) { return throws_code(Errc::malformed, call); };
    CHECK(refused([&] { constant.stat_at(name); }));
    CHECK(refused([&] { constant.open_dir(name); }));
    CHECK(refused([&] { constant.open_read(name); }));
    CHECK(refused([&] { constant.open_write(name); }));
    CHECK(refused([&] { constant.read_link(name); }));
    CHECK(refused([&] { constant.xattrs_at(name); }));
    CHECK(refused([&] { dir->create(name); }));
    CHECK(refused([&] { dir->make_dir(name, 0700); }));
    CHECK(refused([&] { dir->make_symlink(name, "x"); }));
    CHECK(refused([&] { dir->make_node(name, fs::FileType::fifo, 0600, 0, 0); }));
    CHECK(refused([&] { dir->make_link(*dir, name, "x"); }));
    CHECK(refused([&] { dir->make_link(*dir, "x", name); }));
    CHECK(refused([&] { dir->rename(name, *dir, "x"); }));
    CHECK(refused([&] { dir->rename("x", *dir, name); }));
    CHECK(refused([&] { dir->rename_new(name, *dir, "x"); }));
    CHECK(refused([&] { dir->rename_exchange("x", *dir, name); }));
    CHECK(refused([&] { dir->unlink(name); }));
    CHECK(refused([&] { dir->remove_dir(name); }));
    CHECK(refused([&] { dir->set_owner_at(name, 0, 0); }));
    CHECK(refused([&] { dir->set_mtime_at(name, 0); }));
    CHECK(refused([&] { dir->set_mode_at(name, 0600); }));
    CHECK(refused([&] { dir->set_xattr_at(name, "user.x", {}); }));
    CHECK(refused([&] { dir->remove_xattr_at(name, "user.x"); }));
  }
}

TEST_CASE("a fifo, a directory and a socket are refused as files without blocking", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  dir->make_node("fifo", fs::FileType::fifo, 0600, 0, 0);
  dir->make_node("socket", fs::FileType::socket, 0600, 0, 0);
  dir->make_dir("dir", 0755);
  CHECK(errno_of([&] { dir->open_read("fifo"); }) == EINVAL);
  CHECK(errno_of([&] { dir->open_write("fifo"); }) == EINVAL);
  CHECK(errno_of([&] { dir->open_read("dir"); }) == EISDIR);
  CHECK(errno_of([&] { dir->open_write("dir"); }) == EISDIR);
  CHECK(errno_of([&] { dir->open_read("socket"); }) == ENXIO);
  CHECK(errno_of([&] { dir->open_dir("fifo"); }) == ENOTDIR);
}

TEST_CASE("what is not there is nothing to stat_at and ENOENT to the others", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  CHECK_FALSE(dir->stat_at("none").has_value());
  CHECK(errno_of([&] { dir->open_read("none"); }) == ENOENT);
  CHECK(errno_of([&] { dir->open_dir("none"); }) == ENOENT);
  CHECK(errno_of([&] { dir->open_beneath(RelPath::parse("none/x")); }) == ENOENT);
  CHECK(errno_of([&] { dir->unlink("none"); }) == ENOENT);
}

TEST_CASE("an error names the entry, escaped", "[fs]") {
  TempDir temp;
  try {
    temp.open()->open_read("bad\nname");
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(std::string(error.what()) == "open 'bad\\012name': No such file or directory");
  }
}

TEST_CASE("a directory 300 levels deep is reached and its path opens in one call", "[fs]") {
  TempDir temp;
  // 300 names of 20 bytes are 6,300 bytes: more than the kernel takes at once (PATH_MAX).
  for (const auto& name : {std::string("d"), std::string(20, 'n')}) {
    auto dir = temp.open();
    RelPath path;
    for (int level = 0; level < 300; ++level) {
      dir->make_dir(name, 0755);
      dir = dir->open_dir(name);
      path = path.child(name);
    }
    dir->create("bottom");
    const auto again = temp.open()->open_beneath(path);
    CHECK(again->stat_at("bottom").has_value());
    CHECK(again->stat().inode == dir->stat().inode);
  }
}

TEST_CASE("the root path gives a second handle of the same directory", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  auto second = dir->open_beneath(RelPath());
  CHECK(second->stat() == dir->stat());
  dir.reset();
  second->create("x");
  CHECK(temp.exists("x"));
}

TEST_CASE("create makes a private file and never reuses one", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  const auto old_mask = ::umask(0);
  CHECK((dir->create("new")->stat().mode == 0600));
  ::umask(old_mask);
  CHECK(errno_of([&] { dir->create("new"); }) == EEXIST);
}

TEST_CASE("create gives the mode that is asked for, less the umask", "[fs]") {
  TempDir temp;
  const auto old_mask = ::umask(027);
  temp.open()->create("f", 0666);
  ::umask(old_mask);
  CHECK(temp.open()->stat_at("f")->mode == 0640);
}

TEST_CASE("opening for reading tells what was opened", "[fs]") {
  TempDir temp;
  temp.write("f", "content");
  fs::Stat opened;
  const auto file = temp.open()->open_read("f", &opened);
  CHECK(opened == file->stat());
  CHECK(opened.size_bytes == 7);
}

TEST_CASE("reading leaves the access time alone", "[fs]") {
  TempDir temp;
  temp.write("file", "content");
  const struct ::timespec old_times[2] = {{1000, 0}, {2000, 0}};  // older than mtime: relatime would write
  REQUIRE(::utimensat(AT_FDCWD, temp.path("file").c_str(), old_times, 0) == 0);
  CHECK(content(*temp.open()->open_read("file")) == "content");
  struct ::stat raw;
  REQUIRE(::stat(temp.path("file").c_str(), &raw) == 0);
  CHECK(raw.st_atim.tv_sec == 1000);
}

TEST_CASE("a directory swapped for a symlink all the time never leads outside", "[fs]") {
  TempDir temp;
  TempDir outside;
  outside.make_dir("sub");
  outside.write("sub/marker", "outside");
  temp.make_dir("real/sub");
  auto dir = temp.open();
  dir->make_symlink("planted", outside.path());
  dir->make_dir("flip", 0755);
  dir->open_dir("flip")->make_dir("sub", 0755);
  std::atomic<bool> stop = false;
  std::thread attacker([&] {
    auto own = temp.open();
    while (!stop) own->rename_exchange("flip", *own, "planted");
  });
  const auto path = RelPath::parse("flip/sub");
  int opened = 0, refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    try {
      const auto found = i % 2 == 0 ? dir->open_beneath(path) : dir->open_dir("flip")->open_dir("sub");
      ++opened;
      if (found->stat_at("marker")) FAIL("left the root");
    } catch (const Error&) {
      ++refused;
    }
  }
  stop = true;
  attacker.join();
  CAPTURE(opened, refused);
  CHECK(opened + refused == 20'000);
}

TEST_CASE("a root may be given through a symlink, a file may not be a root", "[fs]") {
  TempDir temp;
  temp.make_dir("real");
  temp.write("real/x", "1");
  temp.open()->make_symlink("link", "real");
  auto& system = fs::linux_fs();
  CHECK(system.open_root(temp.path("link"))->stat_at("x").has_value());
  CHECK(errno_of([&] { system.open_root(temp.path("real/x")); }) == ENOTDIR);
  CHECK(errno_of([&] { system.open_root(temp.path("none")); }) == ENOENT);
  CHECK(system.real_path(temp.path("link/../link/.")) == system.real_path(temp.path("real")));
}

TEST_CASE("stat_path follows when asked to and tells what is missing", "[fs]") {
  TempDir temp;
  temp.make_dir("real");
  temp.open()->make_symlink("link", "real");
  temp.open()->make_symlink("dangling", "none");
  auto& system = fs::linux_fs();
  CHECK(system.stat_path(temp.path("link"), true)->type == fs::FileType::directory);
  CHECK(system.stat_path(temp.path("link"), false)->type == fs::FileType::symlink);
  CHECK_FALSE(system.stat_path(temp.path("dangling"), true).has_value());
  CHECK(system.stat_path(temp.path("dangling"), false).has_value());
  CHECK_FALSE(system.stat_path(temp.path("none"), true).has_value());
}

TEST_CASE("make_dirs makes what is missing and takes what is there", "[fs]") {
  TempDir temp;
  auto& system = fs::linux_fs();
  system.make_dirs(temp.path("a/b/c"), 0755);
  system.make_dirs(temp.path("a/b/c/"), 0755);
  system.make_dirs(temp.path("a//b/./d"), 0755);
  CHECK(temp.exists("a/b/c"));
  CHECK(temp.exists("a/b/d"));
  temp.write("file", "");
  CHECK(errno_of([&] { system.make_dirs(temp.path("file/x"), 0755); }) == ENOTDIR);
  temp.open()->make_symlink("dangling", "none/none");
  CHECK(errno_of([&] { system.make_dirs(temp.path("dangling/x"), 0755); }) != 0);
}
