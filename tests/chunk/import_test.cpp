// SPDX-License-Identifier: Apache-2.0
// First import: equal to chunking the same bytes in memory, whatever is a hole, on one thread and on two.
#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include "base/limits.hpp"
#include "chunk/import_stream.hpp"
#include "chunk/scan_file.hpp"
#include "chunk_data.hpp"
#include "support/catch.hpp"
#include "support/memory_file.hpp"
#include "support/xxh3_collision.hpp"

namespace {

using namespace syncline;
using namespace syncline::test;
using chunk::ChunkParams;
using chunk::import_file;

using limits::kib;
using limits::mib;
constexpr std::uint64_t gib = 1024 * mib;

/// The manifest that the stream ends with; its pieces must be the file, one after the other.
chunk::Manifest stream_file(const MemoryFile& file, std::uint64_t size, const ChunkParams& params,
                            unsigned threads) {
  const auto key = test_key();
  chunk::ImportStream stream(file, size, params, key, threads);
  std::uint64_t offset = 0;
  bool exact = true;
  while (const auto piece = stream.next()) {
    exact = exact && piece->offset == offset && piece->length_bytes != 0;
    offset += piece->length_bytes;
    if (piece->content.empty()) {
      exact = exact && piece->length_bytes % params.max_bytes == 0 &&
              piece->id == hash::blake3(Bytes(params.max_bytes));
      continue;
    }
    Bytes bytes(piece->content.size());
    exact = exact && file.pread(bytes, piece->offset) == bytes.size() && bytes == piece->content &&
            bytes.size() == piece->length_bytes && piece->id == hash::blake3(bytes);
  }
  CHECK(exact);
  CHECK(offset == size);
  return stream.finish();
}

void check_import(const MemoryFile& file, ByteView content, const ChunkParams& params) {
  const auto expected = chunk::chunk_bytes(content, params, test_key());
  for (const unsigned threads : {1U, 2U}) {
    CAPTURE(threads, content.size(), params.avg_bytes);
    CHECK(import_file(file, content.size(), params, test_key(), threads) == expected);
    CHECK(stream_file(file, content.size(), params, threads) == expected);
  }
  const auto key = test_key();
  for (const unsigned chunks : {3U, 16U}) {
    CAPTURE(chunks);
    CHECK(chunk::scan_segments({.file = &file, .params = params, .key = key}, content.size(),
                               std::uint64_t{chunks} * params.max_bytes, {}) == expected);
  }
}

TEST_CASE("a file imports to the manifest of its bytes in memory", "[chunk]") {
  Rng rng(1);
  for (const std::size_t size : {0UL, 1UL, 100UL, 4096UL, 16384UL, 65536UL, 65537UL, 524287UL, 524288UL,
                                 524289UL, 3'000'000UL, 9'000'001UL}) {
    const auto data = random_bytes(rng, size);
    check_import(MemoryFile(data), data, real_params);
    if (size < 1'000'000) check_import(MemoryFile(data), data, tiny_params);
  }
}

TEST_CASE("two threads give the same manifest on data without any cut point", "[chunk]") {
  // Segments never fall into step here: joining has to cut all of the second one again.
  Rng rng(2);
  auto data = random_bytes(rng, 30'000);
  const auto periodic = repeated(random_bytes(rng, 7), 9'000'000);
  data.insert(data.end(), periodic.begin(), periodic.end());
  check_import(MemoryFile(data), data, real_params);
}

TEST_CASE("dense zeros become one record of max_bytes chunks and a remainder", "[chunk]") {
  const Bytes zeros(10 * mib + 5);
  MemoryFile file(zeros);
  const auto manifest = import_file(file, zeros.size(), real_params, test_key(), 1);
  REQUIRE(manifest.chunks.size() == 2);
  CHECK(manifest.chunks[0].length_bytes == real_params.max_bytes);
  CHECK(manifest.chunks[0].repeat_count == 160);
  CHECK(manifest.chunks[1].length_bytes == 5);
  check_import(file, zeros, real_params);
}

TEST_CASE("equal chunks that are not zeros are never joined into one record", "[chunk]") {
  const Bytes ones(1 * mib, std::byte{1});
  const auto manifest = chunk::chunk_bytes(ones, real_params, test_key());
  CHECK(manifest.chunks.size() == 16);
  check_import(MemoryFile(ones), ones, real_params);
}

TEST_CASE("a hole imports like the same zeros stored", "[chunk][long]") {
  const auto seed = GENERATE(range(1U, 40U));
  CAPTURE(seed);
  Rng rng(seed);
  MemoryFile sparse;
  Bytes dense;
  // Data, hole, data ... with edges on and off page boundaries, holes of a few bytes to several MiB.
  const auto pieces = 1 + pick(rng, 6);
  for (std::size_t i = 0; i < pieces; ++i) {
    const auto data = random_bytes(rng, pick(rng, 200'000));
    sparse.pwrite(data, dense.size());
    dense.insert(dense.end(), data.begin(), data.end());
    const std::size_t hole = pick(rng, 3) == 0 ? pick(rng, 5'000) : pick(rng, 3 * mib);
    dense.resize(dense.size() + hole);
    sparse.truncate(dense.size());
  }
  check_import(sparse, dense, real_params);
  check_import(MemoryFile(dense), dense, real_params);
  check_import(sparse, dense, tiny_params);
  sparse.report_holes(false);
  check_import(sparse, dense, real_params);
}

TEST_CASE("a 100 GB hole between data is one record and is not read", "[chunk]") {
  Rng rng(3);
  const auto head = random_bytes(rng, 100'000);
  const auto tail = random_bytes(rng, 300'000);
  MemoryFile file(head);
  const auto tail_offset = 100 * gib + 12'345;
  file.pwrite(tail, tail_offset);
  const auto size = tail_offset + tail.size();
  const auto manifest = import_file(file, size, real_params, test_key(), 1);
  CHECK(file.read_bytes() < 4 * mib);
  CHECK(manifest.chunks.size() < 100);
  const auto zeros = std::max_element(manifest.chunks.begin(), manifest.chunks.end(),
                                      [](auto& a, auto& b) { return a.repeat_count < b.repeat_count; });
  CHECK(zeros->total_bytes() > 100 * gib - 4 * real_params.max_bytes);
  CHECK(zeros->id == hash::blake3(Bytes(real_params.max_bytes)));
  CHECK(std::accumulate(manifest.chunks.begin(), manifest.chunks.end(), std::uint64_t{0},
                        [](auto sum, auto& chunk) { return sum + chunk.total_bytes(); }) == size);
  CHECK(import_file(file, size, real_params, test_key(), 2) == manifest);
  CHECK(stream_file(file, size, real_params, 1) == manifest);
  CHECK(stream_file(file, size, real_params, 2) == manifest);
}

TEST_CASE("a stream is the same whichever thread has the time to name its chunks", "[chunk]") {
  Rng rng(9);
  const MemoryFile file(random_bytes(rng, 12 * mib));
  const auto expected = import_file(file, 12 * mib, real_params, test_key(), 1);
  const auto key = test_key();
  chunk::ImportStream stream(file, 12 * mib, real_params, key, 2);
  std::size_t index = 0;
  while (const auto piece = stream.next()) {
    // Long enough for the other thread to cut as far ahead as it may, and to name that.
    if (index % 100 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    REQUIRE(index < expected.chunks.size());
    CHECK(piece->id == expected.chunks[index].id);
    CHECK(piece->content.size() == expected.chunks[index++].length_bytes);
  }
  CHECK(stream.finish() == expected);
}

TEST_CASE("a stream that is given up stops its thread", "[chunk]") {
  Rng rng(6);
  const MemoryFile file(random_bytes(rng, 20 * mib));
  const auto key = test_key();
  {
    chunk::ImportStream stream(file, 20 * mib, real_params, key, 2);
    CHECK(stream.next());
  }
  CHECK(file.read_bytes() < 20 * mib);
}

TEST_CASE("a zero run past the repeat limit goes on in a second record", "[chunk]") {
  constexpr std::uint64_t repeat_max = std::numeric_limits<std::uint32_t>::max();
  MemoryFile file;
  for (const std::uint64_t count : {repeat_max, repeat_max + 1, 2 * repeat_max + 3}) {
    CAPTURE(count);
    file.truncate(count * real_params.max_bytes);
    for (const unsigned threads : {1U, 2U}) {
      const auto manifest = import_file(file, file.stat().size_bytes, real_params, test_key(), threads);
      REQUIRE(manifest.chunks.size() == (count + repeat_max - 1) / repeat_max);
      CHECK(stream_file(file, file.stat().size_bytes, real_params, threads) == manifest);
      CHECK(manifest.chunks[0].repeat_count == repeat_max);
      std::uint64_t total = 0;
      for (const auto& chunk : manifest.chunks) total += chunk.repeat_count;
      CHECK(total == count);
    }
  }
}

TEST_CASE("many small islands in a sparse file cost little reading", "[chunk]") {
  Rng rng(4);
  MemoryFile file;
  constexpr std::uint64_t islands = 300;
  for (std::uint64_t i = 0; i < islands; ++i) file.pwrite(random_bytes(rng, 4096), i * 2 * mib);
  const auto size = file.stat().size_bytes;
  const auto alone = import_file(file, size, real_params, test_key(), 1);
  CHECK(file.read_bytes() < islands * 1 * mib);
  CHECK(import_file(file, size, real_params, test_key(), 2) == alone);
}

TEST_CASE("a file of another size than announced is reported as changed", "[chunk]") {
  Rng rng(5);
  const auto data = random_bytes(rng, 6'000'000);
  const auto is_changed = Catch::Predicate<Error>([](const Error& error) { return error.is(Errc::changed); });
  MemoryFile sparse;
  sparse.truncate(6'000'000);
  for (const unsigned threads : {1U, 2U})
    for (const std::uint64_t announced :
         {0ULL, 1ULL, 5'999'999ULL, 6'000'001ULL, 6'200'000ULL, 60'000'000ULL}) {
      CAPTURE(threads, announced);
      CHECK_THROWS_MATCHES(import_file(MemoryFile(data), announced, real_params, test_key(), threads), Error,
                           is_changed);
      CHECK_THROWS_MATCHES(import_file(sparse, announced, real_params, test_key(), threads), Error,
                           is_changed);
      const auto stream = [&](const MemoryFile& file) {
        const auto key = test_key();
        chunk::ImportStream pieces(file, announced, real_params, key, threads);
        while (pieces.next()) {}
        (void)pieces.finish();
      };
      CHECK_THROWS_MATCHES(stream(MemoryFile(data)), Error, is_changed);
      CHECK_THROWS_MATCHES(stream(sparse), Error, is_changed);
    }
}

/// Shrinks while it is read.
class ShrinkingFile : public fs::File {
 public:
  explicit ShrinkingFile(MemoryFile& inner) : inner_(inner) {}
  fs::Stat stat() const override { return inner_.stat(); }
  std::size_t pread(std::span<std::byte> out, std::uint64_t offset) const override {
    if (++reads_ == 5) inner_.truncate(1'000'000);
    return inner_.pread(out, offset);
  }
  std::optional<fs::Extent> extent_at(std::uint64_t offset) const override {
    return inner_.extent_at(offset);
  }
  void pwrite(ByteView, std::uint64_t) override {}
  void truncate(std::uint64_t) override {}
  void preallocate(std::uint64_t, std::uint64_t, bool) override {}
  void punch(std::uint64_t, std::uint64_t) override {}
  void copy_range(const File&, std::uint64_t, std::uint64_t, std::uint64_t) override {}
  bool clone_from(const File&) override { return false; }
  std::optional<std::uint64_t> extent_count() const override { return std::nullopt; }
  void set_mode(std::uint32_t) override {}
  void set_owner(std::uint32_t, std::uint32_t) override {}
  void set_mtime(std::int64_t) override {}
  std::vector<fs::XattrPair> xattrs() const override { return {}; }
  void set_xattr(const std::string&, ByteView) override {}
  void remove_xattr(const std::string&) override {}
  void sync_data() override {}
  void sync() override {}
  bool try_lease() override { return false; }

 private:
  MemoryFile& inner_;
  mutable int reads_ = 0;
};

TEST_CASE("a file that shrinks while it is read is reported as changed", "[chunk]") {
  Rng rng(6);
  MemoryFile inner(random_bytes(rng, 5'000'000));
  const ShrinkingFile file(inner);
  CHECK_THROWS_MATCHES(import_file(file, 5'000'000, real_params, test_key(), 1), Error,
                       Catch::Predicate<Error>([](const Error& error) { return error.is(Errc::changed); }));
}

TEST_CASE("progress adds up to the size, on the calling thread, once per MiB that this one deals with",
          "[chunk]") {
  Rng rng(7);
  const auto data = random_bytes(rng, 12 * mib + 77);
  const MemoryFile file(data);
  for (const unsigned threads : {1U, 2U}) {
    CAPTURE(threads);
    std::uint64_t total = 0;
    std::uint64_t calls = 0;
    std::uint64_t calls_elsewhere = 0;
    const auto caller = std::this_thread::get_id();
    import_file(file, data.size(), real_params, test_key(), threads, [&](std::uint64_t bytes) {
      total += bytes;
      ++calls;
      if (std::this_thread::get_id() != caller) ++calls_elsewhere;
    });
    CHECK(total == data.size());
    CHECK(calls_elsewhere == 0);
    // Of two threads the other one may be given nearly everything.
    CHECK(calls >= (threads == 1 ? 12U : 1U));
  }
}

TEST_CASE("an exception thrown from progress stops the import and comes out unchanged", "[chunk]") {
  Rng rng(8);
  const auto data = random_bytes(rng, 48 * mib);
  const MemoryFile file(data);
  for (const unsigned threads : {1U, 2U}) {
    std::uint64_t total = 0;
    CHECK_THROWS_AS(import_file(file, data.size(), real_params, test_key(), threads,
                                [&](std::uint64_t bytes) {
                                  total += bytes;
                                  if (total > 2 * mib) throw Error(Errc::cancelled, "test");
                                }),
                    Error);
    CHECK(total < 48 * mib);
  }
}

TEST_CASE("files with equal unseeded XXH3 get different manifests", "[chunk]") {
  const auto [one, other] = xxh3_collision();
  const auto first = chunk::chunk_bytes(one, real_params, test_key());
  const auto second = chunk::chunk_bytes(other, real_params, test_key());
  CHECK(first.root() != second.root());
  CHECK(first.chunks != second.chunks);
}

}  // namespace
