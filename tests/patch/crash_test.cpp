// SPDX-License-Identifier: Apache-2.0
// The process is killed, or a call fails, at every point of the work.
#include <sys/mman.h>

#include <cerrno>

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
using test::Setup;

/// Flags that a child sets and its parent reads after the child was killed.
class SharedFlags {
 public:
  SharedFlags()
      : flags_(static_cast<Scenario::Flags*>(::mmap(nullptr, sizeof(Scenario::Flags), PROT_READ | PROT_WRITE,
                                                    MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~SharedFlags() { ::munmap(flags_, sizeof *flags_); }
  Scenario::Flags& operator*() const { return *flags_; }

 private:
  Scenario::Flags* flags_;
};

std::vector<std::string> trace_of_work(const Scenario& scenario, const Setup& setup, Counted counted) {
  test::TempDir dir;
  scenario.prepare(dir);
  const auto file_system = test::make_test_fs(fs::linux_fs(), setup.file_system);
  FaultFs faults(*file_system, counted);
  Scenario::Flags flags{};
  REQUIRE(scenario.work(faults, dir, setup, flags) == 0);
  REQUIRE(scenario.check_done(dir).empty());
  return faults.trace();
}

bool can_tear(const std::string& call) {
  return call.starts_with("pwrite") || call.starts_with("copy_range");
}

/// Prepares the directory and works in a child that is killed at call `k`.
void work_until_killed(const Scenario& scenario, const test::TempDir& dir, const Setup& setup,
                       std::uint64_t k, Moment moment, Scenario::Flags& flags) {
  scenario.prepare(dir);
  const auto result = test::run_in_child([&] {
    const auto file_system = test::make_test_fs(fs::linux_fs(), setup.file_system);
    FaultFs faults(*file_system, Counted::mutating);
    faults.kill_at(k, moment);
    return scenario.work(faults, dir, setup, flags);
  });
  REQUIRE(result.killed());
}

}  // namespace

TEST_CASE("killed at any call, every file is old or new and the next run completes it", "[patch]") {
  const Scenario scenario;
  for (const auto& setup : test::all_setups()) {
    CAPTURE(setup.name);
    const auto trace = trace_of_work(scenario, setup, Counted::mutating);
    CHECK(trace.size() > 30);
    for (std::uint64_t k = 1; k <= trace.size(); ++k) {
      // Killed after a call is the same as killed before the next one.
      for (const auto moment : {Moment::before, Moment::torn}) {
        if (moment == Moment::torn && !can_tear(trace[k - 1])) continue;
        CAPTURE(k, trace[k - 1], moment == Moment::torn);
        const test::TempDir dir;
        const SharedFlags flags;
        work_until_killed(scenario, dir, setup, k, moment, *flags);
        REQUIRE(test::recover_and_finish(scenario, dir, setup, *flags) == "");
      }
    }
  }
}

TEST_CASE("recovery itself may be killed at any call", "[patch]") {
  const Scenario scenario;
  const auto& setup = test::setup("in place");
  const auto trace = trace_of_work(scenario, setup, Counted::mutating);
  int points = 0;
  for (std::uint64_t k = 1; k <= trace.size(); ++k) {
    // Between the point of no return and the checkpoint, in the second batch: two files are on
    // their way.
    const auto& call = trace[k - 1];
    if (!call.starts_with("pwrite grown") && !call.starts_with("set_mtime shrunk")) continue;
    ++points;
    CAPTURE(k, call);
    std::uint64_t steps = 0;
    {
      const test::TempDir dir;
      const SharedFlags flags;
      work_until_killed(scenario, dir, setup, k, Moment::torn, *flags);
      const auto file_system = test::make_test_fs(fs::linux_fs(), setup.file_system);
      FaultFs faults(*file_system, Counted::mutating);
      const test::Replica replica(faults, dir.path(), setup.area);
      CHECK(replica.area->recovery().redone_count == 2);
      CHECK(replica.area->recovery().temp_files_removed <= 1);
      steps = faults.count();
    }
    for (std::uint64_t j = 1; j <= steps; ++j) {
      CAPTURE(j);
      const test::TempDir dir;
      const SharedFlags flags;
      work_until_killed(scenario, dir, setup, k, Moment::torn, *flags);
      const auto result = test::run_in_child([&] {
        const auto file_system = test::make_test_fs(fs::linux_fs(), setup.file_system);
        FaultFs faults(*file_system, Counted::mutating);
        faults.kill_at(j, Moment::torn);
        const test::Replica replica(faults, dir.path(), setup.area);
        return 0;
      });
      REQUIRE(result.killed());
      REQUIRE(test::recover_and_finish(scenario, dir, setup, *flags) == "");
    }
  }
  CHECK(points >= 4);
}

namespace {

struct Fault {
  int error_number = EIO;
  bool forever = false;
  Moment moment = Moment::torn;
};

/// Runs the work with call `k` failing, then without faults. Empty when all is well.
std::string fail_and_finish(const Scenario& scenario, const Setup& setup, std::uint64_t k,
                            const Fault& fault) {
  const test::TempDir dir;
  scenario.prepare(dir);
  Scenario::Flags flags{};
  {
    const auto file_system = test::make_test_fs(fs::linux_fs(), setup.file_system);
    FaultFs faults(*file_system);
    if (fault.forever) faults.fail_from(k, fault.error_number, fault.moment);
    else faults.fail_at(k, fault.error_number, fault.moment);
    try {
      scenario.work(faults, dir, setup, flags);
    } catch (const Error&) {}
    if (faults.struck() == 0) return "the fault was not reached";
  }
  return test::recover_and_finish(scenario, dir, setup, flags);
}

bool is_read(const std::string& call) {
  for (const auto* op : {"stat", "pread", "extent_at", "open_", "list", "xattrs", "read_link"})
    if (call.starts_with(op)) return true;
  return false;
}

}  // namespace

TEST_CASE("any call may fail, once or from then on, and no file is lost or mixed", "[patch]") {
  const Scenario scenario;
  for (const auto* name : {"in place", "rewrite, no syncfs", "clone"}) {
    const auto& setup = test::setup(name);
    CAPTURE(setup.name);
    const auto trace = trace_of_work(scenario, setup, Counted::all);
    for (std::uint64_t k = 1; k <= trace.size(); ++k) {
      CAPTURE(k, trace[k - 1]);
      REQUIRE(fail_and_finish(scenario, setup, k, {}) == "");
      if (is_read(trace[k - 1])) continue;
      REQUIRE(fail_and_finish(scenario, setup, k, {ENOSPC}) == "");
      const Fault more[] = {{EIO, false, Moment::after}, {EIO, true}, {ENOSPC, true}};
      REQUIRE(fail_and_finish(scenario, setup, k, more[k % 3]) == "");
    }
  }
}

TEST_CASE("recovery may fail at any call and be tried again", "[patch]") {
  const Scenario scenario;
  const auto& setup = test::setup("in place");
  const auto trace = trace_of_work(scenario, setup, Counted::mutating);
  std::uint64_t k = trace.size();
  while (!trace[k - 1].starts_with("pwrite grown")) --k;
  for (std::uint64_t j = 1;; ++j) {
    CAPTURE(j);
    const test::TempDir dir;
    const SharedFlags flags;
    work_until_killed(scenario, dir, setup, k, Moment::before, *flags);
    const auto file_system = test::make_test_fs(fs::linux_fs(), setup.file_system);
    FaultFs faults(*file_system);
    faults.fail_at(j, EIO, Moment::torn);
    try {
      const test::Replica replica(faults, dir.path(), setup.area);
    } catch (const Error&) {}
    REQUIRE(test::recover_and_finish(scenario, dir, setup, *flags) == "");
    if (faults.struck() == 0) break;
  }
}

TEST_CASE("nothing is renamed, patched or checkpointed before what it depends on is synced", "[patch]") {
  const Scenario scenario;
  const auto trace = trace_of_work(scenario, test::setup("in place"), Counted::mutating);
  const auto find = [&](const std::string& start, std::size_t from) {
    for (std::size_t i = from; i < trace.size(); ++i)
      if (trace[i].starts_with(start)) return i;
    FAIL(start << " is missing");
    return trace.size();
  };
  // The first batch: a patched file, a replaced one, a new one.
  const auto records_sync = find("sync_data journal", 0);
  const auto commit = find("pwrite journal", records_sync);
  const auto commit_sync = find("sync_data journal", commit);
  const auto temps_sync = find("sync_filesystem", 0);
  const auto first_patch = find("pwrite patched", 0);
  const auto rename = find("rename .syncline-tmp", 0);
  const auto rename_new = find("rename_new .syncline-tmp", 0);
  const auto names_sync = find("sync_filesystem", temps_sync + 1);
  const auto data_sync = find("sync_data patched", 0);
  const auto time = find("set_mtime patched", 0);
  const auto time_sync = find("sync patched", time);
  const auto checkpoint = find("truncate journal", 0);
  CHECK(temps_sync < std::min(rename, rename_new));
  CHECK(find("sync_data journal", records_sync + 1) == commit_sync);
  CHECK(commit_sync < first_patch);
  CHECK(std::max(rename, rename_new) < names_sync);
  CHECK(first_patch < data_sync);
  CHECK(data_sync < time);
  CHECK(time < time_sync);
  CHECK(time_sync < checkpoint);
  CHECK(find("sync journal", checkpoint) < find("pwrite journal", checkpoint));
}

TEST_CASE("a failed sync fails the whole batch and nothing of it appears", "[patch]") {
  for (const auto& setup : test::all_setups()) {
    if (setup.area.durability != patch::Durability::batch) continue;
    CAPTURE(setup.name);
    test::TempDir dir;
    dir.write("old", "old");
    const auto file_system = test::make_test_fs(fs::linux_fs(), setup.file_system);
    FaultFs faults(*file_system);
    test::Replica replica(faults, dir.path(), setup.area);
    replica.put("old", "new");
    replica.put("fresh", "new");
    faults.fail_op(setup.file_system.reliable_syncfs ? "sync_filesystem" : "sync", EIO);
    const auto outcomes = replica.area->commit();
    CHECK(faults.struck() == 1);
    REQUIRE(outcomes.size() == 2);
    for (const auto& outcome : outcomes) {
      CHECK_FALSE(outcome.stat);
      CHECK(outcome.error);
    }
    CHECK(dir.read("old") == "old");
    CHECK_FALSE(dir.exists("fresh"));
    replica.area->close_clean();
    CHECK(test::leftovers(dir).empty());
  }
}

}  // namespace syncline
