// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "document.hpp"
#include "manifest/codec.hpp"
#include "sample_manifest.hpp"
#include "support/catch.hpp"

using namespace syncline;
using namespace syncline::manifest;

namespace {

const std::string format_page = SYNCLINE_SOURCE_DIR "/docs/format/manifest.md";

TreeEntry entry(const std::string& path, EntryType type) {
  TreeEntry out;
  out.path = RelPath::parse(path);
  out.type = type;
  out.mode = type == EntryType::directory ? 0755 : 0644;
  return out;
}

/// The tree of the page's example.
std::vector<TreeEntry> example_tree() {
  std::vector<TreeEntry> out{entry("doc", EntryType::directory), entry("doc/a", EntryType::regular),
                             entry("doc/b", EntryType::symlink)};
  out[0].mtime_ns = 1'000'000'000;
  out[1].mtime_ns = -1;
  out[1].manifest.chunks.push_back({hash::blake3(as_bytes("syncline\n")), {}, 9, 1});
  out[1].manifest.size_bytes = 9;
  out[2].mode = 0777;
  out[2].link_target = "a";
  return out;
}

std::vector<TreeEntry> random_tree(std::mt19937_64& random, std::size_t count) {
  std::map<std::string, TreeEntry> tree;
  for (std::size_t k = 0; k < count; ++k) {
    std::string path;
    for (auto depth = 1 + random() % 4; depth > 0; --depth)
      path += (path.empty() ? "" : "/") +
              std::string(1 + random() % 3,
                          static_cast<char>(random() % 2 == 0 ? 'a' + random() % 3 : 0x80 + random() % 128));
    auto& each = tree[path] = entry(path, static_cast<EntryType>(1 + random() % 7));
    each.mode = static_cast<std::uint32_t>(random() % 010000);
    each.mtime_ns = static_cast<std::int64_t>(random());
    if (each.type == EntryType::symlink) each.link_target = std::string(random() % 100, '\n');
    if (each.type == EntryType::regular) each.manifest = without_quick(random_manifest(random, random() % 5));
  }
  std::vector<TreeEntry> out;
  for (auto& [path, each] : tree) out.push_back(each);
  return out;
}

}  // namespace

TEST_CASE("the bytes of a tree export are those of the format page", "[manifest]") {
  CHECK(encode_tree(example_tree()) == test::hex_example(format_page, "tree"));
  CHECK(decode_tree(test::hex_example(format_page, "tree")) == example_tree());
}

TEST_CASE("a tree comes back as it was", "[manifest]") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const auto tree = random_tree(random, random() % 60);
    REQUIRE(decode_tree(encode_tree(tree)) == tree);
  }
}

TEST_CASE("a tree export cut off or altered anywhere is refused with the place", "[manifest]") {
  const auto data = encode_tree(example_tree());
  for (std::size_t bit = 0; bit < data.size() * 8; ++bit) {
    CAPTURE(bit);
    auto altered = data;
    altered[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    CHECK_THROWS_AS(decode_tree(ByteView(data).first(bit / 8)), Error);
    try {
      decode_tree(altered);
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.offset_bytes());
    }
  }
}

TEST_CASE("paths out of order are never written", "[manifest]") {
  auto tree = example_tree();
  std::swap(tree[0], tree[1]);
  CHECK_THROWS_AS(encode_tree(tree), Error);
  tree = example_tree();
  tree[2] = tree[1];
  CHECK_THROWS_AS(encode_tree(tree), Error);
}

TEST_CASE("a tree export and a manifest are not taken for each other", "[manifest]") {
  CHECK_THROWS_AS(decode(encode_tree(example_tree())), Error);
  CHECK_THROWS_AS(decode_tree(encode(Manifest{})), Error);
}
