// SPDX-License-Identifier: Apache-2.0
// Verify-first rescans equal a first import of the same bytes, and do little work.
#include "chunk/rescan.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "base/limits.hpp"
#include "chunk/scan_file.hpp"
#include "chunk_data.hpp"
#include "support/catch.hpp"
#include "support/memory_file.hpp"
#include "support/xxh3_collision.hpp"

namespace {

using namespace syncline;
using namespace syncline::test;
using chunk::ChunkParams;
using chunk::Manifest;
using chunk::OldIndex;
using chunk::ScanCounts;

using limits::mib;

Manifest fresh(ByteView data, const ChunkParams& params = real_params) {
  return chunk::chunk_bytes(data, params, test_key());
}

/// Rescans on one and two threads and with many seams, checks against a first import, returns what one thread
/// had to do.
ScanCounts check_rescan(const MemoryFile& file, ByteView content, const Manifest& old) {
  const OldIndex index(old);
  const auto key = test_key();
  const auto expected = fresh(content, old.params);
  const chunk::ScanSource source{.file = &file, .params = old.params, .key = key, .old = &index};
  for (const unsigned chunks : {2U, 9U}) {
    CAPTURE(chunks);
    CHECK(chunk::scan_segments(source, content.size(), std::uint64_t{chunks} * old.params.max_bytes, {}) ==
          expected);
  }
  ScanCounts counts;
  for (const unsigned threads : {2U, 1U}) {
    CAPTURE(threads);
    CHECK(chunk::scan_file(source, content.size(), threads, {}, &counts) == expected);
  }
  return counts;
}
ScanCounts check_rescan(ByteView content, const Manifest& old) {
  return check_rescan(MemoryFile(content), content, old);
}

/// One random edit of the kinds that editors, databases and loggers make.
void edit(Rng& rng, Bytes& data) {
  const auto at = pick(rng, data.size() + 1);
  const auto room = data.size() - at;
  const auto count = std::min<std::size_t>(room, 1 + pick(rng, pick(rng, 4) == 0 ? 30'000 : 200));
  const auto begin = data.begin() + static_cast<std::ptrdiff_t>(at);
  const auto end = begin + static_cast<std::ptrdiff_t>(count);
  const auto more = random_bytes(rng, 1 + pick(rng, pick(rng, 4) == 0 ? 30'000 : 300));
  switch (pick(rng, 9)) {
    case 0: std::generate(begin, end, [&] { return static_cast<std::byte>(rng()); }); break;
    case 1: data.insert(begin, more.begin(), more.end()); break;
    case 2: data.erase(begin, end); break;
    case 3: data.insert(data.end(), more.begin(), more.end()); break;
    case 4: data.resize(data.size() - std::min(data.size(), pick(rng, 20'000))); break;
    case 5: data.insert(data.begin(), more.begin(), more.end()); break;
    case 6: {  // two pieces trade places
      const auto length = std::min<std::size_t>(room, data.size() / 3);
      std::swap_ranges(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(std::min(length, at)), begin);
      break;
    }
    case 7:
      std::fill(begin, begin + static_cast<std::ptrdiff_t>(std::min<std::size_t>(room, pick(rng, 300'000))),
                std::byte{0});
      break;
    default: data.insert(begin, 1 + pick(rng, 200'000), std::byte{0}); break;
  }
}

/// The zero pages of `data` become holes.
MemoryFile with_holes(const Bytes& data) {
  MemoryFile file;
  const Bytes zeros(MemoryFile::page_bytes);
  for (std::size_t at = 0; at < data.size(); at += zeros.size()) {
    const auto page = ByteView(data).subspan(at, std::min(zeros.size(), data.size() - at));
    if (!std::equal(page.begin(), page.end(), zeros.begin())) file.pwrite(page, at);
  }
  file.truncate(data.size());
  return file;
}

TEST_CASE("a rescan after random edits equals a first import", "[chunk][long]") {
  const auto seed = GENERATE(range(1U, 60U));
  CAPTURE(seed);
  Rng rng(seed);
  auto data = random_bytes(rng, pick(rng, 2'000'000));
  if (seed % 4 == 0)
    data = repeated(ByteView(data).first(std::min<std::size_t>(data.size(), 50'000)), data.size());
  if (data.empty()) data.resize(1);
  auto old = fresh(data);
  for (int round = 0; round < 3; ++round) {
    for (auto edits = pick(rng, 5); edits > 0; --edits) edit(rng, data);
    check_rescan(data, old);
    check_rescan(with_holes(data), data, old);
    old = fresh(data);
  }
}

TEST_CASE("a rescan with tiny chunks equals a first import", "[chunk]") {
  // Chunks below the trusted length of the quick hash: everything is compared by id.
  const auto seed = GENERATE(range(1U, 20U));
  CAPTURE(seed);
  Rng rng(seed);
  auto data = random_bytes(rng, 100'000);
  const auto old = fresh(data, tiny_params);
  for (auto edits = pick(rng, 6); edits > 0; --edits) edit(rng, data);
  check_rescan(data, old);
}

TEST_CASE("a rescan of a large file with edits is equal on two threads, with segments out of place",
          "[chunk]") {
  Rng rng(3);
  auto data = random_bytes(rng, 12 * mib);
  const auto old = fresh(data);
  data.insert(data.begin() + 100, 999, std::byte{5});
  data.erase(data.begin() + 7 * mib, data.begin() + 7 * mib + 3);
  for (int i = 0; i < 5; ++i) data[pick(rng, data.size())] ^= std::byte{1};
  check_rescan(data, old);
}

TEST_CASE("an unchanged file is verified and neither cut nor named", "[chunk]") {
  Rng rng(4);
  const auto data = random_bytes(rng, 8 * mib);
  const auto old = fresh(data);
  const auto counts = check_rescan(data, old);
  CHECK(counts.cut == 0);
  CHECK(counts.named == 0);
  CHECK(counts.verified == old.chunks.size());
}

TEST_CASE("edits in place run the chunker only around them", "[chunk]") {
  Rng rng(5);
  auto data = random_bytes(rng, 16 * mib);
  const auto old = fresh(data);
  constexpr std::size_t edits = 20;
  for (std::size_t i = 0; i < edits; ++i) data[pick(rng, data.size())] ^= std::byte{1};
  const auto counts = check_rescan(data, old);
  CHECK(counts.cut <= 4 * edits);
  CHECK(counts.named <= 2 * edits);
  CHECK(counts.verified + 2 * edits >= old.chunks.size());
}

TEST_CASE("bytes inserted in front run the chunker only there", "[chunk]") {
  Rng rng(6);
  auto data = random_bytes(rng, 8 * mib);
  const auto old = fresh(data);
  const auto more = random_bytes(rng, 1024);
  data.insert(data.begin(), more.begin(), more.end());
  const auto counts = check_rescan(data, old);
  CHECK(counts.cut <= 10);
  CHECK(counts.named <= 5);
}

TEST_CASE("appending runs the chunker from the old last chunk on", "[chunk]") {
  Rng rng(7);
  auto data = random_bytes(rng, 8 * mib);
  const auto old = fresh(data);
  const auto more = random_bytes(rng, 100'000);
  data.insert(data.end(), more.begin(), more.end());
  const auto counts = check_rescan(data, old);
  CHECK(counts.cut <= 30);
  CHECK(counts.verified + 1 >= old.chunks.size());
}

TEST_CASE("a large piece moved elsewhere is recognised and not named again", "[chunk]") {
  Rng rng(8);
  auto data = random_bytes(rng, 12 * mib);
  const auto old = fresh(data);
  std::rotate(data.begin(), data.begin() + 5 * mib, data.end());
  const auto counts = check_rescan(data, old);
  CHECK(counts.named <= 20);
  CHECK(counts.cut <= 40);
}

TEST_CASE("an old last chunk is cut again when the file went on behind it", "[chunk]") {
  Rng rng(9);
  const auto data = random_bytes(rng, 600'000);
  for (const std::size_t old_size : {1UL, 100UL, 4096UL, 4097UL, 16'384UL, 65'536UL, 65'537UL, 300'000UL})
    for (const std::size_t new_size :
         {0UL, 1UL, 50UL, 4096UL, 65'535UL, 65'536UL, 299'999UL, 300'001UL, 600'000UL}) {
      CAPTURE(old_size, new_size);
      check_rescan(ByteView(data).first(new_size), fresh(ByteView(data).first(old_size)));
    }
}

TEST_CASE("data replaced by a huge hole is not read", "[chunk]") {
  Rng rng(10);
  const auto data = random_bytes(rng, 2 * mib);
  const auto old = fresh(data);
  MemoryFile file(data);
  file.punch(500'000, 1'000'000);
  file.truncate(7ULL << 30);
  const auto before = file.read_bytes();
  const auto result = chunk::rescan_file(file, 7ULL << 30, old, test_key(), 1);
  CHECK(result == chunk::import_file(file, 7ULL << 30, real_params, test_key(), 1));
  CHECK(file.read_bytes() - before < 8 * mib);
}

TEST_CASE("holes that became data and data that became holes rescan like an import", "[chunk]") {
  Rng rng(11);
  Bytes data(6 * mib);
  const auto old = fresh(data);
  const auto more = random_bytes(rng, 500'000);
  std::copy(more.begin(), more.end(), data.begin() + 3'333'333);
  check_rescan(with_holes(data), data, old);
  const auto middle = fresh(data);
  std::fill(data.begin() + 3'400'000, data.begin() + 3'700'000, std::byte{0});
  check_rescan(with_holes(data), data, middle);
}

TEST_CASE("periodic data with many equal chunks rescans in linear work", "[chunk]") {
  Rng rng(12);
  const auto period = random_bytes(rng, 20'000);
  auto data = repeated(period, 8 * mib);
  const auto old = fresh(data);
  for (std::size_t i = 0; i < 100; ++i)
    data.insert(data.begin() + static_cast<std::ptrdiff_t>(pick(rng, data.size())), std::byte{1});
  const auto counts = check_rescan(data, old);
  CHECK(counts.cut <= 4 * old.chunks.size());
}

TEST_CASE("a manifest of other parameters leads to a full import", "[chunk]") {
  Rng rng(13);
  const auto data = random_bytes(rng, 300'000);
  const auto old = fresh(data, small_params);
  CHECK(chunk::rescan_file(MemoryFile(data), data.size(), old, test_key(), 1) == fresh(data));
}

TEST_CASE("a manifest whose lengths do not add up leads to a full import", "[chunk]") {
  Rng rng(14);
  const auto data = random_bytes(rng, 300'000);
  const auto good = fresh(data);
  const auto check = [&](auto damage) {
    auto bad = good;
    damage(bad);
    CHECK_FALSE(OldIndex::is_sound(bad));
    CHECK(chunk::rescan_file(MemoryFile(data), data.size(), bad, test_key(), 1) == good);
  };
  check([](Manifest& m) { m.chunks.pop_back(); });
  check([](Manifest& m) { m.chunks[0].length_bytes = 0; });
  check([](Manifest& m) { m.chunks[0].repeat_count = 0; });
  check([](Manifest& m) { m.chunks[0].repeat_count = 1000; });
  check([](Manifest& m) { m.chunks[0].length_bytes = m.params.max_bytes + 1; });
  check([](Manifest& m) { m.size_bytes = ~0ULL; });
}

TEST_CASE("an old manifest made with another key costs time but gives the same result", "[chunk]") {
  Rng rng(15);
  const auto data = random_bytes(rng, 500'000);
  const auto old = chunk::chunk_bytes(data, real_params, test_key(99));
  check_rescan(data, old);
}

TEST_CASE("a file replaced by one with equal unseeded XXH3 is seen as changed", "[chunk]") {
  const auto [one, other] = xxh3_collision();
  const auto old = fresh(one);
  const auto result = chunk::rescan_file(MemoryFile(other), other.size(), old, test_key(), 1);
  CHECK(result == fresh(other));
  CHECK(result.root() != old.root());
}

TEST_CASE("a rescan of a file of another size than announced reports it as changed", "[chunk]") {
  Rng rng(16);
  const auto data = random_bytes(rng, 5'000'000);
  const auto old = fresh(data);
  for (const unsigned threads : {1U, 2U})
    for (const std::uint64_t announced : {4'999'999ULL, 5'000'001ULL})
      CHECK_THROWS_MATCHES(
          chunk::rescan_file(MemoryFile(data), announced, old, test_key(), threads), Error,
          Catch::Predicate<Error>([](const Error& error) { return error.is(Errc::changed); }));
}

}  // namespace
