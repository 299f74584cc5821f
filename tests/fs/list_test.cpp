// SPDX-License-Identifier: Apache-2.0
// Listing a directory: order, odd names, types, large directories, threads.
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "expect.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::test;

namespace {

std::vector<std::string> names(const fs::Listing& listing) {
  std::vector<std::string> out;
  for (const auto& entry : listing.entries) out.push_back(entry.name);
  return out;
}

}  // namespace

TEST_CASE("a listing is sorted by unsigned bytes and leaves out the dots", "[fs]") {
  TempDir temp;
  const std::vector<std::string> wanted = {" ",
                                           "...",
                                           "..a",
                                           ".hidden",
                                           "A",
                                           "B",
                                           "a",
                                           "a b",
                                           "a\nb",
                                           "a.b",
                                           "aaaaaaaa",
                                           "aaaaaaaaa",
                                           "aaaaaaaab",
                                           "aaaaaaaa\xFF",
                                           "ab",
                                           "b",
                                           "\xC3\xA9",
                                           "\xE2\x82",
                                           "\xFF\xFE invalid"};
  auto sorted = wanted;
  std::ranges::sort(sorted, [](const std::string& a, const std::string& b) {
    return std::ranges::lexicographical_compare(
        a, b, {}, [](char c) { return static_cast<unsigned char>(c); },
        [](char c) { return static_cast<unsigned char>(c); });
  });
  for (const auto& name : wanted) temp.write(name, name);
  const auto listing = temp.open()->list();
  CHECK(names(listing) == sorted);
  CHECK(listing.unknown.empty());
  for (const auto& entry : listing.entries) CHECK(entry.stat.size_bytes == entry.name.size());
}

TEST_CASE("random names are listed once each and in order", "[fs]") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  TempDir temp;
  auto dir = temp.open();
  std::set<std::string> wanted;
  while (wanted.size() < 3000) {
    std::string name(1 + random() % (wanted.size() % 50 == 0 ? 255 : 12), '?');
    for (auto& c : name) {
      c = static_cast<char>(random() % 3 == 0 ? random() : 'a' + random() % 3);
      if (c == '\0' || c == '/' || c == '.') c = '_';
    }
    if (wanted.insert(name).second) dir->create(name);
  }
  // std::string compares as unsigned bytes.
  CHECK(names(dir->list()) == std::vector<std::string>(wanted.begin(), wanted.end()));
}

TEST_CASE("subdirectories are named, and nothing else is", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  CHECK(dir->subdirs().empty());
  temp.write("file", "x");
  dir->make_symlink("link to a directory", ".");
  std::set<std::string> wanted;
  for (const std::string name : {"a", "b\nb", "\xFF", ".hidden"}) {
    dir->make_dir(name, 0700);
    wanted.insert(name);
  }
  for (int round = 0; round < 2; ++round) {
    const auto found = dir->subdirs();
    CHECK(std::set<std::string>(found.begin(), found.end()) == wanted);
    CHECK(found.size() == wanted.size());
  }
  for (const auto& name : wanted) dir->remove_dir(name);
  CHECK(dir->subdirs().empty());
  dir->make_dir("later", 0700);
  CHECK(dir->subdirs() == std::vector<std::string>{"later"});
  const auto later = dir->open_dir("later");
  CHECK(later->subdirs().empty());
  later->make_dir("below", 0700);
  CHECK(later->subdirs() == std::vector<std::string>{"below"});
}

TEST_CASE("a name of 255 bytes is listed and opened", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  const std::string name(255, '\xFD');
  dir->create(name)->pwrite(as_bytes("x"), 0);
  REQUIRE(names(dir->list()) == std::vector{name});
  CHECK(content(*dir->open_read(name)) == "x");
  CHECK(throws_code(Errc::limit_exceeded, [&] { dir->create(name + "x"); }));
}

TEST_CASE("an empty directory lists as nothing, and a listing can be repeated", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  CHECK(dir->list().entries.empty());
  temp.write("a", "");
  CHECK(dir->list().entries.size() == 1);
  temp.write("b", "");
  CHECK(dir->list().entries.size() == 2);
  CHECK(dir->list().entries.size() == 2);
}

TEST_CASE("a directory that needs many reads is listed whole", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  for (int i = 0; i < 12'000; ++i) dir->create("a rather long file name number " + std::to_string(i));
  const auto listing = dir->list();
  CHECK(listing.entries.size() == 12'000);
  CHECK(std::ranges::is_sorted(listing.entries, {}, &fs::DirEntry::name));
}

TEST_CASE("every type of entry is told", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  dir->create("file");
  dir->make_dir("dir", 0755);
  dir->make_symlink("link", "nowhere");
  dir->make_node("fifo", fs::FileType::fifo, 0600, 0, 0);
  dir->make_node("socket", fs::FileType::socket, 0600, 0, 0);
  if (is_root()) {
    dir->make_node("null", fs::FileType::char_device, 0640, 1, 3);
    dir->make_node("loop", fs::FileType::block_device, 0600, 7, 300);
  } else {
    WARN("not root: device nodes are not tested");
  }
  const auto type_of = [&](const char* name) { return dir->stat_at(name)->type; };
  for (const auto& entry : dir->list().entries) {
    CAPTURE(entry.name);
    CHECK(entry.stat == dir->stat_at(entry.name));
  }
  CHECK(type_of("file") == fs::FileType::regular);
  CHECK(type_of("dir") == fs::FileType::directory);
  CHECK(type_of("link") == fs::FileType::symlink);
  CHECK(type_of("fifo") == fs::FileType::fifo);
  CHECK(type_of("socket") == fs::FileType::socket);
  if (is_root()) {
    const auto loop = *dir->stat_at("loop");
    CHECK(type_of("null") == fs::FileType::char_device);
    CHECK(loop.type == fs::FileType::block_device);
    CHECK(loop.device_major == 7);
    CHECK(loop.device_minor == 300);
  }
}

TEST_CASE("a listing tells what stat(2) tells", "[fs]") {
  TempDir temp;
  temp.write("file", std::string(5000, 'x'));
  ::chmod(temp.path("file").c_str(), 04751);
  auto dir = temp.open();
  dir->make_link(*dir, "file", "second");
  dir->set_mtime_at("file", -1'500'000'001);  // 1969, and not a whole second
  struct ::stat raw;
  REQUIRE(::stat(temp.path("file").c_str(), &raw) == 0);
  const auto listing = dir->list();
  REQUIRE(listing.entries.size() == 2);
  const auto& got = listing.entries[0].stat;
  CHECK(got.mode == 04751);
  CHECK(got.uid == raw.st_uid);
  CHECK(got.gid == raw.st_gid);
  CHECK(got.link_count == 2);
  CHECK(got.size_bytes == 5000);
  CHECK(got.allocated_bytes == static_cast<std::uint64_t>(raw.st_blocks) * 512);
  CHECK(got.mtime_ns == -1'500'000'001);
  CHECK(got.ctime_ns == raw.st_ctim.tv_sec * 1'000'000'000 + raw.st_ctim.tv_nsec);
  CHECK(got.inode == raw.st_ino);
  CHECK(got.device == raw.st_dev);
}

TEST_CASE("two threads may list one directory object", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  for (int i = 0; i < 2000; ++i) dir->create("file name that fills the buffer " + std::to_string(i));
  std::vector<std::size_t> counts(4);
  std::vector<std::thread> threads;
  for (auto& count : counts)
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) count += dir->list().entries.size();
    });
  for (auto& thread : threads) thread.join();
  for (const auto count : counts) CHECK(count == 5 * 2000);
}

TEST_CASE("entries that vanish while a directory is listed are left out, the others are told", "[fs]") {
  TempDir temp;
  auto dir = temp.open();
  for (int i = 0; i < 500; ++i) dir->create("stays-" + std::to_string(i));
  std::atomic<bool> stop = false;
  std::thread churn([&] {
    for (int i = 0; !stop; ++i) {
      const auto name = "comes-and-goes-" + std::to_string(i % 50);
      dir->create(name);
      dir->unlink(name);
    }
  });
  for (int i = 0; i < 50; ++i) {
    const auto listing = dir->list();
    CHECK(listing.unknown.empty());
    CHECK(std::ranges::count_if(listing.entries, [](const fs::DirEntry& entry) {
            return entry.name.starts_with("stays-");
          }) == 500);
  }
  stop = true;
  churn.join();
}
