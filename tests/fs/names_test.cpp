// SPDX-License-Identifier: Apache-2.0
// Renaming, linking, making and removing names.
#include <sys/stat.h>

#include "expect.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::test;

TEST_CASE("rename replaces, rename_new refuses, rename_exchange swaps", "[fs]") {
  TempDir temp;
  temp.write("a", "A");
  temp.write("b", "B");
  auto dir = temp.open();
  CHECK(errno_of([&] { dir->rename_new("a", *dir, "b"); }) == EEXIST);
  CHECK(temp.read("a") == "A");
  CHECK(temp.read("b") == "B");
  dir->rename_exchange("a", *dir, "b");
  CHECK(temp.read("a") == "B");
  CHECK(temp.read("b") == "A");
  dir->rename("a", *dir, "b");
  CHECK(temp.read("b") == "B");
  CHECK_FALSE(temp.exists("a"));
  dir->rename_new("b", *dir, "a");
  CHECK(temp.read("a") == "B");
  CHECK(errno_of([&] { dir->rename_exchange("a", *dir, "none"); }) == ENOENT);
}

TEST_CASE("names move between directories, directories with all they hold", "[fs]") {
  TempDir temp;
  temp.make_dir("from/tree");
  temp.make_dir("to");
  temp.write("from/tree/file", "x");
  auto root = temp.open();
  auto from = root->open_dir("from");
  auto to = root->open_dir("to");
  from->rename("tree", *to, "tree2");
  CHECK(temp.read("to/tree2/file") == "x");
  CHECK_FALSE(temp.exists("from/tree"));
  to->rename_new("tree2", *from, "tree");
  CHECK(temp.read("from/tree/file") == "x");
  root->make_dir("full", 0755);
  root->open_dir("full")->create("x");
  const int refused = errno_of([&] { from->rename("tree", *root, "full"); });
  CHECK((refused == ENOTEMPTY || refused == EEXIST));
}

TEST_CASE("renaming and linking act on a symlink itself", "[fs]") {
  TempDir temp;
  temp.write("target", "T");
  auto dir = temp.open();
  dir->make_symlink("link", "target");
  dir->rename("link", *dir, "moved");
  CHECK(dir->read_link("moved") == "target");
  dir->make_link(*dir, "moved", "hard");
  CHECK(dir->stat_at("hard")->type == fs::FileType::symlink);
  CHECK(dir->stat_at("hard")->inode == dir->stat_at("moved")->inode);
  CHECK(dir->stat_at("target")->link_count == 1);
  temp.write("other", "O");
  dir->rename("other", *dir, "moved");  // over a symlink: replaces it, not what it names
  CHECK(temp.read("moved") == "O");
  CHECK(temp.read("target") == "T");
}

TEST_CASE("a hard link shares the inode and never replaces", "[fs]") {
  TempDir temp;
  temp.write("a", "A");
  temp.make_dir("sub");
  auto dir = temp.open();
  auto sub = dir->open_dir("sub");
  sub->make_link(*dir, "a", "b");
  CHECK(sub->stat_at("b")->inode == dir->stat_at("a")->inode);
  CHECK(sub->stat_at("b")->link_count == 2);
  CHECK(errno_of([&] { sub->make_link(*dir, "a", "b"); }) == EEXIST);
}

TEST_CASE("symlink targets are bytes like any other", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  for (const auto& target :
       {std::string("/absolute"), std::string("../../up"), std::string("a\nb\xFF"), std::string(1000, 't')}) {
    dir->make_symlink("link", target);
    CHECK(dir->read_link("link") == target);
    CHECK(dir->stat_at("link")->size_bytes == target.size());
    dir->unlink("link");
  }
  CHECK(errno_of([&] { dir->make_symlink("link", std::string("a\0b", 3)); }) == EINVAL);
  CHECK(errno_of([&] { dir->make_symlink("link", std::string(4096, 't')); }) == ENAMETOOLONG);
  temp.write("file", "");
  CHECK(errno_of([&] { dir->read_link("file"); }) == EINVAL);
}

TEST_CASE("unlink removes anything but a directory, remove_dir only an empty one", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  dir->make_dir("dir", 0755);
  dir->make_symlink("link", "dir");
  CHECK(errno_of([&] { dir->unlink("dir"); }) == EISDIR);
  CHECK(errno_of([&] { dir->remove_dir("link"); }) == ENOTDIR);
  dir->unlink("link");
  dir->open_dir("dir")->create("x");
  CHECK(errno_of([&] { dir->remove_dir("dir"); }) == ENOTEMPTY);
  dir->open_dir("dir")->unlink("x");
  dir->remove_dir("dir");
  CHECK(dir->list().entries.empty());
}

TEST_CASE("make_node refuses what is no node", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  for (const auto type : {fs::FileType::regular, fs::FileType::directory, fs::FileType::symlink})
    CHECK(errno_of([&] { dir->make_node("x", type, 0600, 0, 0); }) == EINVAL);
  CHECK_FALSE(temp.exists("x"));
}

TEST_CASE("mode, owner and time of a name act on a symlink itself or refuse it", "[fs]") {
  TempDir temp;
  temp.write("target", "");
  ::chmod(temp.path("target").c_str(), 0644);
  auto dir = temp.open();
  dir->make_symlink("link", "target");
  dir->make_node("fifo", fs::FileType::fifo, 0600, 0, 0);
  const auto before = *dir->stat_at("target");
  CHECK(errno_of([&] { dir->set_mode_at("link", 0777); }) == EOPNOTSUPP);
  dir->set_mtime_at("link", 123'456'789'012);
  CHECK(dir->stat_at("link")->mtime_ns == 123'456'789'012);
  if (is_root()) {
    dir->set_owner_at("link", 12, 34);
    CHECK(dir->stat_at("link")->uid == 12);
    CHECK(dir->stat_at("link")->gid == 34);
  }
  CHECK(*dir->stat_at("target") == before);
  dir->set_mode_at("fifo", 0642);
  CHECK(dir->stat_at("fifo")->mode == 0642);
}
