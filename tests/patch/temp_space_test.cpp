// SPDX-License-Identifier: Apache-2.0
// Where temporary files lie, and what files under way keep in memory.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "base/limits.hpp"
#include "patch/temp.hpp"
#include "replica.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/fault_fs.hpp"

namespace syncline {
namespace {

struct Found {
  std::size_t files = 0;  ///< beside the directories
  std::size_t shelves = 0;
  std::size_t fullest = 0;  ///< files of one shelf
};

Found look(const test::TempDir& dir) {
  namespace stdfs = std::filesystem;
  Found found;
  for (const auto& entry : stdfs::directory_iterator(dir.path(".syncline/tmp"))) {
    if (!entry.is_directory()) {
      ++found.files;
      continue;
    }
    ++found.shelves;
    CHECK((entry.status().permissions() & (stdfs::perms::group_all | stdfs::perms::others_all)) ==
          stdfs::perms::none);
    const auto count = std::distance(stdfs::directory_iterator(entry.path()), stdfs::directory_iterator());
    found.fullest = std::max(found.fullest, static_cast<std::size_t>(count));
  }
  return found;
}

std::size_t count_calls(const test::FaultFs& faults, const std::string& op) {
  return static_cast<std::size_t>(
      std::ranges::count_if(faults.trace(), [&](const auto& line) { return line.starts_with(op + " "); }));
}

/// A new file with `size` bytes at its start, of which more are to come.
std::unique_ptr<patch::FileWrite> begin_with(test::Replica& replica, const std::string& name,
                                             std::size_t size) {
  patch::FilePlan plan;
  plan.new_bytes = plan.changed_bytes = 4 * size;
  auto file = replica.begin(name, plan);
  file->write(0, as_bytes(std::string(size, 'x')));
  return file;
}

/// As a run of ours leaves it.
void make_private(const test::TempDir& dir) {
  for (const auto* name : {".syncline", ".syncline/tmp"})
    std::filesystem::permissions(dir.path(name), std::filesystem::perms::owner_all);
}

void put_many(test::Replica& replica, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) replica.put("f" + std::to_string(i), std::to_string(i));
}

}  // namespace

TEST_CASE("few temporary files lie in one directory", "[patch][limit]") {
  test::TempDir dir;
  test::Replica replica(fs::linux_fs(), dir.path(), test::quick());
  // The first name is taken to see what a file is like there.
  put_many(replica, patch::unshelved_count - 1);
  CHECK(look(dir).files == patch::unshelved_count - 1);
  CHECK(look(dir).shelves == 0);
  replica.put("one more", "x");
  CHECK(look(dir).files == patch::unshelved_count - 1);
  CHECK(look(dir).shelves == 1);
  replica.area->commit();
  replica.area->close_clean();
  CHECK(test::leftovers(dir).empty());
}

TEST_CASE("many temporary files are spread over directories of which nothing stays", "[patch]") {
  test::TempDir dir;
  test::FaultFs faults(fs::linux_fs());
  test::Replica replica(faults, dir.path(), test::quick());
  constexpr std::size_t each = 5;
  fs::Metadata metadata;
  metadata.mode = 0640;
  const auto old_umask = ::umask(0);
  for (std::size_t i = 0; i < patch::unshelved_count - 1 + each * patch::shelf_count; ++i) {
    patch::FilePlan plan;
    plan.new_bytes = plan.changed_bytes = 4;
    plan.metadata = &metadata;
    const auto file = replica.begin("f" + std::to_string(i), plan);
    file->write(0, as_bytes(std::string("text")));
    file->finish(metadata, i);
  }
  ::umask(old_umask);
  const auto found = look(dir);
  CHECK(found.shelves == patch::shelf_count);
  CHECK(found.fullest == each);
  for (const auto& outcome : replica.area->commit()) {
    REQUIRE(outcome.stat);
    CHECK(outcome.stat->mode == 0640);
  }
  CHECK(count_calls(faults, "set_mode") == 0);
  CHECK(dir.read("f200") == "text");
  replica.area->close_clean();
  CHECK(test::leftovers(dir).empty());
}

TEST_CASE("what a dead run left in directories of temporary files is kept or removed", "[patch]") {
  test::TempDir dir;
  const std::string shelf = ".syncline/tmp/.syncline-tmp-0123456789ab-dir-11";
  dir.make_dir(shelf);
  dir.write(shelf + "/small", "half");
  dir.write(shelf + "/large", std::string(limits::partial_bytes_min, 'x'));
  dir.write(".syncline/tmp/beside", "half");
  make_private(dir);
  test::Replica replica(fs::linux_fs(), dir.path(), test::quick());
  CHECK(replica.area->recovery().temp_files_removed == 2);
  CHECK(replica.area->recovery().partial_files_kept == 1);
  REQUIRE(replica.area->partials() == std::vector<std::uint32_t>{0});
  // Nothing is put into a directory that may have been given attributes meanwhile.
  CHECK_FALSE(dir.exists(shelf));
  replica.area->drop_partials();
  replica.area->close_clean();
  CHECK(test::leftovers(dir).empty());
}

TEST_CASE("a run that is killed among many files leaves whole ones and no temporary ones", "[patch]") {
  constexpr std::size_t count = 2 * patch::unshelved_count;
  const std::string op = GENERATE("create", "rename_new");
  const std::size_t nth = GENERATE(std::size_t{patch::unshelved_count / 2}, count - 10);
  test::TempDir dir;
  const auto result = test::run_in_child([&] {
    test::FaultFs faults(fs::linux_fs());
    test::Replica replica(faults, dir.path(), {patch::UpdateMode::automatic, patch::Durability::batch});
    faults.call_op(
        op, [] { ::kill(::getpid(), SIGKILL); }, nth);
    put_many(replica, count);
    replica.area->commit();
    return 0;
  });
  REQUIRE(result.killed());
  const test::Replica replica(fs::linux_fs(), dir.path(), test::quick());
  CHECK(look(dir).files + look(dir).shelves == 0);
  const std::size_t visible = op == "create" ? 0 : nth - 1;
  for (std::size_t i = 0; i < count; ++i) {
    const auto name = "f" + std::to_string(i);
    if (dir.exists(name) != (i < visible)) FAIL(name);
    if (i < visible && dir.read(name) != std::to_string(i)) FAIL(name);
  }
  CHECK(replica.area->recovery().temp_files_removed == (op == "create" ? nth - 1 : count - visible));
  replica.area->close_clean();
  CHECK(test::leftovers(dir).empty());
}

TEST_CASE("what others have put among temporary files stays", "[patch]") {
  test::TempDir dir;
  dir.make_dir(".syncline/tmp/3");
  dir.write(".syncline/tmp/3/precious", "kept");
  dir.make_dir("victim");
  dir.write("victim/.syncline-tmp-x", "kept");
  std::filesystem::create_directory_symlink("../../victim", dir.path(".syncline/tmp/.syncline-tmp-0-dir-1"));
  make_private(dir);
  test::Replica replica(fs::linux_fs(), dir.path(), test::quick());
  put_many(replica, 2 * patch::unshelved_count);
  replica.area->commit();
  replica.area->close_clean();
  CHECK(dir.read("victim/.syncline-tmp-x") == "kept");
  CHECK(test::leftovers(dir) == std::vector<std::string>{".syncline", ".syncline/tmp", ".syncline/tmp/3",
                                                         ".syncline/tmp/3/precious"});
}

TEST_CASE("links and files find room where no directory can be made for them", "[patch]") {
  test::TempDir dir;
  test::FaultFs faults(fs::linux_fs());
  test::Replica replica(faults, dir.path(), test::quick());
  const bool is_full = GENERATE(false, true);
  if (is_full) faults.fail_every("make_dir", ENOSPC);
  put_many(replica, patch::unshelved_count);
  replica.area->place(
      replica.root, RelPath::parse("link"), std::nullopt,
      [](fs::Dir& in, const std::string& name) { in.make_symlink(name, "f0"); }, 7, std::nullopt);
  replica.put("last", "text");
  CHECK(look(dir).shelves == (is_full ? 0U : 3U));
  for (const auto& outcome : replica.area->commit()) CHECK(test::error_text(outcome.error).empty());
  CHECK(dir.read("link") == "0");
  CHECK(dir.read("last") == "text");
  replica.area->close_clean();
  CHECK(test::leftovers(dir).empty());
}

TEST_CASE("what many files gather for larger writes has one bound", "[patch][limit]") {
  test::TempDir dir;
  test::FaultFs faults(fs::linux_fs());
  test::Replica replica(faults, dir.path(), test::quick());
  constexpr std::size_t piece_bytes = 64 * limits::kib;
  constexpr std::size_t count = limits::gathered_bytes_max / piece_bytes;
  std::vector<std::unique_ptr<patch::FileWrite>> files;
  for (std::size_t i = 0; i < count; ++i)
    files.push_back(begin_with(replica, "f" + std::to_string(i), piece_bytes));
  CHECK(count_calls(faults, "pwrite") == 0);
  files.push_back(begin_with(replica, "one more", piece_bytes));
  CHECK(count_calls(faults, "pwrite") == 1);
  // Its bytes are no longer there, so that the next one has room again.
  files.front().reset();
  files.push_back(begin_with(replica, "next", piece_bytes));
  CHECK(count_calls(faults, "pwrite") == 1);
  files.front() = begin_with(replica, "last", piece_bytes);
  CHECK(count_calls(faults, "pwrite") == 2);
}

}  // namespace syncline
