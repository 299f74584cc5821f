// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "base/limits.hpp"
#include "sample.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::state;
using syncline::test::TempDir;

namespace {

std::string value_of(Database& database, const std::string& key) {
  const auto value = database.value(key);
  return value ? std::string(as_text(*value)) : "";
}

std::size_t snapshot_files(const TempDir& temp) {
  std::size_t out = 0;
  for (const auto& entry : std::filesystem::directory_iterator(temp.path())) {
    const auto name = entry.path().filename().string();
    if (name.find(".snapshot-") != name.npos && !name.ends_with(".lock")) ++out;
  }
  return out;
}

}  // namespace

TEST_CASE("a snapshot has what the writer of a state committed, and keeps its own changes to itself",
          "[state]") {
  TempDir temp;
  const auto path = temp.path("state.db");
  const auto original = Database::open(path, false);
  put(*original, "k", "committed");
  auto pending = original->writer();
  pending->put_value("k", as_bytes("pending"));
  auto snapshot = Database::open_snapshot(path);
  CHECK(value_of(*snapshot, "k") == "committed");
  put(*snapshot, "k", "of the snapshot");
  pending->commit(false);
  pending.reset();
  CHECK(value_of(*snapshot, "k") == "of the snapshot");
  CHECK(value_of(*original, "k") == "pending");
  CHECK(snapshot_files(temp) > 0);
  snapshot.reset();
  CHECK(snapshot_files(temp) == 0);
}

TEST_CASE("a snapshot that a killed process left is taken over with its number", "[state]") {
  TempDir temp;
  const auto path = temp.path("state.db");
  const auto original = Database::open(path, false);
  put(*original, "k", "committed");
  temp.write("state.db.snapshot-1", "half a copy");
  temp.write("state.db.snapshot-1-wal", "of a killed process");
  auto snapshot = Database::open_snapshot(path);
  CHECK(value_of(*snapshot, "k") == "committed");
  snapshot.reset();
  CHECK(snapshot_files(temp) == 0);
}

TEST_CASE("a snapshot of a damaged state is empty and leaves the original alone", "[state]") {
  TempDir temp;
  temp.write("state.db", std::string(8192, 'x'));
  auto snapshot = Database::open_snapshot(temp.path("state.db"));
  CHECK_FALSE(snapshot->set_aside());
  CHECK_FALSE(snapshot->value("k"));
  put(*snapshot, "k", "v");
  CHECK(value_of(*snapshot, "k") == "v");
  CHECK(temp.read("state.db") == std::string(8192, 'x'));
}

TEST_CASE("there are so many snapshots of a state at once and no more", "[state]") {
  TempDir temp;
  const auto path = temp.path("state.db");
  const auto original = Database::open(path, false);
  std::vector<std::unique_ptr<Database>> all;
  for (int n = 0; n < limits::state_snapshots_max; ++n) all.push_back(Database::open_snapshot(path));
  try {
    all.push_back(Database::open_snapshot(path));
    FAIL("one more");
  } catch (const Error& error) {
    CHECK(error.is(Errc::locked));
    CHECK(error.context().find(std::to_string(limits::state_snapshots_max)) != std::string::npos);
  }
  all.erase(all.begin() + 7);
  CHECK_NOTHROW(all.push_back(Database::open_snapshot(path)));
}
