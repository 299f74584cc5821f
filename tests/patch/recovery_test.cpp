// SPDX-License-Identifier: Apache-2.0
// What recovery does when files or journal are not as the interrupted run left them.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>

#include "base/limits.hpp"
#include "patch/journal_format.hpp"
#include "replica.hpp"
#include "scenario.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/fault_fs.hpp"

namespace syncline {
namespace {

using test::Counted;
using test::FaultFs;
using test::Moment;
using test::Scenario;

constexpr std::size_t big_bytes = 64 << 10;

/// Changes sectors 4, 40 and 80 of a file of 64 KiB, killed before the `nth` call of `op`.
struct Interrupted {
  explicit Interrupted(const std::string& op, std::uint64_t nth) {
    std::mt19937_64 random(7);
    before = test::random_text(random, big_bytes);
    after = before;
    for (const std::size_t sector : {4, 40, 80}) after[sector * 512 + 100] ^= 1;
    dir.make_dir("sub");
    dir.write("sub/file.tar.gz", before);
    const auto result = test::run_in_child([&] {
      FaultFs faults(fs::linux_fs());
      faults.call_op(
          op,
          [] {
            ::kill(::getpid(), SIGKILL);
            ::pause();
          },
          nth);
      test::Replica replica(faults, dir.path(), test::forced_inplace());
      const std::shared_ptr<fs::Dir> parent = replica.root->open_dir("sub");
      patch::FilePlan plan;
      plan.expected = parent->stat_at("file.tar.gz");
      plan.new_bytes = big_bytes;
      plan.changed_bytes = 3;
      auto file = replica.area->begin(parent, RelPath::parse("sub/file.tar.gz"), plan);
      file->write(0, as_bytes(after));
      file->finish(test::with_mtime(Scenario::new_time_ns), 0);
      replica.area->commit();
      return 0;
    });
    REQUIRE(result.killed());
  }

  std::string content() const { return dir.read("sub/file.tar.gz"); }
  /// Overwrites bytes without a change of inode or size.
  void edit(std::size_t offset, const std::string& bytes) const {
    const auto file = dir.open()->open_dir("sub")->open_write("file.tar.gz");
    file->pwrite(as_bytes(bytes), offset);
  }
  patch::Recovery recover() const {
    const test::Replica replica(fs::linux_fs(), dir.path(), test::forced_inplace());
    return replica.area->recovery();
  }

  test::TempDir dir;
  std::string before;
  std::string after;
};

/// Writes of the child: file header, begin, data, finish, commit; then the three sectors.
constexpr std::uint64_t journal_writes = 5;

}  // namespace

TEST_CASE("recovery completes a change that was committed", "[patch]") {
  const Interrupted work("pwrite", journal_writes + 2);
  CHECK(work.content() != work.before);
  CHECK(work.content() != work.after);
  const auto recovery = work.recover();
  CHECK(recovery.redone_count == 1);
  CHECK(recovery.discarded_count == 0);
  CHECK(recovery.foreign_paths.empty());
  CHECK(work.content() == work.after);
  CHECK(fs::linux_fs().stat_path(work.dir.path("sub/file.tar.gz"), false)->mtime_ns == Scenario::new_time_ns);
  CHECK(work.recover().redone_count == 0);
  CHECK_FALSE(work.dir.exists(".syncline/journal"));
}

TEST_CASE("recovery discards a change that was not committed", "[patch]") {
  const Interrupted work("pwrite", journal_writes);
  const auto recovery = work.recover();
  CHECK(recovery.redone_count == 0);
  CHECK(recovery.discarded_count == 1);
  CHECK(work.content() == work.before);
}

TEST_CASE("what arrived of a change in place that broke off is a partial file then", "[patch][long]") {
  const bool killed = GENERATE(true, false);
  CAPTURE(killed);
  constexpr std::size_t file_bytes = 24 << 20;
  constexpr std::size_t chunk_bytes = 20'000;  // no multiple of a sector
  std::mt19937_64 random(11);
  const test::TempDir dir;
  const auto before = test::random_text(random, file_bytes);
  dir.write("f", before);
  constexpr std::size_t count = 200;
  std::string arrived;
  // Every sector differs, so that a run that is killed has written most of it out.
  for (std::size_t k = 0; k < count; ++k) arrived += before.substr(k * 5 * chunk_bytes, chunk_bytes);
  for (std::size_t i = 0; i < arrived.size(); i += 100) arrived[i] ^= static_cast<char>(1 + random() % 7);
  const auto break_off = [&] {
    test::Replica replica(fs::linux_fs(), dir.path(), test::forced_inplace());
    patch::FilePlan plan;
    plan.expected = replica.stat("f");
    plan.new_bytes = file_bytes;
    plan.changed_bytes = count * chunk_bytes;
    auto file = replica.begin("f", plan);
    REQUIRE(file->strategy() == patch::Strategy::inplace);
    for (std::size_t k = 0; k < count; ++k) {
      const auto at = k * 5 * chunk_bytes;
      file->write(at, as_bytes(arrived).subspan(k * chunk_bytes, chunk_bytes));
      file->copy(at + chunk_bytes, at + chunk_bytes, 4 * chunk_bytes);
    }
    if (killed) ::kill(::getpid(), SIGKILL);
    file->leave_behind();
  };
  if (killed) {
    const auto result = test::run_in_child([&] {
      break_off();
      return 0;
    });
    REQUIRE(result.killed());
  } else {
    break_off();
  }
  CHECK(dir.read("f") == before);
  const test::Replica replica(fs::linux_fs(), dir.path(), test::forced_inplace());
  CHECK(replica.area->recovery().discarded_count == 1);
  CHECK(replica.area->recovery().partial_files_kept == 1);
  CHECK_FALSE(dir.exists(".syncline/journal"));
  REQUIRE(replica.area->partials() == std::vector<std::uint32_t>{0});
  const auto partial = dir.read(".syncline/partial/0");
  REQUIRE(partial.size() == file_bytes);
  // What a killed run had not written out yet is less than a record.
  const auto whole = killed ? arrived.size() - patch::record_payload_bytes * 3 / 2 : arrived.size();
  CHECK(partial.compare(0, whole, arrived, 0, whole) == 0);
  CHECK(dir.read("f") == before);
}

TEST_CASE("little that arrived of a change in place is not kept", "[patch]") {
  const test::TempDir dir;
  std::mt19937_64 random(13);
  const auto before = test::random_text(random, 4 << 20);
  dir.write("f", before);
  {
    test::Replica replica(fs::linux_fs(), dir.path(), test::forced_inplace());
    patch::FilePlan plan;
    plan.expected = replica.stat("f");
    plan.new_bytes = before.size();
    auto file = replica.begin("f", plan);
    file->write(0, as_bytes(test::random_text(random, limits::partial_bytes_min - 1)));
    file->leave_behind();
  }
  const test::Replica replica(fs::linux_fs(), dir.path(), test::forced_inplace());
  CHECK(replica.area->partials().empty());
  CHECK_FALSE(dir.exists(".syncline/journal"));
  CHECK(dir.read("f") == before);
}

TEST_CASE("bytes of somebody else are not overwritten by recovery", "[patch]") {
  const Interrupted work("pwrite", journal_writes + 2);
  work.edit(40 * 512 + 7, "edited");
  const auto edited = work.content();
  const auto recovery = work.recover();
  CHECK(recovery.redone_count == 0);
  CHECK(recovery.foreign_paths == std::vector<std::string>{"sub/file.tar.gz"});
  CHECK(recovery.kept_as == std::vector<std::string>{"sub/file.conflict-local-1.tar.gz"});
  CHECK(work.content() == edited);
  CHECK(work.dir.read("sub/file.conflict-local-1.tar.gz") == work.after);
  CHECK_FALSE(work.dir.exists(".syncline/journal"));
}

TEST_CASE("the kept version is not kept twice when recovery is interrupted", "[patch]") {
  const Interrupted work("pwrite", journal_writes + 2);
  work.edit(40 * 512 + 7, "edited");
  work.dir.write("sub/file.conflict-local-1.tar.gz", "another conflict");
  {
    FaultFs faults(fs::linux_fs());
    // Removing the probe for the owner, then the journal.
    faults.fail_op("unlink", EIO, 2);
    CHECK_THROWS_AS(test::Replica(faults, work.dir.path(), test::forced_inplace()), Error);
    CHECK(faults.struck() == 1);
  }
  const auto recovery = work.recover();
  CHECK(recovery.kept_as == std::vector<std::string>{"sub/file.conflict-local-2.tar.gz"});
  CHECK(work.dir.read("sub/file.conflict-local-2.tar.gz") == work.after);
  CHECK_FALSE(work.dir.exists("sub/file.conflict-local-3.tar.gz"));
}

TEST_CASE("a target that was replaced, resized, removed or made a link is left alone", "[patch]") {
  const Interrupted work("pwrite", journal_writes + 1);
  const auto path = work.dir.path("sub/file.tar.gz");
  std::string kept;
  SECTION("replaced") {
    work.dir.write("sub/other", "other");
    std::filesystem::rename(work.dir.path("sub/other"), path);
  }
  SECTION("removed") { std::filesystem::remove(path); }
  SECTION("its directory removed") { std::filesystem::remove_all(work.dir.path("sub")); }
  SECTION("appended to") {
    std::ofstream(path, std::ios::app) << "more";
    kept = "sub/file.conflict-local-1.tar.gz";
  }
  SECTION("a symlink to the file that it was") {
    std::filesystem::rename(path, work.dir.path("moved"));
    std::filesystem::create_symlink("../moved", path);
  }
  SECTION("a parent that became a symlink") {
    std::filesystem::rename(work.dir.path("sub"), work.dir.path("away"));
    std::filesystem::create_directory_symlink("away", work.dir.path("sub"));
  }
  const auto size = std::filesystem::exists(path) ? std::filesystem::file_size(path) : 0;
  const auto recovery = work.recover();
  CHECK(recovery.redone_count == 0);
  CHECK(recovery.foreign_paths == std::vector<std::string>{"sub/file.tar.gz"});
  CHECK(recovery.kept_as == std::vector<std::string>{kept});
  CHECK((std::filesystem::exists(path) ? std::filesystem::file_size(path) : 0) == size);
  if (!kept.empty()) CHECK(work.dir.read(kept) == work.after);
  CHECK_FALSE(work.dir.exists(".syncline/journal"));
}

TEST_CASE("a damaged journal stops everything and is left for a person", "[patch]") {
  const Interrupted work("pwrite", journal_writes + 2);
  const auto half = work.content();
  auto journal = work.dir.read(".syncline/journal");
  journal[512 + 70] ^= 1;
  work.dir.write(".syncline/journal", journal);
  try {
    work.recover();
    FAIL("a damaged journal was accepted");
  } catch (const Error& error) {
    CHECK(error.is(Errc::corrupt));
    CHECK(std::string(error.what()).find(".syncline/journal") != std::string::npos);
  }
  CHECK(work.content() == half);
  CHECK(work.dir.read(".syncline/journal") == journal);
}

TEST_CASE("no flipped bit and no cut of the journal makes a mix", "[patch][long]") {
  const auto nth = GENERATE(0, 1, 2, 3, 4);
  // Of the last everything is in place, and the journal not emptied yet.
  const Interrupted work = nth == 4 ? Interrupted("truncate", 1)
                                    : Interrupted("pwrite", static_cast<std::uint64_t>(journal_writes + nth));
  const auto journal = work.dir.read(".syncline/journal");
  const auto content = work.content();
  std::mt19937_64 random(static_cast<unsigned>(nth));
  int refused = 0;
  int accepted = 0;
  const auto try_with = [&](const std::string& damaged) {
    work.edit(0, content);
    work.dir.write(".syncline/journal", damaged);
    try {
      const auto recovery = work.recover();
      ++accepted;
      REQUIRE(recovery.foreign_paths.empty());
      const auto now = work.content();
      REQUIRE((now == work.before || now == work.after));
    } catch (const Error& error) {
      ++refused;
      REQUIRE(error.is(Errc::corrupt));
      REQUIRE(work.content() == content);
      REQUIRE(work.dir.read(".syncline/journal") == damaged);
    }
  };
  for (std::size_t at = 0; at < journal.size(); at += at % 512 < 70 ? 1 : 29) {
    CAPTURE(at);
    auto damaged = journal;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
    try_with(damaged);
  }
  // Of a journal cut before the data nothing is left that could tell of a half-patched file.
  constexpr std::size_t data_end = 512 + 512 + 5 * 512;
  for (std::size_t size = data_end; size < journal.size(); size += 20) {
    CAPTURE(size);
    try_with(journal.substr(0, size));
  }
  CHECK(accepted > 0);
  if (nth > 1) CHECK(refused > accepted);
}

TEST_CASE("a full disk during recovery leaves the journal for the next run", "[patch]") {
  const Interrupted work("pwrite", journal_writes + 1);
  {
    FaultFs faults(fs::linux_fs());
    // After the probe's creation nothing but the target is written.
    faults.fail_every("pwrite", ENOSPC);
    CHECK_THROWS_AS(test::Replica(faults, work.dir.path(), test::forced_inplace()), Error);
  }
  CHECK(work.recover().redone_count == 1);
  CHECK(work.content() == work.after);
}

TEST_CASE("recovery restores the metadata, set-id bits included", "[patch]") {
  const Interrupted work("set_mtime", 1);
  const auto path = work.dir.path("sub/file.tar.gz");
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  CHECK(work.recover().redone_count == 1);
  const auto stat = fs::linux_fs().stat_path(path, false);
  CHECK(stat->mode == 0644);
  CHECK(stat->mtime_ns == Scenario::new_time_ns);
}

TEST_CASE("temporary files of a dead run are removed, whatever they are", "[patch]") {
  test::TempDir dir;
  dir.make_dir(".syncline/tmp");
  dir.write("victim", "safe");
  dir.write(".syncline/tmp/dead", "half");
  std::filesystem::create_symlink("../../victim", dir.path(".syncline/tmp/link"));
  std::filesystem::permissions(dir.path(".syncline"), std::filesystem::perms::owner_all);
  test::Replica replica(fs::linux_fs(), dir.path(), test::forced_inplace());
  CHECK(replica.area->recovery().temp_files_removed == 2);
  CHECK(dir.read("victim") == "safe");
  replica.area->close_clean();
  CHECK(test::leftovers(dir).empty());
}

TEST_CASE("a target that runs out of space is taken back before a byte is changed", "[patch]") {
  test::TempDir dir;
  dir.write("file", std::string(10'000, 'o'));
  FaultFs faults(fs::linux_fs());
  test::Replica replica(faults, dir.path(), test::forced_inplace());
  const auto old = *replica.stat("file");
  patch::FilePlan plan;
  plan.expected = old;
  plan.new_bytes = 30'000;
  plan.changed_bytes = 20'001;
  auto file = replica.begin("file", plan);
  file->write(0, as_bytes(std::string("n")));
  file->copy(1, 1, 9'999);
  file->write(10'000, as_bytes(std::string(20'000, 'n')));
  file->finish({}, 0);
  file.reset();
  // The journal has reserved its space by now; the next reservation is the target's.
  faults.fail_every("preallocate", ENOSPC);
  const auto outcomes = replica.area->commit();
  CHECK(faults.struck() > 0);
  CHECK_FALSE(outcomes.at(0).stat);
  CHECK(dir.read("file") == std::string(10'000, 'o'));
  CHECK(replica.stat("file")->mtime_ns == old.mtime_ns);
  replica.area->close_clean();
  CHECK(test::leftovers(dir).empty());
}

}  // namespace syncline
