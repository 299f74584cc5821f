// SPDX-License-Identifier: Apache-2.0
// What is announced, and when it counts.
#include "state/announcements.hpp"

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "state/state.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::state;
using namespace syncline::test;
namespace stdfs = std::filesystem;

namespace {

/// A number that is known: the least that a format page's bytes need.
class CountingRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    for (auto& byte : out) byte = static_cast<std::byte>(next_++);
  }

 private:
  unsigned next_ = 1;
};

struct Scene {
  Announcements open(const std::string& base = "records") {
    return {dir.path("state.db"), hash::blake3(as_bytes(base)), random};
  }
  /// What the next session reads.
  AnnouncedEntries read(const std::string& base = "records") { return open(base).read(); }
  std::string bytes() const { return dir.read("state.db.announced"); }
  std::uint64_t size() const { return stdfs::file_size(dir.path("state.db.announced")); }

  TempDir dir;
  CountingRandom random;
};

Announced file(const std::string& path, const std::string& content = "content") {
  return {.path = path,
          .inode = 4711,
          .size_bytes = content.size(),
          .content = hash::blake3(as_bytes(content)),
          .renamed_from = ""};
}

Announced directory(const std::string& path, const std::string& from = "") {
  return {.path = path, .type = fs::FileType::directory, .content = {}, .renamed_from = from};
}

Announced gone(const std::string& path) {
  return {.path = path, .gone = true, .content = {}, .renamed_from = ""};
}

void add(Announcements& to, const std::vector<Announced>& entries) { to.add(entries); }

}  // namespace

TEST_CASE("what is announced is read back, whole and in several pieces", "[state][announcements]") {
  Scene scene;
  Announced symlink = file("d/link");
  symlink.type = fs::FileType::symlink;
  symlink.inode = symlink.size_bytes = 0;
  const std::vector<Announced> all{directory("d"), file("d/file"), symlink, gone("d/gone"), file("e\n\xff")};
  {
    auto announcements = scene.open();
    CHECK(announcements.read().empty());
    add(announcements, {all[0], all[1]});
    add(announcements, {});
    add(announcements, {all[2], all[3]});
    CHECK(announcements.written_bytes() == scene.size());
  }
  {
    auto announcements = scene.open();
    CHECK_FALSE(announcements.read().empty());
    add(announcements, {all[4]});
  }
  const auto found = scene.read();
  for (const auto& one : all) {
    CAPTURE(one.path);
    REQUIRE(found.find(one.path).size() == 1);
    CHECK(*found.find(one.path).front() == one);
  }
  CHECK(found.find("").empty());
  CHECK(found.find("d/other").empty());
}

TEST_CASE("of one path all that was announced counts", "[state][announcements]") {
  Scene scene;
  auto announcements = scene.open();
  announcements.read();
  add(announcements, {file("f", "one")});
  add(announcements, {file("f", "two"), gone("f")});
  CHECK(scene.read().find("f").size() == 3);
}

TEST_CASE("what was announced below a directory is found where that was renamed to",
          "[state][announcements]") {
  Scene scene;
  auto announcements = scene.open();
  announcements.read();
  add(announcements, {file("a/b/f")});
  add(announcements, {gone("a/b"), directory("c", "a/b")});
  add(announcements, {gone("c"), directory("a/d/e", "c")});
  add(announcements, {directory("x/y", "y/x"), directory("y/x", "x/y")});  // there and back
  const auto found = scene.read();
  for (const auto* path : {"a/b/f", "c/f", "a/d/e/f"}) CHECK(found.find(path).size() == 1);
  CHECK(found.find("a/d/f").empty());
  CHECK(found.find("cc/f").empty());
  CHECK_FALSE(found.find("x/y/f").size() > 1);
}

TEST_CASE("once the records tell it nothing is announced any more", "[state][announcements]") {
  Scene scene;
  auto announcements = scene.open();
  announcements.read();
  add(announcements, {file("f")});
  SECTION("cleared") {
    announcements.clear(hash::blake3(as_bytes("records, newer")));
    CHECK(scene.read().empty());
    CHECK(scene.read("records, newer").empty());
    add(announcements, {file("g")});
    CHECK(scene.read("records, newer").find("f").empty());
    CHECK(scene.read("records, newer").find("g").size() == 1);
  }
  SECTION("other records are there") {
    CHECK(scene.read("records, newer").empty());
    auto next = scene.open("records, newer");
    CHECK(next.read().empty());
    add(next, {file("g")});
    CHECK(scene.read("records, newer").find("f").empty());
    CHECK(scene.read("records, newer").find("g").size() == 1);
    CHECK(scene.read().empty());
  }
}

TEST_CASE("a small file of announcements stays, a large one is emptied", "[state][announcements]") {
  Scene scene;
  auto announcements = scene.open();
  announcements.read();
  add(announcements, {file("f")});
  const auto small = scene.size();
  announcements.clear({});
  CHECK(scene.size() == small);
  const std::vector<Announced> many(200, file("f"));
  add(announcements, many);
  CHECK(scene.size() > 4 * limits::kib);
  announcements.clear({});
  CHECK(scene.size() == 0);
}

TEST_CASE("announcements that are cut off or damaged count up to there", "[state][announcements]") {
  Scene scene;
  {
    auto announcements = scene.open();
    announcements.read();
    add(announcements, {file("f")});
    add(announcements, {file("g")});
  }
  const auto whole = scene.bytes();
  const auto first_end = 56 + (whole.size() - 56) / 2;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    scene.dir.write("state.db.announced", whole.substr(0, length));
    const auto found = scene.read();
    CHECK(found.find("f").size() == (length >= first_end ? 1 : 0));
    CHECK(found.find("g").empty());
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    auto damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    scene.dir.write("state.db.announced", damaged);
    const auto found = scene.read();
    CHECK(found.find("f").size() == (at >= first_end ? 1 : 0));
    CHECK(found.find("g").empty());
  }
}

TEST_CASE("the bytes of an announcement", "[state][announcements]") {
  Scene scene;
  auto announcements = scene.open();
  announcements.read();
  add(announcements, {directory("d"), gone("d/e")});
  const auto bytes = scene.bytes();
  REQUIRE(bytes.size() == 56 + 12 + 9);
  CHECK(bytes.substr(0, 8) == std::string("SLan\x01\0\0\0", 8));
  CHECK(bytes.substr(8, 8) == "\x01\x02\x03\x04\x05\x06\x07\x08");
  CHECK(bytes.substr(56, 4) == std::string("\x09\0\0\0", 4));
  CHECK(bytes.substr(68) == std::string("\x02\0\x01"
                                        "d"
                                        "\x09\x01\x02/e",
                                        9));
}

TEST_CASE("past 64 MiB nothing more is announced, and what was announced counts",
          "[state][announcements][limit]") {
  Scene scene;
  auto announcements = scene.open();
  announcements.read();
  const std::string long_name(limits::path_bytes_max - 8, 'x');
  const auto name_of = [&](std::size_t number) { return std::to_string(10'000'000 + number) + long_name; };
  std::size_t count = 0;
  for (auto before = ~std::uint64_t{0}; announcements.written_bytes() != before; ++count) {
    before = announcements.written_bytes();
    add(announcements, {gone(name_of(count))});
  }
  CHECK(scene.size() <= limits::announced_bytes_max);
  CHECK(scene.size() > limits::announced_bytes_max - 2 * limits::path_bytes_max);
  add(announcements, {gone("short")});  // it would fit, but comes after what did not
  const auto found = scene.read();
  CHECK(found.find(name_of(0)).size() == 1);
  CHECK(found.find(name_of(count - 2)).size() == 1);
  CHECK(found.find(name_of(count - 1)).empty());
  CHECK(found.find("short").empty());
  announcements.clear({});
  add(announcements, {gone("short")});
  auto next = Announcements(scene.dir.path("state.db"), {}, scene.random);
  CHECK(next.read().find("short").size() == 1);
}

TEST_CASE("where nothing can be announced that is no error", "[state][announcements]") {
  Scene scene;
  scene.dir.make_dir("state.db.announced");
  auto announcements = scene.open();
  CHECK(announcements.read().empty());
  add(announcements, {file("f")});
  CHECK(announcements.written_bytes() == 0);
  announcements.clear({});
}
