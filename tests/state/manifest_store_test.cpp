// SPDX-License-Identifier: Apache-2.0
#include "sample.hpp"
#include "state/segment_codec.hpp"
#include "state/sqlite.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::state;
using syncline::test::TempDir;

namespace {

constexpr std::uint64_t kib = 1024;

/// Bytes that replacing `before` by `after` writes, log and checkpoint together.
std::uint64_t replacement_bytes(const manifest::Manifest& before, const manifest::Manifest& after) {
  TempDir temp;
  const auto database = Database::open(temp.path("state.db"), false);
  ManifestId id = 0;
  in_transaction(*database, [&](Writer& writer) { id = writer.put_manifest(before, 0); });
  const auto start = database->written_bytes();
  ManifestId next = 0;
  in_transaction(*database, [&](Writer& writer) { next = writer.put_manifest(after, id); });
  const auto reader = database->reader();
  REQUIRE(reader->manifest(next) == after);
  REQUIRE_FALSE(reader->manifest(id));
  // Each page in the log is written to the database file once more, at the checkpoint.
  return (database->written_bytes() - start) * 2;
}

}  // namespace

TEST_CASE("appending 60 chunks to 27,000 writes less than 200 KB", "[state]") {
  Sample sample(11);
  const auto before = sample.manifest(27'000);
  auto after = before;
  for (int k = 0; k < 60; ++k) after.chunks.push_back(sample.chunk());
  Sample::sum_up(after);
  const auto written = replacement_bytes(before, after);
  CAPTURE(written);
  CHECK(written < 200 * kib);
}

TEST_CASE("an insertion into a large manifest rewrites one to three segments", "[state]") {
  Sample sample(12);
  const auto before = sample.manifest(27'000);
  for (const std::size_t at : {0, 13'500, 26'999}) {
    auto after = before;
    after.chunks.insert(after.chunks.begin() + static_cast<std::ptrdiff_t>(at), sample.chunk());
    Sample::sum_up(after);
    const auto written = replacement_bytes(before, after);
    CAPTURE(at, written);
    CHECK(written < 3 * segment_chunks_max * 52 * 2);
  }
}

TEST_CASE("manifests of every length come back as they were", "[state]") {
  TempDir temp;
  Sample sample(13);
  const auto database = Database::open(temp.path("state.db"), false);
  std::vector<std::pair<ManifestId, manifest::Manifest>> all;
  in_transaction(*database, [&](Writer& writer) {
    for (const std::size_t count : {0, 1, 15, 16, 17, 31, 32, 33, 511, 512, 513, 5000}) {
      const auto manifest = sample.manifest(count);
      all.emplace_back(writer.put_manifest(manifest, 0), manifest);
    }
  });
  const auto reader = database->reader();
  for (const auto& [id, manifest] : all) {
    CAPTURE(manifest.chunks.size());
    CHECK(reader->manifest(id) == manifest);
  }
}

TEST_CASE("a manifest may be replaced by one of any other length", "[state]") {
  TempDir temp;
  Sample sample(14);
  const auto database = Database::open(temp.path("state.db"), false);
  const auto reader = database->reader();
  ManifestId id = 0;
  for (const std::size_t count : {1000, 3, 2000, 0, 16, 17, 700, 700}) {
    auto manifest = sample.manifest(count);
    // Equal segments within one manifest must not share a row.
    const auto copy = manifest.chunks;
    manifest.chunks.insert(manifest.chunks.end(), copy.begin(), copy.end());
    in_transaction(*database, [&](Writer& writer) { id = writer.put_manifest(manifest, id); });
    CHECK(reader->manifest(id) == manifest);
  }
  in_transaction(*database, [&](Writer& writer) { writer.erase_manifest(id); });
  Connection raw(temp.path("state.db"), Connection::Mode::read_only);
  CHECK(raw.integer("SELECT count(*) FROM part") == 0);
}

TEST_CASE("a manifest number is never used twice, also after a restart", "[state]") {
  TempDir temp;
  Sample sample(15);
  ManifestId last = 0;
  for (int round = 0; round < 3; ++round) {
    const auto database = Database::open(temp.path("state.db"), false);
    in_transaction(*database, [&](Writer& writer) {
      const auto id = writer.put_manifest(sample.manifest(2), 0);
      CHECK(id > last);
      last = id;
      writer.erase_manifest(id);
    });
  }
}

TEST_CASE("chunk bodies refuse every truncation", "[state]") {
  Sample sample(16);
  const auto manifest = sample.manifest(5);
  const auto body = encode_chunks(manifest.chunks);
  std::vector<manifest::Chunk> out;
  decode_chunks(body, 5, out);
  CHECK(out == manifest.chunks);
  for (std::size_t length = 0; length < body.size(); ++length)
    CHECK_THROWS_AS(decode_chunks(ByteView(body).first(length), 5, out), Error);
  CHECK_THROWS_AS(decode_chunks(body, 4, out), Error);
  CHECK_THROWS_AS(decode_chunks(body, UINT32_MAX, out), Error);
}
