// SPDX-License-Identifier: Apache-2.0
#include "state/dir_codec.hpp"

#include <map>

#include "sample.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::state;
using syncline::test::TempDir;

namespace {

struct Part {
  Bytes body;
  std::uint32_t count;
};

std::vector<Part> encode(const std::vector<StoredEntry>& entries) {
  std::vector<Part> parts;
  encode_entries(entries, [&](Bytes&& body, std::uint32_t count) {
    parts.push_back({std::move(body), count});
  });
  return parts;
}

std::vector<StoredEntry> decode(const std::vector<Part>& parts) {
  std::vector<StoredEntry> out;
  for (const auto& part : parts) decode_entries(part.body, part.count, out);
  return out;
}

StoredEntry plain_file(Sample& sample, const std::string& name) {
  StoredEntry out;
  out.name = name;
  out.stat.mode = 0644;
  out.stat.uid = out.stat.gid = 1000;
  out.stat.size_bytes = sample.below(20'000);
  out.stat.allocated_bytes = (out.stat.size_bytes + 4095) / 4096 * 4096;
  out.stat.mtime_ns =
      static_cast<std::int64_t>(1'700'000'000'000'000'000 + sample.below(std::uint64_t{1} << 54));
  out.stat.ctime_ns = static_cast<std::int64_t>(1'750'000'000'000'000'000 + sample.below(100'000'000));
  out.stat.device = 2049;
  out.stat.inode = 1'000'000 + sample.below(10'000);
  out.content = sample.digest();
  out.only_chunk =
      manifest::Chunk{sample.digest(), sample.quick(), static_cast<std::uint32_t>(out.stat.size_bytes), 1};
  return out;
}

}  // namespace

TEST_CASE("entries of any kind come back as they were", "[state]") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    Sample sample(seed);
    const auto entries = sample.dir(sample.below(600)).entries;
    const auto parts = encode(entries);
    for (const auto& part : parts) CHECK(part.count <= dir_part_entries_max);
    REQUIRE(decode(parts) == entries);
  }
}

TEST_CASE("a file of one chunk takes at most 120 bytes", "[state]") {
  Sample sample(1);
  std::vector<StoredEntry> entries;
  for (int k = 0; k < 1000; ++k)
    entries.push_back(plain_file(sample, "source_file_" + std::to_string(10'000 + k) + ".c"));
  std::size_t total = 0;
  for (const auto& part : encode(entries)) total += part.body.size();
  CAPTURE(total);
  CHECK(total <= 120'000);
}

TEST_CASE("a new name in a large directory changes one or two parts", "[state][long]") {
  Sample sample(2);
  std::map<std::string, StoredEntry> entries;
  for (int k = 0; k < 20'000; ++k) {
    const auto name = "f" + std::to_string(k * 7);
    entries[name] = plain_file(sample, name);
  }
  const auto list = [&] {
    std::vector<StoredEntry> out;
    for (const auto& [name, entry] : entries) out.push_back(entry);
    return out;
  };
  std::map<Bytes, int> before;
  for (const auto& part : encode(list())) ++before[part.body];
  CHECK(before.size() > 150);
  for (int round = 0; round < 20; ++round) {
    const auto name = "f" + std::to_string(sample.below(140'000)) + "new";
    auto saved = entries;
    entries[name] = plain_file(sample, name);
    int changed = 0;
    for (const auto& part : encode(list())) changed += before.count(part.body) == 0 ? 1 : 0;
    CAPTURE(round, name);
    CHECK(changed <= 3);
    entries = std::move(saved);
  }
}

TEST_CASE("truncated and altered entries are refused or stay within bounds", "[state]") {
  Sample sample(3);
  const auto entries = sample.dir(12).entries;
  const auto parts = encode(entries);
  REQUIRE(parts.size() == 1);
  const auto& body = parts[0].body;
  const auto count = parts[0].count;
  std::vector<StoredEntry> out;
  for (std::size_t length = 0; length < body.size(); ++length)
    CHECK_THROWS_AS(decode_entries(ByteView(body).first(length), count, out), Error);
  // Parts are only decoded after their digest was checked; here: no crash, only Error.
  for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
    auto altered = body;
    altered[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    out.clear();
    try {
      decode_entries(altered, count, out);
    } catch (const Error&) {}
    REQUIRE(out.size() <= count);
  }
}

TEST_CASE("one changed file in a directory of 100 writes a few pages", "[state]") {
  TempDir temp;
  Sample sample(4);
  const auto database = Database::open(temp.path("state.db"), false);
  DirRecord record{sample.summary(), {}};
  for (int k = 100; k < 200; ++k) record.entries.push_back(plain_file(sample, "file" + std::to_string(k)));
  in_transaction(*database, [&](Writer& writer) {
    for (DirId id = 1; id < 50; ++id) writer.put_dir(id, record);
  });
  const auto start = database->written_bytes();
  record.entries[50] = plain_file(sample, "file150");
  record.summary = sample.summary();
  in_transaction(*database, [&](Writer& writer) { writer.put_dir(20, record); });
  const auto written = database->written_bytes() - start;
  CAPTURE(written);
  CHECK(written <= 6 * 4120);
}
