// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <thread>

#include "sample.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::state;
using syncline::test::TempDir;

namespace {

/// A record in which every entry tells the generation.
DirRecord generation(std::uint64_t number) {
  DirRecord record;
  record.summary.fingerprint.low = number;
  for (int k = 0; k < 40; ++k) {
    auto& entry = record.entries.emplace_back();
    entry.name = "n" + std::to_string(100 + k);
    entry.stat.inode = number;
  }
  return record;
}

}  // namespace

TEST_CASE("readers in several threads see whole commits, and later ones later", "[state]") {
  TempDir temp;
  const auto database = Database::open(temp.path("state.db"), false);
  in_transaction(*database, [](Writer& writer) { writer.put_dir(1, generation(1)); });
  std::atomic<std::uint64_t> committed{1};
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int k = 0; k < 3; ++k) {
    threads.emplace_back([&] {
      const auto reader = database->reader();
      std::uint64_t last = 0;
      while (!stop) {
        const auto floor = committed.load();
        const auto record = reader->dir(1);
        const auto seen = record ? record->summary.fingerprint.low : 0;
        if (seen < floor || seen < last || !(*record == generation(seen))) ++wrong;
        last = seen;
        // Read through another reader, which may be a commit behind this one, but not behind what had ended.
        if (!database->value("n") && floor > 1) ++wrong;
      }
    });
  }
  for (std::uint64_t number = 2; number <= 400; ++number) {
    in_transaction(*database, [&](Writer& writer) {
      writer.put_dir(1, generation(number));
      writer.put_value("n", as_bytes("set"));
    });
    committed = number;
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("idle readers do not let the log grow without bound", "[state]") {
  TempDir temp;
  Sample sample(31);
  const auto database = Database::open(temp.path("state.db"), false);
  const auto reader = database->reader();
  CHECK_FALSE(reader->summary(1));
  for (int round = 0; round < 100; ++round) {
    in_transaction(*database, [&](Writer& writer) { writer.put_dir(1, sample.dir(3000)); });
    if (round % 10 == 0) CHECK(reader->summary(1));
  }
  CHECK(std::filesystem::file_size(temp.path("state.db-wal")) < 40u * 1024 * 1024);
}
