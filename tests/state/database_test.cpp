// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <filesystem>

#include "sample.hpp"
#include "state/sqlite.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::state;
using syncline::test::TempDir;

namespace {

bool fails_with(Errc code, const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    INFO(error.what());
    return error.is(code);
  }
  return false;
}

unsigned mode_of(const std::string& path) {
  struct stat out {};
  REQUIRE(::stat(path.c_str(), &out) == 0);
  return out.st_mode & 07777;
}

}  // namespace

TEST_CASE("what is committed is there after reopening", "[state]") {
  TempDir temp;
  Sample sample(1);
  const auto record = sample.dir(300);
  const auto manifest = sample.manifest(1000);
  const Agreement agreement{sample.digest(), sample.digest(), sample.digest(), -5};
  ManifestId id = 0;
  {
    const auto database = Database::open(temp.path("state.db"), false);
    CHECK_FALSE(database->set_aside());
    in_transaction(*database, [&](Writer& writer) {
      writer.put_dir(-77, record);
      id = writer.put_manifest(manifest, 0);
      writer.put_agreement("peer", agreement);
      writer.put_value("key", as_bytes("some bytes"));
      writer.put_value("empty", {});
    });
  }
  const auto database = Database::open(temp.path("state.db"), false);
  const auto reader = database->reader();
  CHECK(reader->summary(-77) == record.summary);
  CHECK(reader->dir(-77) == record);
  CHECK(reader->manifest(id) == manifest);
  CHECK(reader->dirs() == std::vector<DirId>{-77});
  CHECK(database->agreement("peer") == agreement);
  CHECK(as_text(database->value("key").value()) == "some bytes");
  CHECK(database->value("empty").value().empty());
}

TEST_CASE("what was never stored is nothing", "[state]") {
  TempDir temp;
  const auto database = Database::open(temp.path("state.db"), false);
  const auto reader = database->reader();
  CHECK_FALSE(reader->summary(1));
  CHECK_FALSE(reader->dir(1));
  CHECK_FALSE(reader->manifest(1));
  CHECK(reader->dirs().empty());
  CHECK_FALSE(database->agreement("a"));
  CHECK_FALSE(database->value("a"));
}

TEST_CASE("a change is seen by open readers at the commit and not before", "[state]") {
  TempDir temp;
  Sample sample(2);
  const auto database = Database::open(temp.path("state.db"), false);
  const auto reader = database->reader();
  const auto before = sample.dir(20);
  const auto after = sample.dir(30);
  in_transaction(*database, [&](Writer& writer) { writer.put_dir(1, before); });
  CHECK(reader->dir(1) == before);
  const auto writer = database->writer();
  writer->put_dir(1, after);
  writer->put_value("k", as_bytes("v"));
  CHECK(reader->dir(1) == before);
  CHECK_FALSE(database->value("k"));
  writer->commit(true);
  CHECK(reader->dir(1) == after);
  CHECK(database->value("k"));
}

TEST_CASE("a writer that is destroyed without commit changes nothing", "[state]") {
  TempDir temp;
  Sample sample(3);
  const auto database = Database::open(temp.path("state.db"), false);
  const auto kept = sample.manifest(500);
  ManifestId id = 0;
  in_transaction(*database, [&](Writer& writer) { id = writer.put_manifest(kept, 0); });
  {
    const auto writer = database->writer();
    writer->put_manifest(sample.manifest(600), id);
    writer->put_dir(4, sample.dir(4));
  }
  const auto reader = database->reader();
  CHECK(reader->manifest(id) == kept);
  CHECK_FALSE(reader->dir(4));
  ManifestId next = 0;
  in_transaction(*database, [&](Writer& writer) { next = writer.put_manifest(sample.manifest(400), id); });
  CHECK(next > id);
}

TEST_CASE("erased rows are gone and leave nothing behind", "[state]") {
  TempDir temp;
  Sample sample(4);
  const auto database = Database::open(temp.path("state.db"), false);
  ManifestId id = 0;
  in_transaction(*database, [&](Writer& writer) {
    writer.put_dir(1, sample.dir(2000));
    writer.put_agreement("p", {});
    id = writer.put_manifest(sample.manifest(3000), 0);
  });
  in_transaction(*database, [&](Writer& writer) {
    writer.erase_dir(1);
    writer.erase_dir(2);
    writer.erase_manifest(id);
    writer.erase_manifest(id + 1);
    writer.erase_agreement("p");
    writer.erase_agreement("q");
  });
  const auto reader = database->reader();
  CHECK_FALSE(reader->summary(1));
  CHECK_FALSE(reader->manifest(id));
  CHECK_FALSE(database->agreement("p"));
  Connection raw(temp.path("state.db"), Connection::Mode::read_only);
  CHECK(raw.integer("SELECT count(*) FROM part") == 0);
  CHECK(raw.text("PRAGMA integrity_check") == "ok");
}

TEST_CASE("files are private and a missing directory is made private", "[state]") {
  TempDir temp;
  const auto database = Database::open(temp.path("deep/er/state.db"), false);
  in_transaction(*database, [](Writer& writer) { writer.put_value("k", as_bytes("v")); });
  CHECK(mode_of(temp.path("deep/er")) == 0700);
  for (const auto* suffix : {"", "-wal", "-shm", ".lock"})
    CHECK(mode_of(temp.path("deep/er/state.db") + suffix) == 0600);
}

TEST_CASE("a second opening for writing is refused as long as the first lives", "[state]") {
  TempDir temp;
  const auto path = temp.path("state.db");
  auto first = Database::open(path, false);
  CHECK(fails_with(Errc::locked, [&] { Database::open(path, false); }));
  CHECK(fails_with(Errc::locked, [&] { Database::set_aside_damaged(path); }));
  in_transaction(*first, [](Writer& writer) { writer.put_value("k", as_bytes("v")); });
  const auto reading = Database::open(path, true);
  CHECK(reading->value("k"));
  CHECK(fails_with(Errc::usage, [&] { reading->writer(); }));
  first.reset();
  CHECK_NOTHROW(Database::open(path, false));
}

TEST_CASE("there is one writer at a time", "[state]") {
  TempDir temp;
  const auto database = Database::open(temp.path("state.db"), false);
  auto writer = database->writer();
  CHECK(fails_with(Errc::locked, [&] { database->writer(); }));
  writer.reset();
  CHECK_NOTHROW(database->writer());
}

TEST_CASE("reading a database that is not there creates nothing", "[state]") {
  TempDir temp;
  CHECK_THROWS_AS(Database::open(temp.path("state.db"), true), Error);
  CHECK_FALSE(temp.exists("state.db"));
}

TEST_CASE("a file that is no database is set aside and named", "[state]") {
  TempDir temp;
  const auto path = temp.path("state.db");
  temp.write("state.db", std::string(10'000, 'x'));
  temp.write("state.db-wal", "old log");
  temp.write("state.db.corrupt-1", "an earlier one");
  CHECK(fails_with(Errc::corrupt, [&] { Database::open(path, true); }));
  CHECK(temp.read("state.db").size() == 10'000);
  const auto database = Database::open(path, false);
  REQUIRE(database->set_aside());
  CHECK(*database->set_aside() == path + ".corrupt-2");
  CHECK(temp.read("state.db.corrupt-2") == std::string(10'000, 'x'));
  CHECK(temp.read("state.db.corrupt-1") == "an earlier one");
  in_transaction(*database, [](Writer& writer) { writer.put_value("k", as_bytes("v")); });
  CHECK(database->value("k"));
}

TEST_CASE("a database with larger pages, as they were made before, is read and written", "[state]") {
  TempDir temp;
  const auto path = temp.path("state.db");
  Database::open(path, false);
  {
    Connection connection(path, Connection::Mode::read_write);
    connection.exec("PRAGMA journal_mode=DELETE");
    connection.exec("PRAGMA page_size=4096");
    connection.exec("VACUUM");
    connection.exec("PRAGMA journal_mode=WAL");
    REQUIRE(connection.integer("PRAGMA page_size") == 4096);
  }
  Sample sample(1);
  const auto record = sample.dir(300);
  {
    const auto database = Database::open(path, false);
    CHECK_FALSE(database->set_aside());
    in_transaction(*database, [&](Writer& writer) { writer.put_dir(5, record); });
    CHECK(database->written_bytes() % (4096 + 24) == 0);
  }
  CHECK(Database::open(path, true)->reader()->dir(5) == record);
}

TEST_CASE("a table that is not as created is damage", "[state]") {
  TempDir temp;
  const auto path = temp.path("state.db");
  Database::open(path, false);
  Connection(path, Connection::Mode::read_write).exec("ALTER TABLE part RENAME COLUMN body TO bodx");
  CHECK(Database::open(path, false)->set_aside());
}

TEST_CASE("another program's database is refused and left alone", "[state]") {
  TempDir temp;
  const auto path = temp.path("state.db");
  temp.write("state.db", "");
  Connection(path, Connection::Mode::read_write).exec("CREATE TABLE mine(x)");
  const auto bytes = temp.read("state.db");
  CHECK(fails_with(Errc::foreign, [&] { Database::open(path, false); }));
  CHECK(temp.read("state.db") == bytes);
}

TEST_CASE("a newer format is refused and left alone", "[state]") {
  TempDir temp;
  const auto path = temp.path("state.db");
  Database::open(path, false);
  Connection(path, Connection::Mode::read_write).exec("PRAGMA user_version=2");
  CHECK(fails_with(Errc::unsupported, [&] { Database::open(path, false); }));
  CHECK(fails_with(Errc::unsupported, [&] { Database::open(path, true); }));
  CHECK(temp.exists("state.db"));
}

TEST_CASE("a log left without its database is not taken for the new one's", "[state]") {
  TempDir temp;
  const auto path = temp.path("state.db");
  std::string log;
  {
    const auto database = Database::open(path, false);
    in_transaction(*database, [](Writer& writer) { writer.put_value("k", as_bytes("v")); });
    log = temp.read("state.db-wal");
  }
  std::filesystem::remove(path);
  temp.write("state.db-wal", log);
  const auto database = Database::open(path, false);
  CHECK_FALSE(database->value("k"));
}

TEST_CASE("names in a directory must be sorted and unique", "[state]") {
  TempDir temp;
  Sample sample(5);
  const auto database = Database::open(temp.path("state.db"), false);
  const auto writer = database->writer();
  for (const auto& names : {std::vector<std::string>{"b", "a"}, std::vector<std::string>{"a", "a"}}) {
    DirRecord record{sample.summary(), {}};
    for (const auto& name : names) record.entries.push_back(sample.entry(name));
    CHECK(fails_with(Errc::malformed, [&] { writer->put_dir(1, record); }));
  }
}

TEST_CASE("a database at rest may be written to by others, and is of no more use then", "[state]") {
  TempDir temp;
  const auto path = temp.path("state.db");
  const auto resting = Database::open(path, false);
  put(*resting, "who", "first");
  const auto reader = resting->reader();
  CHECK(reader->dirs().empty());

  SECTION("nobody came") {
    resting->rest();
    resting->rest();
    REQUIRE(resting->resume());
    put(*resting, "who", "first again");
    CHECK(as_text(resting->value("who").value()) == "first again");
    CHECK(fails_with(Errc::locked, [&] { Database::open(path, false); }));
  }
  SECTION("somebody looked") {
    resting->rest();
    CHECK(as_text(Database::open(path, false)->value("who").value()) == "first");
    CHECK(resting->resume());
  }
  SECTION("somebody works with it") {
    resting->rest();
    auto other = Database::open(path, false);
    CHECK(fails_with(Errc::locked, [&] { resting->resume(); }));
    put(*other, "who", "second");
    other.reset();
    CHECK_FALSE(resting->resume());
    CHECK(as_text(Database::open(path, false)->value("who").value()) == "second");
  }
}

TEST_CASE("a database that takes the place of one at rest keeps its log", "[state]") {
  TempDir temp;
  const auto path = temp.path("state.db");
  auto resting = Database::open(path, false);
  put(*resting, "who", "first");
  resting->rest();
  const bool is_removed = GENERATE(false, true);
  if (is_removed) {
    for (const auto* suffix : {"", "-wal", "-shm", ".lock"}) std::filesystem::remove(path + suffix);
  } else {
    Database::set_aside_damaged(path);
  }
  auto other = Database::open(path, false);
  put(*other, "who", "second");
  CHECK(std::filesystem::exists(path + "-wal"));
  if (is_removed) {
    CHECK_FALSE(resting->resume());
  } else {
    CHECK(fails_with(Errc::locked, [&] { resting->resume(); }));
    other->rest();
    CHECK_FALSE(resting->resume());
    CHECK(other->resume());
  }
  resting.reset();
  CHECK(std::filesystem::exists(path + "-wal"));
  put(*other, "and", "third");
  other.reset();
  CHECK_FALSE(std::filesystem::exists(path + "-wal"));  // it was closed in the ordinary way
  const auto again = Database::open(path, false);
  CHECK(as_text(again->value("who").value()) == "second");
  CHECK(as_text(again->value("and").value()) == "third");
}

TEST_CASE("what was committed before a rest is there when nobody came back", "[state]") {
  TempDir temp;
  const auto path = temp.path("state.db");
  {
    const auto resting = Database::open(path, false);
    put(*resting, "who", "first");
    resting->rest();
  }
  CHECK(as_text(Database::open(path, false)->value("who").value()) == "first");
}

TEST_CASE("a snapshot does not rest", "[state]") {
  TempDir temp;
  const auto path = temp.path("state.db");
  const auto original = Database::open(path, false);
  put(*original, "who", "first");
  const auto snapshot = Database::open_snapshot(path);
  CHECK_FALSE(snapshot->rest());
  CHECK(as_text(snapshot->value("who").value()) == "first");
  CHECK_FALSE(snapshot->resume());
}
