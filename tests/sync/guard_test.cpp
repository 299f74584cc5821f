// SPDX-License-Identifier: Apache-2.0
// Deletions, and changes of files, that a guard holds because they are so many.
#include <algorithm>
#include <filesystem>

#include "base/limits.hpp"
#include "pair.hpp"
#include "support/catch.hpp"

namespace {

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

/// In step, with so many files.
class Guarded : public Pair {
 public:
  explicit Guarded(std::size_t count) {
    options.delete_extra = options.guard_deletes = true;
    for (std::size_t i = 0; i < count; ++i) dir.write(name(i), "x");
    CHECK(copy().report.in_step);
  }
  void rewrite(std::size_t count, std::size_t first = 0) {
    for (std::size_t i = first; i < first + count; ++i) dir.write(name(i), "changed");
  }
  void remove(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) stdfs::remove(dir.path(name(removed_++)));
  }

 private:
  static std::string name(std::size_t number) { return "src/" + std::to_string(number); }
  std::size_t removed_ = 0;
};

void check_held(const Guarded& pair, std::uint64_t count) {
  pair.dir.write("src/more", "x");
  const auto outcome = pair.copy();
  CHECK(outcome.report.exit_code == 41);
  CHECK(outcome.report.deletions_held == count);
  CHECK(outcome.report.files_deleted == 0);
  CHECK(outcome.report.held.deletions.first.size() == count);
  CHECK(outcome.report.held.changes.first.empty());
  CHECK_FALSE(outcome.report.in_step);
  CHECK(pair.dir.exists("dst/0"));
  CHECK(pair.dir.exists("dst/more"));
}

}  // namespace

TEST_CASE("of few files so many may go, and one more is held while the rest goes on", "[sync][bounds]") {
  constexpr auto free = limits::guarded_deletions_free;
  Guarded pair(2 * free);
  SECTION("as many") {
    pair.remove(free);
    const auto outcome = pair.copy();
    CHECK(outcome.report.in_step);
    CHECK(outcome.report.files_deleted == free);
    CHECK(outcome.report.deletions_held == 0);
    CHECK_FALSE(pair.dir.exists("dst/0"));
  }
  SECTION("one more") {
    pair.remove(free + 1);
    check_held(pair, free + 1);
    check_held(pair, free + 1);
    pair.options.guard_deletes = false;
    CHECK(pair.copy().report.in_step);
    CHECK_FALSE(pair.dir.exists("dst/0"));
  }
}

TEST_CASE("what was deleted just before counts with what is to be deleted now", "[sync][bounds]") {
  constexpr auto free = limits::guarded_deletions_free;
  Guarded pair(2 * free);
  pair.remove(10);
  SECTION("as many") {
    pair.options.recent_deletes = free - 10;
    CHECK(pair.copy().report.files_deleted == 10);
  }
  SECTION("one more") {
    pair.options.recent_deletes = free - 9;
    check_held(pair, 10);
  }
}

TEST_CASE("of many files a part may go, and one more is held", "[sync][bounds]") {
  constexpr std::size_t count = 1000;
  constexpr auto part = count * limits::guarded_deletions_percent / 100;
  Guarded pair(count);
  SECTION("as many") {
    pair.remove(part);
    CHECK(pair.copy().report.files_deleted == part);
  }
  SECTION("one more") {
    pair.remove(part + 1);
    check_held(pair, part + 1);
  }
}

TEST_CASE("what is held is told as it would be if it was made", "[sync]") {
  Guarded pair(3);
  pair.dir.make_dir("src/sub");
  pair.dir.write("src/sub/deep", "x");
  CHECK(pair.copy().report.in_step);
  pair.remove(3);
  stdfs::remove_all(pair.dir.path("src/sub"));
  const auto told = [](const std::vector<ChangeEvent>& events) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& event : events) out.emplace_back(event.itemized, event.path);
    std::ranges::sort(out);
    return out;
  };
  const auto held = told(pair.copy().report.held.deletions.first);
  pair.options.guard_deletes = false;
  CHECK(held == told(pair.copy().changes));
  CHECK(held.size() == 5);
  CHECK(pair.copy().report.held.deletions.first.empty());
}

TEST_CASE("so many deletions that are held have names, and one more is a number", "[sync][bounds]") {
  constexpr auto named = limits::held_named_max;
  Guarded pair(named + 1);
  pair.remove(named);
  const auto full = pair.copy().report;
  CHECK(full.held.deletions.first.size() == named);
  CHECK(full.held.deletions.more == 0);
  pair.remove(1);
  const auto past = pair.copy().report;
  CHECK(past.deletions_held == named + 1);
  CHECK(past.held.deletions.first.size() == named);
  CHECK(past.held.deletions.more == 1);
}

TEST_CASE("deletions above a limit are held by name as well", "[sync]") {
  Guarded pair(10);
  pair.options.guard_deletes = false;
  pair.options.guard_changes = true;  // a server tells names where there is a guard
  pair.options.max_delete = 3;
  pair.remove(5);
  const auto outcome = pair.copy();
  CHECK(outcome.report.files_deleted == 3);
  const auto& held = outcome.report.held.deletions.first;
  REQUIRE(held.size() == 2);
  CHECK(pair.dir.exists("dst/" + held[0].path));
  CHECK(pair.dir.exists("dst/" + held[1].path));
}

TEST_CASE("a source in which nothing is left deletes nothing", "[sync]") {
  Guarded pair(3);
  pair.remove(3);
  const auto outcome = pair.copy();
  CHECK(outcome.report.deletions_held == 3);
  CHECK(pair.dir.exists("dst/2"));
}

TEST_CASE("nor does one that is copied under its own name", "[sync]") {
  Pair pair;
  pair.options.sources = {pair.dir.path("src")};
  pair.options.delete_extra = pair.options.guard_deletes = true;
  pair.dir.write("src/f", "x");
  pair.dir.write("src/g", "x");
  CHECK(pair.copy().report.in_step);
  stdfs::remove(pair.dir.path("src/f"));
  CHECK(pair.copy().report.files_deleted == 1);
  stdfs::remove(pair.dir.path("src/g"));
  CHECK(pair.copy().report.deletions_held == 1);
  CHECK(pair.dir.exists("dst/src/g"));
}

namespace {

/// The same with the guard of changes.
class GuardedChanges : public Guarded {
 public:
  explicit GuardedChanges(std::size_t count) : Guarded(count) { options.guard_changes = true; }
};

void check_changes_held(GuardedChanges& pair, std::uint64_t count) {
  pair.dir.write("src/more", "x");
  const auto outcome = pair.copy();
  CHECK(outcome.report.exit_code == 41);
  CHECK(outcome.report.changes_held == count);
  CHECK_FALSE(outcome.report.in_step);
  CHECK(pair.dir.read("dst/0") == "x");
  CHECK(pair.dir.exists("dst/more"));
  for (const auto& change : outcome.changes) CHECK(change.path == "more");
  const auto& held = outcome.report.held.changes.first;
  REQUIRE(held.size() == count);
  CHECK(held[0].path == "0");
  CHECK(held[0].itemized.starts_with(">f.st"));
}

}  // namespace

TEST_CASE("of few files so many may change, and one more is held while the rest goes on", "[sync][bounds]") {
  constexpr auto free = limits::guarded_changes_free;
  GuardedChanges pair(2 * free);
  SECTION("as many") {
    pair.rewrite(free);
    const auto outcome = pair.copy();
    CHECK(outcome.report.in_step);
    CHECK(outcome.report.changes_held == 0);
    CHECK(outcome.changes.size() == free);
    CHECK(pair.dir.read("dst/0") == "changed");
  }
  SECTION("one more") {
    pair.rewrite(free + 1);
    check_changes_held(pair, free + 1);
    stdfs::remove(pair.dir.path("dst/more"));
    check_changes_held(pair, free + 1);
    pair.options.guard_changes = false;
    const auto outcome = pair.copy();
    CHECK(outcome.report.in_step);
    CHECK(outcome.changes.size() == free + 1);
    CHECK(pair.dir.read("dst/0") == "changed");
  }
}

TEST_CASE("of many files a part may change, and one more is held", "[sync][bounds]") {
  constexpr std::size_t count = 1000;
  constexpr auto part = count * limits::guarded_changes_percent / 100;
  GuardedChanges pair(count);
  SECTION("as many") {
    pair.rewrite(part);
    CHECK(pair.copy().report.in_step);
  }
  SECTION("one more") {
    pair.rewrite(part + 2);  // a fifth of the one that comes too is not a whole one
    check_changes_held(pair, part + 2);
  }
}

TEST_CASE("so many changes that are held have names, and one more is a number", "[sync][bounds]") {
  constexpr auto named = limits::held_named_max;
  GuardedChanges pair(named + 1);
  pair.rewrite(named);
  const auto full = pair.copy().report;
  CHECK(full.held.changes.first.size() == named);
  CHECK(full.held.changes.more == 0);
  pair.rewrite(1, named);
  const auto past = pair.copy().report;
  CHECK(past.changes_held == named + 1);
  CHECK(past.held.changes.first.size() == named);
  CHECK(past.held.changes.more == 1);
}

TEST_CASE("files that changed just before count once, and those that came just before not at all",
          "[sync][bounds]") {
  constexpr auto free = limits::guarded_changes_free;
  GuardedChanges pair(2 * free);
  const auto recent = std::make_shared<RecentFiles>();
  for (std::size_t i = 0; i < free; ++i) recent->changed.insert(std::to_string(i));
  pair.options.recent_files = recent;
  SECTION("the same ones") {
    pair.rewrite(free);
    CHECK(pair.copy().report.in_step);
  }
  SECTION("another one") {
    pair.rewrite(1, free);
    CHECK(pair.copy().report.changes_held == 1);
  }
  SECTION("one that came just before") {
    recent->created.insert(std::to_string(free));
    pair.rewrite(1, free);
    CHECK(pair.copy().report.in_step);
  }
}

TEST_CASE("new files, names, modes and deletions are no changes of files", "[sync]") {
  constexpr auto free = limits::guarded_changes_free;
  GuardedChanges pair(5 * free);
  for (std::size_t i = 0; i < free; ++i) {
    pair.dir.write("src/new" + std::to_string(i), "new");
    stdfs::permissions(pair.dir.path("src/" + std::to_string(i)), stdfs::perms::owner_read);
    stdfs::rename(pair.dir.path("src/" + std::to_string(free + i)),
                  pair.dir.path("src/moved" + std::to_string(i)));
  }
  pair.rewrite(2, 3 * free);
  const auto outcome = pair.copy();
  CHECK(outcome.report.in_step);
  CHECK(outcome.report.changes_held == 0);
}

TEST_CASE("a new file that has the content of one that is held is not made of what is there", "[sync]") {
  constexpr auto free = limits::guarded_changes_free;
  GuardedChanges pair(2 * free);
  const auto content = random_text(600'000, 1);
  pair.rewrite(free + 1);
  pair.dir.write("src/0", content);
  pair.dir.write("src/like", content);
  const auto outcome = pair.copy();
  CHECK(outcome.report.changes_held == free + 1);
  CHECK(outcome.errors.empty());
  CHECK((pair.dir.read("dst/like") == content));
  CHECK(pair.dir.read("dst/0") == "x");
}
