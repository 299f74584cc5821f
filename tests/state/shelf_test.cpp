// SPDX-License-Identifier: Apache-2.0
// How many state databases one client can have made.
#include "state/shelf.hpp"

#include <filesystem>
#include <optional>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "base/world.hpp"
#include "state/snapshot.hpp"
#include "state/state.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::state;
using namespace syncline::test;

namespace {

struct Shelf {
  std::vector<std::string> open(const std::string& name, const std::string& owner = "one") {
    auto removed = make_room(fs::linux_fs(), path(), name, {owner, 3}, now_ns += 1'000'000'000);
    last = Database::open(path() + "/" + name, false);
    return removed;
  }
  std::string path() { return dir.path("states"); }
  bool has(const std::string& name) const { return dir.exists("states/" + name); }

  TempDir dir;
  std::string made = dir.make_dir("states");
  std::unique_ptr<Database> last;
  std::int64_t now_ns = system_clock().now_ns() + 3600 * std::int64_t{1'000'000'000};  // after what is made
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("an owner makes as many states as it may, and one more costs the oldest", "[state][bounds]") {
  Shelf shelf;
  for (const std::string name : {"a.db", "b.db", "c.db"}) CHECK(shelf.open(name).empty());
  CHECK(shelf.open("d.db") == Names{"a.db"});
  CHECK_FALSE((shelf.has("a.db") || shelf.has("a.db.lock") || shelf.has("a.db-wal")));
  CHECK((shelf.has("b.db") && shelf.has("c.db") && shelf.has("d.db")));
}

TEST_CASE("the state that was opened last is the last one to go", "[state][bounds]") {
  Shelf shelf;
  for (const std::string name : {"a.db", "b.db", "c.db"}) shelf.open(name);
  CHECK(shelf.open("a.db").empty());
  CHECK(shelf.open("d.db") == Names{"b.db"});
  CHECK(shelf.open("b.db") == Names{"c.db"});
}

TEST_CASE("states that are open stay, and where all are there is no room", "[state][bounds]") {
  Shelf shelf;
  shelf.open("a.db");
  auto a = std::move(shelf.last);
  for (const std::string name : {"b.db", "c.db"}) shelf.open(name);
  CHECK(shelf.open("d.db") == Names{"b.db"});
  CHECK(shelf.has("a.db"));
  auto d = std::move(shelf.last);
  shelf.open("c.db");
  auto c = std::move(shelf.last);
  try {
    shelf.open("e.db");
    FAIL("made");
  } catch (const Error& error) {
    CHECK(error.is(Errc::locked));
  }
  CHECK_FALSE(shelf.has("e.db"));
}

TEST_CASE("a state goes with its snapshots, and stays while one is read", "[state][bounds]") {
  Shelf shelf;
  shelf.open("a.db");
  std::optional<SnapshotFile> snapshot(shelf.path() + "/a.db");
  for (const std::string name : {"b.db", "c.db"}) shelf.open(name);
  SECTION("it is not read any more") {
    snapshot.reset();
    CHECK(shelf.has("a.db.snapshot-1.lock"));
    CHECK(shelf.open("d.db") == Names{"a.db"});
    CHECK_FALSE((shelf.has("a.db") || shelf.has("a.db.snapshot-1") || shelf.has("a.db.snapshot-1.lock")));
  }
  SECTION("it is") {
    CHECK(shelf.open("d.db") == Names{"b.db"});
    CHECK((shelf.has("a.db") && shelf.has("a.db.snapshot-1")));
  }
}

TEST_CASE("an owner loses nothing by what others make or open", "[state][bounds]") {
  Shelf shelf;
  for (const std::string name : {"a.db", "b.db", "c.db"}) shelf.open(name);
  CHECK(shelf.open("a.db", "other").empty());
  for (const std::string name : {"x.db", "y.db", "z.db"}) CHECK(shelf.open(name, "other").empty());
  CHECK(shelf.open("w.db", "other") == Names{"x.db"});
  CHECK((shelf.has("a.db") && shelf.has("b.db") && shelf.has("c.db")));
}

TEST_CASE("a state that was removed by hand makes room", "[state][bounds]") {
  Shelf shelf;
  for (const std::string name : {"a.db", "b.db", "c.db"}) shelf.open(name);
  shelf.last.reset();
  std::filesystem::remove(shelf.path() + "/b.db");
  CHECK(shelf.open("d.db").empty());
}

TEST_CASE("as many peers as the limit are remembered, the newest among them", "[state][bounds]") {
  TempDir dir;
  const auto database = Database::open(dir.path("peers.db"), false);
  const auto fill = [&](std::size_t from, std::size_t to) {
    const auto writer = database->writer();
    for (auto i = from; i < to; ++i) {
      writer->put_agreement(std::to_string(i), {});
      writer->put_value("owners " + std::to_string(i), Bytes(3));
    }
    writer->put_value("key", Bytes(3));
    writer->commit(false);
  };
  const auto known = [&](std::size_t count) {
    std::size_t agreements = 0, values = 0;
    for (std::size_t i = 0; i < count; ++i) {
      agreements += database->agreement(std::to_string(i)) ? 1 : 0;
      values += database->value("owners " + std::to_string(i)) ? 1 : 0;
    }
    CHECK(agreements == values);
    return agreements;
  };
  fill(0, limits::peers_max);
  CHECK(known(limits::peers_max) == limits::peers_max);
  fill(limits::peers_max, limits::peers_max + 1);
  CHECK(known(limits::peers_max + 1) == limits::peers_max);
  CHECK(database->agreement(std::to_string(limits::peers_max)));
  CHECK(database->value("owners " + std::to_string(limits::peers_max)));
  CHECK(database->value("key"));
}
