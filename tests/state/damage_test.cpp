// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "sample.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::state;
using syncline::test::TempDir;

namespace {

struct Content {
  std::map<DirId, DirRecord> dirs;
  std::map<ManifestId, manifest::Manifest> manifests;
  Bytes secret;
};

Content fill(const std::string& path, Sample& sample) {
  Content out;
  const auto database = Database::open(path, false);
  in_transaction(*database, [&](Writer& writer) {
    for (DirId id = 1; id <= 60; ++id) writer.put_dir(id, out.dirs[id] = sample.dir(1 + sample.below(60)));
    for (int k = 0; k < 10; ++k) {
      const auto manifest = sample.manifest(1 + sample.below(600));
      out.manifests[writer.put_manifest(manifest, 0)] = manifest;
    }
    const auto secret = sample.digest();
    out.secret.assign(secret.bytes.begin(), secret.bytes.end());
    writer.put_value("secret", out.secret);
  });
  return out;
}

/// Counts what was found wrong; nothing and the right value are both fine.
class Verdict {
 public:
  template <class Read, class Expected>
  void expect(Read read, const Expected& expected) {
    try {
      const auto found = read();
      if (found) REQUIRE(*found == expected);
      (found ? right : missing) += 1;
    } catch (const Error&) {
      ++refused;
    }
  }
  int right = 0, missing = 0, refused = 0;
};

void read_all(Database& database, const Content& content, Verdict& verdict) {
  std::unique_ptr<Reader> reader;
  try {
    reader = database.reader();
    for (const auto id : reader->dirs()) (void)id;
  } catch (const Error&) {
    ++verdict.refused;
    if (reader == nullptr) return;
  }
  for (const auto& [id, record] : content.dirs) {
    verdict.expect([&, key = id] { return reader->summary(key); }, record.summary);
    verdict.expect([&, key = id] { return reader->dir(key); }, record);
  }
  for (const auto& [id, manifest] : content.manifests)
    verdict.expect([&, key = id] { return reader->manifest(key); }, manifest);
  verdict.expect([&] { return database.value("secret"); }, content.secret);
}

/// Changes after damage may fail, but only with an Error.
void write_some(Database& database, const Content& content, Sample& sample) {
  try {
    in_transaction(database, [&](Writer& writer) {
      for (const auto& [id, record] : content.dirs)
        if (sample.one_in(5)) writer.put_dir(id, sample.dir(10));
      for (const auto& [id, manifest] : content.manifests)
        if (sample.one_in(3)) writer.put_manifest(manifest, id);
    });
  } catch (const Error&) {}
}

void damage(std::string& bytes, Sample& sample) {
  switch (sample.below(4)) {
    case 0: bytes.resize(sample.below(bytes.size())); break;
    case 1: {
      const auto start = sample.below(bytes.size());
      for (auto k = start; k < std::min(bytes.size(), start + 4096); ++k)
        bytes[k] = static_cast<char>(sample.number());
      break;
    }
    default:
      for (auto count = 1 + sample.below(6); count > 0; --count)
        bytes[sample.below(sample.one_in(3) ? std::min<std::uint64_t>(bytes.size(), 8192) : bytes.size())] ^=
            static_cast<char>(1u << sample.below(8));
  }
}

}  // namespace

TEST_CASE("random damage to the file gives errors or nothing, never wrong data", "[state][long]") {
  TempDir temp;
  Sample sample(21);
  const auto content = fill(temp.path("good.db"), sample);
  const auto good = temp.read("good.db");
  Verdict verdict;
  int set_aside = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    Sample random(seed);
    auto bytes = good;
    damage(bytes, random);
    temp.write("bad.db", bytes);
    std::filesystem::remove(temp.path("bad.db-wal"));
    std::filesystem::remove(temp.path("bad.db-shm"));
    try {
      const auto database = Database::open(temp.path("bad.db"), seed % 4 == 0);
      if (database->set_aside()) {
        ++set_aside;
        std::filesystem::remove(*database->set_aside());
      }
      read_all(*database, content, verdict);
      if (seed % 4 != 0) write_some(*database, content, random);
    } catch (const Error&) {
      ++verdict.refused;
    }
  }
  CHECK(set_aside > 2);
  CHECK(verdict.right > 1000);
  CHECK(verdict.refused > 50);
}

TEST_CASE("damage met while reading names the file and the row, and the file can be set aside", "[state]") {
  TempDir temp;
  const auto path = temp.path("state.db");
  {
    const auto database = Database::open(path, false);
    DirRecord record;
    record.entries.emplace_back().name = "UNIQUE-NAME-IN-THE-FILE";
    in_transaction(*database, [&](Writer& writer) { writer.put_dir(5, record); });
  }
  auto bytes = temp.read("state.db");
  bytes[bytes.find("UNIQUE-NAME")] = 'X';
  temp.write("state.db", bytes);
  {
    const auto database = Database::open(path, false);
    CHECK_FALSE(database->set_aside());
    const auto reader = database->reader();
    CHECK(reader->summary(5));
    try {
      reader->dir(5);
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.is(Errc::corrupt));
      CHECK_THAT(error.what(), Catch::Contains("state.db") && Catch::Contains("directory 5"));
    }
  }
  CHECK(Database::set_aside_damaged(path) == path + ".corrupt-1");
  CHECK(temp.exists("state.db.corrupt-1"));
  CHECK_FALSE(Database::open(path, false)->reader()->summary(5));
}
