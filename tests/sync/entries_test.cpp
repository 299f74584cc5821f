// SPDX-License-Identifier: Apache-2.0
// Kinds of entries and names that copies go wrong on.
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "pair.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/xxh3_collision.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

TEST_CASE("hard links arrive as hard links and stay so", "[sync]") {
  Pair pair;
  pair.dir.make_dir("src/d");
  pair.dir.write("src/a", random_text(100'000, 1));
  stdfs::create_hard_link(pair.dir.path("src/a"), pair.dir.path("src/d/b"));
  const auto first = pair.copy();
  CHECK(lstat_of(pair.dir.path("dst/a")).st_ino == lstat_of(pair.dir.path("dst/d/b")).st_ino);
  CHECK(first.report.sent_bytes < 110'000);
  CHECK(first.report.in_step);
  CHECK(pair.copy().changes.empty());

  pair.dir.write("src/a", random_text(90'000, 2));
  stdfs::create_hard_link(pair.dir.path("src/a"), pair.dir.path("src/c"));
  CHECK(pair.copy().report.in_step);
  CHECK(pair.dir.read("dst/d/b") == random_text(90'000, 2));
  CHECK(lstat_of(pair.dir.path("dst/a")).st_nlink == 3);

  stdfs::remove(pair.dir.path("src/d/b"));
  pair.dir.write("src/d/b", "its own");
  pair.copy();
  CHECK(pair.dir.read("dst/d/b") == "its own");
  CHECK(pair.dir.read("dst/a") == random_text(90'000, 2));
  CHECK(lstat_of(pair.dir.path("dst/a")).st_nlink == 2);
}

TEST_CASE("a sparse file of 100 GB costs what it holds", "[sync]") {
  constexpr off_t logical_bytes = 100'000'000'000;
  Pair pair;
  const auto path = pair.dir.path("src/sparse");
  const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  REQUIRE(fd >= 0);
  const bool made = ::pwrite(fd, "start", 5, 0) == 5 && ::pwrite(fd, "middle", 6, logical_bytes / 2) == 6 &&
                    ::ftruncate(fd, logical_bytes) == 0;
  ::close(fd);
  if (!made || lstat_of(path).st_blocks > 1000) {
    WARN("skipped: the file system has no holes, or no files of 100 GB");
    return;
  }
  const auto first = pair.copy();
  CHECK(first.report.in_step);
  CHECK(first.report.disk_written_bytes < 200'000);
  CHECK(first.report.sent_bytes < 10'000'000);
  CHECK(lstat_of(pair.dir.path("dst/sparse")).st_size == logical_bytes);
  CHECK(lstat_of(pair.dir.path("dst/sparse")).st_blocks <= lstat_of(path).st_blocks + 8);
  char found[6] = {};
  const int copy = ::open(pair.dir.path("dst/sparse").c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(copy >= 0);
  CHECK(::pread(copy, found, 6, logical_bytes / 2) == 6);
  ::close(copy);
  CHECK(std::string(found, 6) == "middle");
  CHECK(pair.copy().report.content_read_bytes == 0);
}

TEST_CASE("symlinks planted in the destination lead nowhere", "[sync]") {
  Pair pair;
  pair.options.delete_extra = GENERATE(false, true);
  pair.options.update = GENERATE(Update::atomic, Update::inplace);
  CAPTURE(pair.options.delete_extra, static_cast<int>(pair.options.update));
  pair.dir.make_dir("src/d");
  pair.dir.make_dir("elsewhere/e");
  pair.dir.write("src/d/f", "first");
  pair.dir.write("src/g", "first");
  pair.dir.write("elsewhere/f", "treasure");
  pair.dir.write("elsewhere/theirs", "treasure");
  const bool after_a_copy = GENERATE(false, true);
  if (after_a_copy) {
    pair.copy();
    pair.dir.write("src/d/f", "second");
    pair.dir.write("src/g", "second");
  }
  pair.dir.make_dir("dst");
  stdfs::remove_all(pair.dir.path("dst/d"));
  stdfs::remove(pair.dir.path("dst/g"));
  stdfs::create_directory_symlink(pair.dir.path("elsewhere"), pair.dir.path("dst/d"));
  stdfs::create_symlink(pair.dir.path("elsewhere/f"), pair.dir.path("dst/g"));
  pair.copy();
  CHECK(pair.dir.read("elsewhere/f") == "treasure");
  CHECK(pair.dir.read("elsewhere/theirs") == "treasure");
  CHECK_FALSE(pair.dir.exists("elsewhere/.syncline"));
  CHECK(std::distance(stdfs::directory_iterator(pair.dir.path("elsewhere")), {}) == 3);
  CHECK(pair.dir.read("dst/g") == pair.dir.read("src/g"));
  CHECK(stdfs::is_regular_file(stdfs::symlink_status(pair.dir.path("dst/g"))));
  CHECK(pair.dir.read("dst/d/f") == pair.dir.read("src/d/f"));
}

TEST_CASE("symlinks are copied as they are, also those to nowhere and out of the tree", "[sync]") {
  Pair pair;
  for (const char* target : {"nowhere", "/etc/passwd", "../..", "."})
    stdfs::create_symlink(target, pair.dir.path("src/l" + std::to_string(std::string(target).size())));
  CHECK(pair.copy().report.in_step);
  CHECK(stdfs::read_symlink(pair.dir.path("dst/l7")) == "nowhere");
  CHECK(stdfs::read_symlink(pair.dir.path("dst/l11")) == "/etc/passwd");
  CHECK(stdfs::read_symlink(pair.dir.path("dst/l5")) == "../..");
  CHECK(pair.copy().changes.empty());
}

TEST_CASE("names may hold all bytes, be as long as they may, and lie deep", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  for (const std::string& name :
       {std::string("a\nb"), std::string("\xff\xfe\x80"), std::string(255, 'n'), std::string(" "),
        std::string("-rf"), std::string("*?[x]"), std::string("\x01\x1b[0m"), std::string("a\\")})
    pair.dir.write("src/" + name, "content of " + name);
  std::string deep;
  for (int i = 0; i < 250; ++i) deep += "/d";
  pair.dir.make_dir("src" + deep);
  pair.dir.write("src" + deep + "/f", "at the bottom");
  CHECK(pair.copy().report.in_step);
  CHECK(pair.dir.read("dst/a\nb") == "content of a\nb");
  CHECK(pair.dir.read("dst/\xff\xfe\x80") == "content of \xff\xfe\x80");
  CHECK(pair.dir.exists("dst/" + std::string(255, 'n')));
  CHECK(pair.dir.exists("dst/\x01\x1b[0m"));
  CHECK(pair.dir.read("dst" + deep + "/f") == "at the bottom");
  CHECK(pair.copy().changes.empty());
  stdfs::remove_all(pair.dir.path("src/d"));
  pair.copy();
  CHECK_FALSE(pair.dir.exists("dst/d"));
}

TEST_CASE("extended attributes and special modes are copied", "[sync]") {
  Pair pair;
  pair.dir.write("src/f", "x");
  const auto path = pair.dir.path("src/f");
  if (::setxattr(path.c_str(), "user.note", "v", 1, 0) != 0) {
    WARN("skipped: no extended attributes here");
    return;
  }
  REQUIRE(::chmod(path.c_str(), 04751) == 0);
  pair.copy();
  char value[8] = {};
  CHECK(::getxattr(pair.dir.path("dst/f").c_str(), "user.note", value, sizeof value) == 1);
  CHECK((lstat_of(pair.dir.path("dst/f")).st_mode & 07777) == 04751);
  REQUIRE(::removexattr(path.c_str(), "user.note") == 0);
  const auto outcome = pair.copy();
  REQUIRE(outcome.change("f") != nullptr);
  CHECK(outcome.change("f")->itemized == ".f........x");
  CHECK(::getxattr(pair.dir.path("dst/f").c_str(), "user.note", value, sizeof value) < 0);
}

TEST_CASE("unreadable entries are told and the others copied", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  pair.dir.make_dir("src/closed");
  pair.dir.make_dir("dst/closed");
  pair.dir.write("src/closed/f", "x");
  pair.dir.write("dst/closed/kept", "unknown is not empty");
  pair.dir.write("src/secret", "x");
  pair.dir.write("src/open", "x");
  constexpr unsigned nobody = 65534;
  const bool root = ::geteuid() == 0;
  if (root) REQUIRE(std::system(("chown -R 65534:65534 '" + pair.dir.path() + "'").c_str()) == 0);
  REQUIRE(::chmod(pair.dir.path("src/closed").c_str(), 0) == 0);
  REQUIRE(::chmod(pair.dir.path("src/secret").c_str(), 0) == 0);
  const auto child = run_in_child([&] {
    if (root && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) return 101;
    CopyOptions options = pair.options;
    options.perms = false;
    options.owner = false;
    options.group = false;
    const auto outcome = run_copy(options);
    if (!outcome.failed("secret")) return 102;
    if (outcome.report.in_step) return 103;
    return outcome.report.exit_code;
  });
  CHECK(child.exit_code == 23);
  CHECK(pair.dir.exists("dst/open"));
  CHECK_FALSE(pair.dir.exists("dst/secret"));
  CHECK(pair.dir.exists("dst/closed/kept"));
}

TEST_CASE("a directory that its owner cannot read in DST is opened and filled in the same run", "[sync]") {
  Pair pair;
  pair.options.delete_extra = GENERATE(false, true);
  pair.options.owner = pair.options.group = false;
  const unsigned mode = GENERATE(0U, 0300U, 0400U);
  CAPTURE(pair.options.delete_extra, mode);
  pair.dir.make_dir("src/d/e");
  pair.dir.make_dir("dst/d");
  pair.dir.write("src/d/f", "x");
  pair.dir.write("src/d/e/g", "y");
  pair.dir.write("dst/d/extra", "z");
  REQUIRE(::chmod(pair.dir.path("src/d").c_str(), 0755) == 0);
  REQUIRE(::chmod(pair.dir.path("dst/d").c_str(), mode) == 0);
  constexpr unsigned nobody = 65534;
  const bool root = ::geteuid() == 0;
  if (root) REQUIRE(std::system(("chown -R 65534:65534 '" + pair.dir.path() + "'").c_str()) == 0);
  const auto child = run_in_child([&] {
    if (root && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) return 101;
    CopyOptions dry = pair.options;
    dry.dry_run = true;
    if (mode == 0 && run_copy(dry).report.exit_code != 23) return 102;  // it looks, and changes nothing
    const auto outcome = run_copy(pair.options);
    return outcome.report.in_step || !pair.options.delete_extra ? outcome.report.exit_code : 103;
  });
  CHECK(child.exit_code == 0);
  struct ::stat found {};
  REQUIRE(::stat(pair.dir.path("dst/d").c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0755);
  CHECK(pair.dir.read("dst/d/f") == "x");
  CHECK(pair.dir.read("dst/d/e/g") == "y");
  CHECK(pair.dir.exists("dst/d/extra") != pair.options.delete_extra);
}

TEST_CASE("two contents of one XXH3 arrive as they are", "[sync]") {
  const auto [one, two] = xxh3_collision();
  const auto text = [](const Bytes& bytes) {
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  Pair pair;
  pair.options.update = GENERATE(Update::automatic, Update::inplace);
  pair.dir.write("src/f", text(one));
  pair.dir.write("src/g", text(two));
  pair.copy();
  CHECK(pair.dir.read("dst/f") == text(one));
  CHECK(pair.dir.read("dst/g") == text(two));
  pair.dir.write("src/f", text(two));
  pair.dir.write("src/g", text(one) + text(two) + text(one));
  pair.copy();
  CHECK(pair.dir.read("dst/f") == text(two));
  CHECK(pair.dir.read("dst/g") == text(one) + text(two) + text(one));
  pair.dir.write("src/g", text(one) + text(one) + text(two));
  pair.copy();
  CHECK(pair.dir.read("dst/g") == text(one) + text(one) + text(two));
}

TEST_CASE("every way of updating gives the same file", "[sync][long]") {
  Pair pair;
  pair.options.update = GENERATE(Update::automatic, Update::atomic, Update::inplace);
  CAPTURE(static_cast<int>(pair.options.update));
  auto content = random_text(20'000'000, 7);
  pair.dir.write("src/f", content);
  pair.copy();
  content[10] = 'x';
  content.insert(3'000'000, random_text(5'000, 8));
  content.erase(9'000'000, 12'345);
  content.replace(15'000'000, 4'000, random_text(4'000, 9));
  std::rotate(content.begin() + 17'000'000, content.begin() + 18'000'000, content.begin() + 19'000'000);
  pair.dir.write("src/f", content);
  const auto outcome = pair.copy();
  CHECK(pair.dir.read("dst/f") == content);
  CHECK(outcome.report.sent_bytes < 200'000);
  CHECK(outcome.report.in_step);
  content.resize(1'000'000);
  pair.dir.write("src/f", content);
  pair.copy();
  CHECK(pair.dir.read("dst/f") == content);
}

TEST_CASE("a directory whose entries pass the size of a message is listed in several", "[sync][long]") {
  Pair pair;
  constexpr int link_count = 2'500;  // of 4,000 bytes each: 10 MB, and a message has 9 MiB
  for (int i = 0; i < link_count; ++i)
    stdfs::create_symlink(std::string(4'000, 'x'), pair.dir.path("src/" + std::to_string(i)));
  pair.copy();
  stdfs::remove_all(pair.dir.path("state"));
  pair.dir.write("src/new", "x");
  const auto outcome = pair.copy();
  CHECK(outcome.report.in_step);
  CHECK(outcome.report.files_changed == 1);
}

TEST_CASE("a directory keeps its attributes when a file in it is written to in place", "[sync]") {
  Pair pair;
  pair.dir.make_dir("src/d/e");
  pair.dir.write("src/d/e/f", "x");
  for (const auto* name : {"src", "src/d", "src/d/e"})
    if (::setxattr(pair.dir.path(name).c_str(), "user.note", "v", 1, 0) != 0) return;
  CHECK(pair.copy().report.in_step);
  pair.dir.write("src/d/e/f", "other");
  CHECK(pair.copy().report.in_step);
  CHECK(pair.dir.read("dst/d/e/f") == "other");
  for (const auto* name : {"dst", "dst/d", "dst/d/e"}) {
    CAPTURE(name);
    CHECK(::getxattr(pair.dir.path(name).c_str(), "user.note", nullptr, 0) == 1);
  }
}

TEST_CASE(
    "another name of a file is linked again when the directory of the first one has changed places with a "
    "file",
    "[sync]") {
  Pair pair;
  pair.dir.make_dir("src/x/2");
  pair.dir.write("src/x/2/3", "content");
  pair.dir.write("src/x/f", "file");
  pair.dir.make_dir("src/x/y/z");
  std::filesystem::create_hard_link(pair.dir.path("src/x/2/3"), pair.dir.path("src/x/y/z/a"));
  pair.options.delete_extra = true;
  CHECK(pair.copy().report.in_step);
  std::filesystem::rename(pair.dir.path("src/x/2"), pair.dir.path("src/between"));
  std::filesystem::rename(pair.dir.path("src/x/f"), pair.dir.path("src/x/2"));
  std::filesystem::rename(pair.dir.path("src/between"), pair.dir.path("src/x/f"));
  CHECK(pair.copy().report.in_step);
  CHECK(pair.dir.read("dst/x/2") == "file");
  CHECK(lstat_of(pair.dir.path("dst/x/f/3")).st_ino == lstat_of(pair.dir.path("dst/x/y/z/a")).st_ino);
}
