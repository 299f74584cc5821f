// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include "expect.hpp"
#include "fs/fs.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace syncline::fs {
namespace {

TEST_CASE("what several writers append stands one after the other", "[append]") {
  const test::TempDir temp;
  const auto dir = temp.open();
  const auto one = dir->open_append("log");
  const auto other = dir->open_append("log");
  CHECK(one->append(as_bytes("one\n")) == 4);
  CHECK(other->append(as_bytes("other\n")) == 6);
  CHECK(one->append(as_bytes("one again\n")) == 10);
  CHECK(temp.read("log") == "one\nother\none again\n");
  Bytes last(1);
  CHECK(other->pread(last, 19) == 1);
  CHECK(as_text(last) == "\n");
}

TEST_CASE("a file to append to is made for its owner alone, and kept where it is there", "[append]") {
  const test::TempDir temp;
  temp.write("there", "old\n");
  const auto dir = temp.open();
  dir->open_append("there")->append(as_bytes("new\n"));
  CHECK(temp.read("there") == "old\nnew\n");
  CHECK(dir->open_append("made")->stat().mode == 0600);
}

TEST_CASE("nothing is appended through a link, to a directory, or to a file opened otherwise", "[append]") {
  const test::TempDir temp;
  temp.write("file", "x");
  temp.make_dir("sub");
  const auto dir = temp.open();
  dir->make_symlink("link", "file");
  dir->make_node("pipe", FileType::fifo, 0600, 0, 0);
  CHECK(test::errno_of([&] { dir->open_append("link"); }) == ELOOP);
  CHECK(test::errno_of([&] { dir->open_append("sub"); }) == EISDIR);
  CHECK(test::errno_of([&] { dir->open_append("pipe"); }) == EINVAL);
  CHECK(test::errno_of([&] { dir->open_write("file")->append(as_bytes("y")); }) == EOPNOTSUPP);
  CHECK(temp.read("file") == "x");
}

}  // namespace
}  // namespace syncline::fs
