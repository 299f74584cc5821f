// SPDX-License-Identifier: Apache-2.0
// The small parts of the engine: itemized lines, identities, places, the table of known chunks, trees.
#include <cstdlib>

#include "pair.hpp"
#include "support/catch.hpp"
#include "sync/dedupe.hpp"
#include "sync/identity.hpp"
#include "sync/places.hpp"
#include "sync/tree.hpp"

using namespace syncline;
using namespace syncline::sync;

namespace {

constexpr std::uint32_t all_attributes = wire::attr_mode | wire::attr_owner | wire::attr_group |
                                         wire::attr_times | wire::attr_xattrs | wire::attr_acls |
                                         wire::attr_links | wire::attr_dir_times;

fs::Stat file_stat(std::uint64_t inode, std::uint64_t size_bytes = 10) {
  fs::Stat out;
  out.type = fs::FileType::regular;
  out.mode = 0644;
  out.inode = inode;
  out.size_bytes = size_bytes;
  out.mtime_ns = 5;
  return out;
}

hash::ChunkId chunk_id(int number) {
  hash::ChunkId out;
  out.bytes[0] = static_cast<std::byte>(number);
  out.bytes[9] = static_cast<std::byte>(number);
  return out;
}

}  // namespace

TEST_CASE("itemized lines are rsync's", "[sync]") {
  Difference none;
  CHECK(itemize('>', fs::FileType::regular, true, none, all_attributes) == ">f+++++++++");
  CHECK(itemize('c', fs::FileType::directory, true, none, all_attributes) == "cd+++++++++");
  CHECK(itemize('c', fs::FileType::symlink, true, none, all_attributes) == "cL+++++++++");
  CHECK(itemize('c', fs::FileType::fifo, true, none, all_attributes) == "cS+++++++++");
  CHECK(itemize('c', fs::FileType::block_device, true, none, all_attributes) == "cD+++++++++");
  Difference difference;
  difference.content = difference.size = difference.time = true;
  CHECK(itemize('>', fs::FileType::regular, false, difference, all_attributes) == ">f.st......");
  CHECK(itemize('>', fs::FileType::regular, false, difference, 0) == ">f.sT......");
  difference = {};
  difference.mode = difference.owner = difference.group = difference.acl = difference.xattr = true;
  CHECK(itemize('.', fs::FileType::directory, false, difference, all_attributes) == ".d...pog.ax");
  difference = {};
  difference.content = true;
  CHECK(itemize('c', fs::FileType::symlink, false, difference, all_attributes) == "cLc........");
}

TEST_CASE("a comparison looks at the selected attributes only", "[sync]") {
  wire::EntryInfo local;
  local.name = "f";
  local.type = fs::FileType::regular;
  local.size_bytes = 10;
  local.mode = 0644;
  auto remote = local;
  CHECK_FALSE(compare(local, remote, all_attributes).content);
  CHECK_FALSE(compare(local, remote, all_attributes).attributes());
  remote.mode = 0600;
  remote.uid = 7;
  remote.mtime_ns = 9;
  const auto difference = compare(local, remote, all_attributes);
  CHECK(difference.mode);
  CHECK(difference.owner);
  CHECK(difference.time);
  CHECK_FALSE(difference.group);
  CHECK_FALSE(difference.content);
  CHECK_FALSE(compare(local, remote, 0).attributes());
  remote = local;
  remote.size_bytes = 11;
  CHECK(compare(local, remote, 0).size);
  CHECK(compare(local, remote, 0).content);
  remote.type = fs::FileType::symlink;
  CHECK(compare(local, remote, 0).type);
}

TEST_CASE("a directory's entries are found by name in bytewise order", "[sync]") {
  DirNode node;
  for (const char* name : {"b", "a\xff", "a", "c"}) node.put(name, file_stat(1));
  REQUIRE(node.entries.size() == 4);
  CHECK(node.name_of(node.entries[0]) == "a");
  CHECK(node.name_of(node.entries[1]) == "a\xff");
  CHECK(node.find("b") != nullptr);
  CHECK(node.find("bb") == nullptr);
  node.put("b", file_stat(2, 99));
  CHECK(node.entries.size() == 4);
  CHECK(node.find("b")->size_bytes == 99);
  node.erase("a");
  CHECK(node.find("a") == nullptr);
  CHECK(node.find("c") != nullptr);
}

TEST_CASE("a directory node knows its path", "[sync]") {
  DirNode root;
  DirNode& below = root.add_child("d").add_child("e");
  CHECK(below.path().text() == "d/e");
  CHECK(below.path_of("f") == "d/e/f");
  CHECK(root.path_of("f") == "f");
  auto taken = root.child("d")->take_child("e");
  root.put_child(std::move(taken), "moved");
  REQUIRE(root.child("moved") != nullptr);
  CHECK(root.child("moved")->path().text() == "moved");
  CHECK(root.child("d")->child("e") == nullptr);
}

TEST_CASE("equal directories have equal digests whatever their inodes", "[sync]") {
  IdentityRules rules{all_attributes, std::nullopt, std::nullopt};
  DirNode one, other;
  one.put("f", file_stat(1));
  other.put("f", file_stat(2));
  CHECK(shallow_digest(one, rules) == shallow_digest(other, rules));
  other.put("f", file_stat(2, 11));
  CHECK(shallow_digest(one, rules) != shallow_digest(other, rules));
  other.put("f", file_stat(2));
  other.find("f")->uid = 7;
  CHECK(shallow_digest(one, rules) != shallow_digest(other, rules));
  rules.uid = 7;
  CHECK(shallow_digest(one, rules) == shallow_digest(other, rules));
}

TEST_CASE("a known chunk is found once it is settled, unless it is small", "[sync]") {
  DedupeIndex index;
  const auto file = index.add_file("d/f");
  CHECK(index.add(chunk_id(1), 8192, file, 4096));
  CHECK_FALSE(index.add(chunk_id(2), DedupeIndex::bytes_min - 1, file, 0));
  REQUIRE(index.find(chunk_id(1), 8192).has_value());
  CHECK_FALSE(index.find(chunk_id(1), 8192)->settled);
  index.settle();
  const auto place = index.find(chunk_id(1), 8192);
  CHECK(place->settled);
  CHECK(place->path == "d/f");
  CHECK(place->file == file);
  CHECK(place->offset == 4096);
  CHECK_FALSE(index.find(chunk_id(2), DedupeIndex::bytes_min - 1).has_value());
  CHECK_FALSE(index.find(chunk_id(3), 8192).has_value());
  CHECK_FALSE(index.add(chunk_id(1), 8192, index.add_file("later"), 0));
  CHECK(index.find(chunk_id(1), 8192)->path == "d/f");
  CHECK(index.size() == 1);
}

TEST_CASE("paths resolve as in rsync", "[sync]") {
  const test::TempDir dir;
  dir.make_dir("src/d");
  dir.write("src/f", "x");
  dir.write("src/g", "y");
  dir.make_dir("dst");
  const World world;
  CopyOptions options;
  options.destination = dir.path("dst");
  const auto place_of = [&](std::initializer_list<const char*> sources) {
    options.sources.clear();
    for (const char* source : sources) options.sources.push_back(dir.path(source));
    const auto found = find_sources(world, options, [](const std::string& missing) { FAIL(missing); });
    return resolve(world, options, found);
  };
  using Names = std::vector<std::string>;
  SECTION("with a slash: the contents") {
    const auto place = place_of({"src/"});
    CHECK(place.origins.at(0).path == dir.path("src"));
    CHECK(place.origins.at(0).is_whole());
    CHECK(place.target_dir == dir.path("dst"));
    CHECK(place.target_names.empty());
    CHECK(place.rule_prefix.empty());
  }
  SECTION("without one: the directory") {
    const auto place = place_of({"src"});
    CHECK(place.origins.at(0).is_whole());
    CHECK(place.target_dir == dir.path("dst") + "/src");
    CHECK(place.rule_prefix == "src/");
  }
  SECTION("a file into a directory") {
    const auto place = place_of({"src/f"});
    CHECK(place.origins.at(0).only == Names{"f"});
    CHECK(place.target_dir == dir.path("dst"));
    CHECK(place.target_names == Names{"f"});
  }
  SECTION("a file to a name") {
    options.destination = dir.path("dst/other");
    const auto place = place_of({"src/f"});
    CHECK(place.origins.at(0).shown_name == "other");
    CHECK(place.target_dir == dir.path("dst"));
    CHECK(place.target_names == Names{"other"});
  }
  SECTION("not a directory onto a file") {
    options.destination = dir.path("src/f");
    CHECK_THROWS_AS(place_of({"src/d"}), Error);
    CHECK_THROWS_AS(place_of({"src/g", "src/f"}), Error);
  }
  SECTION("several: neighbours in one directory are one origin, and the order is kept") {
    const auto place = place_of({"src/g", "src/f", "src/d", "src/f"});
    REQUIRE(place.origins.size() == 3);
    CHECK(place.origins[0].only == Names{"g", "f"});
    CHECK(place.origins[1].is_named());
    CHECK(place.origins[1].shown_name == "d");
    CHECK(place.origins[2].only == Names{"f"});
    CHECK(place.target_dir == dir.path("dst"));
    CHECK(place.target_names == Names{"d", "f", "f", "g"});
    CHECK(place_of({"src/f", "src/d/"}).target_names.empty());
  }
}

TEST_CASE("the state lies where it is told to", "[sync]") {
  CopyOptions options;
  options.state_dir = "/some/where/";
  CHECK(state_directory(options) == "/some/where");
  options.state_dir.reset();
  ::setenv("XDG_STATE_HOME", "/xdg", 1);
  CHECK(state_directory(options) == "/xdg/syncline");
  ::unsetenv("XDG_STATE_HOME");
  ::setenv("HOME", "/home/somebody", 1);
  CHECK(state_directory(options) == "/home/somebody/.local/state/syncline");
}

TEST_CASE("chown takes names and numbers", "[sync]") {
  IdentityRules rules;
  parse_chown("12:34", rules);
  CHECK(rules.uid == 12u);
  CHECK(rules.gid == 34u);
  rules = {};
  parse_chown("root", rules);
  CHECK(rules.uid == 0u);
  CHECK_FALSE(rules.gid.has_value());
  rules = {};
  parse_chown("root:", rules);
  CHECK(rules.gid == 0u);
  rules = {};
  parse_chown(":root", rules);
  CHECK_FALSE(rules.uid.has_value());
  CHECK(rules.gid == 0u);
  CHECK_THROWS_AS(parse_chown("no such user", rules), Error);
}
