// SPDX-License-Identifier: Apache-2.0
// What is remembered of a file's blocks tells what an older version had.
#include "sync/block_sums.hpp"

#include <random>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "support/catch.hpp"
#include "support/memory_file.hpp"

namespace {

using namespace syncline;
using namespace syncline::test;
using sync::BlockSums;
using sync::FileBlocks;

const hash::QuickKey blocks_key{{}};

Bytes random_content(std::size_t size_bytes, unsigned seed) {
  std::mt19937 random(seed);
  Bytes out(size_bytes);
  for (auto& byte : out) byte = static_cast<std::byte>(random());
  return out;
}

FileBlocks blocks_of(const Bytes& content) {
  FileBlocks out(content.size());
  out.read(MemoryFile(content), 0, content.size(), blocks_key);
  return out;
}

hash::Digest root_number(std::size_t number) {
  hash::Digest out;
  out.bytes[0] = static_cast<std::byte>(number);
  out.bytes[1] = static_cast<std::byte>(number / 256);
  return out;
}

}  // namespace

TEST_CASE("blocks that have not changed are known, those that have are not", "[blocks]") {
  const auto old = random_content(100'000, 1);
  const auto blocks = blocks_of(old);
  REQUIRE(blocks.block_bytes() == 1024);
  auto fresh = old;
  for (std::size_t i = 20'000; i < 24'096; ++i) fresh[i] ^= std::byte{1};  // of blocks 19 to 23
  const std::uint64_t offset = 10'300;                                     // in block 10
  const auto guess = blocks.guess(offset, 40'000, 10'240, ByteView(fresh).subspan(10'240), blocks_key, 7);
  REQUIRE(guess.content.size() == 40'000);
  CHECK(guess.equal_bytes == 40'000 - 5 * 1024);
  for (std::size_t i = 0; i < guess.content.size(); ++i) {
    const auto block = (offset + i) / 1024;
    if (block >= 19 && block <= 23) continue;
    if (guess.content[i] != old[offset + i]) FAIL("byte " << i);
  }
  const auto noise = ByteView(guess.content).subspan(19 * 1024 - offset, 5 * 1024);
  CHECK_FALSE(std::ranges::equal(noise, ByteView(fresh).subspan(19 * 1024, 5 * 1024)));
}

TEST_CASE("of a block that is not given whole nothing is known", "[blocks]") {
  const auto old = random_content(10'000, 2);
  const auto blocks = blocks_of(old);
  CHECK(blocks.guess(1024, 2048, 1024, ByteView(old).subspan(1024, 2047), blocks_key, 7).equal_bytes == 1024);
  CHECK(blocks.guess(1024, 2048, 1025, ByteView(old).subspan(1025, 2047), blocks_key, 7).equal_bytes == 1024);
  // The last one is shorter, and there is nothing behind it.
  CHECK(blocks.guess(9'216, 784, 9'216, ByteView(old).subspan(9'216), blocks_key, 7).equal_bytes == 784);
  auto longer = old;
  longer.resize(11'000);
  CHECK(blocks.guess(9'216, 784, 9'216, ByteView(longer).subspan(9'216), blocks_key, 7).equal_bytes == 784);
}

TEST_CASE("only the blocks of what changed are read again", "[blocks]") {
  auto content = random_content(5'000'000, 3);
  auto blocks = blocks_of(content);
  for (std::size_t i = 3'000'000; i < 3'000'100; ++i) content[i] ^= std::byte{1};
  const MemoryFile file(content);
  blocks.read(file, 3'000'000, 100, blocks_key);
  CHECK(file.read_bytes() == 1024);
  CHECK(blocks.guess(0, content.size(), 0, content, blocks_key, 7).equal_bytes == content.size());
}

TEST_CASE("a file that grows or shrinks keeps the blocks that it has still", "[blocks]") {
  auto content = random_content(100'000, 4);
  auto blocks = blocks_of(content);
  const auto more = random_content(100'000, 5);
  content.insert(content.end(), more.begin(), more.end());
  REQUIRE(blocks.resize(content.size()));
  blocks.read(MemoryFile(content), 100'000, 100'000, blocks_key);
  CHECK(blocks.guess(0, content.size(), 0, content, blocks_key, 7).equal_bytes == content.size());
  content.resize(50'000);
  REQUIRE(blocks.resize(content.size()));
  blocks.read(MemoryFile(content), 49'999, 1, blocks_key);
  CHECK(blocks.guess(0, content.size(), 0, content, blocks_key, 7).equal_bytes == content.size());
  CHECK_THROWS_AS(blocks.read(MemoryFile(ByteView(content).first(49'999)), 49'000, 1000, blocks_key), Error);
}

TEST_CASE("larger files have larger blocks", "[blocks]") {
  const auto whole = limits::file_blocks_max * 1024;
  CHECK(FileBlocks(whole - 1).block_bytes() == 1024);
  CHECK(FileBlocks(whole - 1).held_bytes() == limits::file_blocks_max * 4);
  CHECK(FileBlocks(whole + 1024).block_bytes() == 2048);
  FileBlocks blocks(whole - 1);
  CHECK_FALSE(blocks.resize(whole + 1024));
  CHECK(FileBlocks(0).held_bytes() == 0);
}

TEST_CASE("the blocks of files are kept up to their bound, the first one goes first", "[blocks]") {
  BlockSums sums;
  const FileBlocks large(limits::file_blocks_max * 1024 - 1);
  const auto count = limits::block_sums_bytes_max / large.held_bytes();
  for (std::size_t i = 0; i < count; ++i) sums.put(root_number(i), large);
  CHECK(sums.held_bytes() == limits::block_sums_bytes_max);
  CHECK(sums.find(root_number(0)) != nullptr);
  sums.put(root_number(count), FileBlocks(1));
  CHECK(sums.find(root_number(0)) == nullptr);
  CHECK(sums.find(root_number(1)) != nullptr);
  CHECK(sums.find(root_number(count)) != nullptr);
  sums.put(root_number(count), FileBlocks(1));  // again: no more than one of it
  for (std::size_t i = 1; i <= count; ++i) sums.drop(root_number(i));
  CHECK(sums.held_bytes() == 0);
}
