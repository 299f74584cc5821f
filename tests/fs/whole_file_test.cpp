// SPDX-License-Identifier: Apache-2.0
// Small files read at once, by the path that a person typed.
#include "fs/whole_file.hpp"

#include <sys/stat.h>

#include "expect.hpp"
#include "support/fault_fs.hpp"

namespace syncline::fs {
namespace {

using namespace syncline::test;

std::string text_of(const WholeFile& file) { return std::string(as_text(file.data)); }

TEST_CASE("a whole file is read, through symlinks too", "[fs]") {
  TempDir temp;
  temp.write("file", "content\n");
  temp.open()->make_symlink("link", "file");
  const auto file = read_whole_file(linux_fs(), temp.path("file"), 100);
  CHECK(text_of(file) == "content\n");
  CHECK(file.stat.type == FileType::regular);
  CHECK(text_of(read_whole_file(linux_fs(), temp.path("link"), 100)) == "content\n");
  temp.write("empty", "");
  CHECK(read_whole_file(linux_fs(), temp.path("empty"), 0).data.empty());
}

TEST_CASE("a file whose size is not told is read to its end", "[fs]") {
  const auto file = read_whole_file(linux_fs(), "/proc/self/status", 1 << 20);
  CHECK(file.stat.size_bytes == 0);
  CHECK(text_of(file).starts_with("Name:"));
}

TEST_CASE("a whole file may reach its limit and not pass it", "[fs]") {
  TempDir temp;
  for (const std::size_t size : {std::size_t{10}, std::size_t{64 * 1024}, std::size_t{200'000}}) {
    CAPTURE(size);
    temp.write("file", std::string(size, 'x'));
    CHECK(read_whole_file(linux_fs(), temp.path("file"), size).data.size() == size);
    CHECK(
        throws_code(Errc::limit_exceeded, [&] { read_whole_file(linux_fs(), temp.path("file"), size - 1); }));
  }
}

TEST_CASE("what is not a regular file is refused without being opened", "[fs]") {
  TempDir temp;
  temp.make_dir("dir");
  REQUIRE(::mkfifo(temp.path("fifo").c_str(), 0600) == 0);
  CHECK(errno_of([&] { read_whole_file(linux_fs(), temp.path("dir"), 1); }) == EISDIR);
  CHECK(errno_of([&] { read_whole_file(linux_fs(), "/", 1); }) == EISDIR);
  FaultFs counted(linux_fs());
  CHECK(errno_of([&] { read_whole_file(counted, temp.path("fifo"), 1); }) == EINVAL);
  CHECK(errno_of([&] { read_whole_file(linux_fs(), temp.path("none"), 1); }) == ENOENT);
}

TEST_CASE("each failing call of a whole read is reported", "[fs]") {
  TempDir temp;
  temp.write("file", "content");
  FaultFs dry(linux_fs());
  read_whole_file(dry, temp.path("file"), 100);
  REQUIRE(dry.count() > 0);
  for (std::uint64_t k = 1; k <= dry.count(); ++k) {
    CAPTURE(k);
    FaultFs faulty(linux_fs());
    faulty.fail_at(k, EIO);
    CHECK(errno_of([&] { read_whole_file(faulty, temp.path("file"), 100); }) == EIO);
  }
}

}  // namespace
}  // namespace syncline::fs
