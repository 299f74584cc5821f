// SPDX-License-Identifier: Apache-2.0
// Every strategy makes the same file of the same recipe.
#include <atomic>
#include <random>

#include "base/limits.hpp"
#include "replica.hpp"
#include "support/catch.hpp"
#include "test_fs.hpp"

namespace syncline {
namespace {

using patch::Strategy;
using patch::UpdateMode;

constexpr std::int64_t some_time_ns = 1'600'000'000'123'456'789;

fs::Stat regular_stat(std::uint64_t size_bytes) {
  fs::Stat stat;
  stat.size_bytes = size_bytes;
  return stat;
}

patch::FilePlan plan_of(std::uint64_t new_bytes, std::uint64_t in_place, std::uint64_t moved,
                        std::uint64_t changed) {
  patch::FilePlan plan;
  plan.new_bytes = new_bytes;
  plan.expected = regular_stat(new_bytes);
  plan.matched_in_place_bytes = in_place;
  plan.matched_moved_bytes = moved;
  plan.changed_bytes = changed;
  return plan;
}

patch::AreaOptions options_for(Strategy strategy) {
  patch::AreaOptions options;
  options.small_bytes = 0;
  if (strategy == Strategy::rewrite) options.small_bytes = ~0ull;
  if (strategy == Strategy::inplace) options.update = UpdateMode::inplace;
  if (strategy == Strategy::clone) options.update = UpdateMode::atomic;
  return options;
}

/// Runs one recipe with one strategy in a fresh directory and returns the content that results.
std::string run_recipe(const test::Recipe& recipe, Strategy strategy, bool& was_used) {
  test::TempDir dir;
  dir.write("file", recipe.before);
  dir.write("other", recipe.other);
  const auto file_system = test::make_test_fs(fs::linux_fs(), {strategy == Strategy::clone});
  test::Replica replica(*file_system, dir.path(), options_for(strategy));
  {
    const auto other = replica.root->open_read("other");
    auto file = replica.begin("file", recipe.plan(replica.stat("file")));
    was_used = file->strategy() == strategy;
    recipe.run(*file, *other);
    file->finish(test::with_mtime(some_time_ns), 7);
  }
  const auto outcomes = replica.area->commit();
  REQUIRE(outcomes.size() == 1);
  INFO(test::error_text(outcomes[0].error));
  REQUIRE(outcomes[0].stat);
  CHECK(outcomes[0].token == 7);
  CHECK(test::without_blocks(outcomes[0].stat) == test::without_blocks(replica.stat("file")));
  CHECK(outcomes[0].stat->mtime_ns == some_time_ns);
  replica.area->close_clean();
  CHECK(test::leftovers(dir).empty());
  return dir.read("file");
}

/// A change of a file of 10,000 bytes that is about to be made with one strategy.
struct Change {
  explicit Change(Strategy strategy)
      : file_system((dir.write("file", std::string(10'000, 'o')),
                     test::make_test_fs(fs::linux_fs(), {strategy == Strategy::clone}))),
        replica(*file_system, dir.path(), options_for(strategy)) {
    auto plan = plan_of(10'000, 9'000, 0, 1'000);
    plan.expected = replica.stat("file");
    file = replica.begin("file", plan);
    REQUIRE(file->strategy() == strategy);
  }

  test::TempDir dir;
  std::unique_ptr<fs::Fs> file_system;
  test::Replica replica;
  std::unique_ptr<patch::FileWrite> file;
};

}  // namespace

TEST_CASE("all strategies make the same bytes of random recipes", "[patch][long]") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  int used[4] = {};
  for (int round = 0; round < 150; ++round) {
    CAPTURE(round);
    test::RecipeShape shape;
    shape.changed_share = round % 3 == 0 ? 0.9 : 0.2;
    shape.shuffled = round % 2 == 0;
    const auto recipe = test::random_recipe(random, shape);
    for (const auto strategy : {Strategy::rewrite, Strategy::clone, Strategy::inplace}) {
      CAPTURE(static_cast<int>(strategy));
      bool was_used = false;
      REQUIRE(run_recipe(recipe, strategy, was_used) == recipe.after);
      used[static_cast<int>(strategy)] += was_used ? 1 : 0;
    }
  }
  CHECK(used[static_cast<int>(Strategy::rewrite)] == 150);
  CHECK(used[static_cast<int>(Strategy::clone)] > 50);
  CHECK(used[static_cast<int>(Strategy::inplace)] > 140);
}

TEST_CASE("a patch in place that grows too large becomes a rewrite with the same result", "[patch]") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  int switched = 0;
  for (int round = 0; round < 80; ++round) {
    CAPTURE(round);
    test::TempDir dir;
    const auto recipe = test::random_recipe(random, {100'000, 100'000, 0.6, round % 2 == 0});
    dir.write("file", recipe.before);
    dir.write("other", recipe.other);
    const auto file_system = test::make_test_fs(fs::linux_fs(), {});
    patch::AreaOptions options;
    options.small_bytes = 0;
    options.update = UpdateMode::inplace;
    options.journal_bytes_max = 20'000;
    test::Replica replica(*file_system, dir.path(), options);
    auto plan = recipe.plan(replica.stat("file"));
    plan.changed_bytes = plan.matched_moved_bytes = 0;  // the sender was wrong
    auto file = replica.begin("file", plan);
    REQUIRE(file->strategy() == Strategy::inplace);
    recipe.run(*file, *replica.root->open_read("other"));
    file->finish({}, 0);
    switched += file->strategy() == Strategy::rewrite ? 1 : 0;
    file.reset();
    const auto outcomes = replica.area->commit();
    REQUIRE(test::error_text(outcomes.at(0).error).empty());
    REQUIRE(dir.read("file") == recipe.after);
    replica.area->close_clean();
    CHECK(test::leftovers(dir).empty());
  }
  CHECK(switched > 20);
}

TEST_CASE("giving a range twice keeps the later bytes", "[patch]") {
  for (const auto strategy : {Strategy::rewrite, Strategy::clone, Strategy::inplace}) {
    CAPTURE(static_cast<int>(strategy));
    Change change(strategy);
    change.file->copy(0, 0, 10'000);
    change.file->write(100, as_bytes(std::string(50, 'a')));
    change.file->write(120, as_bytes(std::string(5, 'b')));
    change.file->finish({}, 0);
    change.file.reset();
    REQUIRE(test::error_text(change.replica.area->commit().at(0).error).empty());
    std::string wanted(10'000, 'o');
    wanted.replace(100, 50, 50, 'a');
    wanted.replace(120, 5, 5, 'b');
    CHECK(change.dir.read("file") == wanted);
  }
}

TEST_CASE("what was given can be read back unless it waits in the journal", "[patch]") {
  for (const auto strategy : {Strategy::rewrite, Strategy::clone, Strategy::inplace}) {
    CAPTURE(static_cast<int>(strategy));
    Change change(strategy);
    change.file->write(100, as_bytes(std::string(50, 'a')));  // smaller than any buffer
    Bytes back(50);
    REQUIRE(change.file->read_back(back, 100) == (strategy != Strategy::inplace));
    if (strategy != Strategy::inplace) CHECK(as_text(back) == std::string(50, 'a'));
    CHECK_FALSE(change.file->read_back(back, 9'990));  // the new version ends there
  }
}

TEST_CASE("zeros become holes and holes stay", "[patch][long]") {
  constexpr std::uint64_t size = 8ull << 20;
  for (const auto strategy : {Strategy::rewrite, Strategy::clone, Strategy::inplace}) {
    CAPTURE(static_cast<int>(strategy));
    test::TempDir dir;
    dir.write("file", "head");
    std::filesystem::resize_file(dir.path("file"), size);
    const auto file_system = test::make_test_fs(fs::linux_fs(), {strategy == Strategy::clone});
    test::Replica replica(*file_system, dir.path(), options_for(strategy));
    auto plan = plan_of(2 * size, 0, 0, 1);
    plan.matched_in_place_bytes = size;
    plan.expected = replica.stat("file");
    auto file = replica.begin("file", plan);
    REQUIRE(file->strategy() == strategy);
    file->zeros(0, size);
    file->zeros(size, size - 4);
    file->write(2 * size - 4, as_bytes(std::string("tail")));
    file->finish({}, 0);
    file.reset();
    REQUIRE(test::error_text(replica.area->commit().at(0).error).empty());
    const auto content = dir.read("file");
    REQUIRE(content.size() == 2 * size);
    CHECK(content.substr(0, 4) == std::string(4, '\0'));
    CHECK(content.substr(2 * size - 4) == "tail");
    CHECK(std::count(content.begin(), content.end(), '\0') == 2 * size - 4);
    CHECK(replica.stat("file")->allocated_bytes <= 64 * 1024);
  }
}

TEST_CASE("a huge hole costs neither time nor journal", "[patch]") {
  test::TempDir dir;
  dir.write("file", "x");
  constexpr std::uint64_t size = 1ull << 40;
  test::Replica replica(fs::linux_fs(), dir.path(), {UpdateMode::inplace, patch::Durability::none, 0});
  patch::FilePlan plan;
  plan.new_bytes = size;
  plan.expected = replica.stat("file");
  auto file = replica.begin("file", plan);
  file->copy(0, 0, 1);
  file->zeros(1, size / 2);
  file->write(size - 1, as_bytes(std::string("y")));
  file->finish({}, 0);
  CHECK(file->strategy() == Strategy::inplace);
  file.reset();
  REQUIRE(test::error_text(replica.area->commit().at(0).error).empty());
  CHECK(replica.stat("file")->size_bytes == size);
  CHECK(replica.area->written_bytes() < 64 * 1024);
}

TEST_CASE("the strategy is the one that writes least", "[patch]") {
  constexpr std::uint64_t mib = 1 << 20;
  const patch::TargetFacts plain{false, std::nullopt, 1, true};
  const patch::TargetFacts reflinks{true, 100, 1, true};
  const auto choose = [](UpdateMode mode, const patch::FilePlan& plan, const patch::TargetFacts& facts) {
    return patch::choose_strategy(mode, plan, facts);
  };
  const auto few_changes = plan_of(100 * mib, 99 * mib, 0, mib);

  CHECK(choose(UpdateMode::automatic, few_changes, plain) == Strategy::inplace);
  CHECK(choose(UpdateMode::automatic, few_changes, reflinks) == Strategy::clone);
  CHECK(choose(UpdateMode::atomic, few_changes, plain) == Strategy::rewrite);
  CHECK(choose(UpdateMode::atomic, few_changes, reflinks) == Strategy::clone);

  SECTION("a small file is rewritten") {
    CHECK(choose(UpdateMode::automatic, plan_of(mib, mib - 10, 0, 10), reflinks) == Strategy::rewrite);
    CHECK(choose(UpdateMode::inplace, plan_of(mib, mib - 10, 0, 10), plain) == Strategy::inplace);
  }
  SECTION("a file that moved or changed in large parts is rewritten") {
    CHECK(choose(UpdateMode::automatic, plan_of(100 * mib, 0, 100 * mib, 0), plain) == Strategy::rewrite);
    CHECK(choose(UpdateMode::automatic, plan_of(100 * mib, 40 * mib, 0, 60 * mib), plain) ==
          Strategy::rewrite);
    CHECK(choose(UpdateMode::automatic, plan_of(100 * mib, 0, 100 * mib, 0), reflinks) == Strategy::rewrite);
  }
  SECTION("a fragmented file is not cloned") {
    CHECK(choose(UpdateMode::automatic, few_changes, {true, 10'001, 1, true}) == Strategy::inplace);
  }
  SECTION("a file that somebody has open is never patched in place") {
    CHECK(choose(UpdateMode::automatic, few_changes, {false, {}, 1, false}) == Strategy::rewrite);
    CHECK(choose(UpdateMode::inplace, few_changes, {false, {}, 1, false}) == Strategy::rewrite);
  }
  SECTION("a file with several names is never patched in place") {
    CHECK(choose(UpdateMode::automatic, few_changes, {false, {}, 2, true}) == Strategy::rewrite);
    CHECK(choose(UpdateMode::inplace, few_changes, {false, {}, 2, true}) == Strategy::rewrite);
  }
  SECTION("what does not fit into the journal is rewritten") {
    const patch::StrategyLimits limits{8 * mib, mib - 1};
    CHECK(patch::choose_strategy(UpdateMode::inplace, few_changes, plain, limits) == Strategy::rewrite);
  }
  SECTION("a new file or another type is rewritten") {
    auto plan = few_changes;
    plan.expected->type = fs::FileType::symlink;
    CHECK(choose(UpdateMode::inplace, plan, plain) == Strategy::rewrite);
    plan.expected.reset();
    CHECK(choose(UpdateMode::inplace, plan, reflinks) == Strategy::rewrite);
  }
}

TEST_CASE("a large file goes to the disk while it is written, where it is to be durable", "[patch]") {
  const auto [durability, times] = GENERATE(table<patch::Durability, int>(
      {{patch::Durability::none, 0}, {patch::Durability::batch, 2}, {patch::Durability::file, 2}}));
  test::TempDir dir;
  std::atomic<int> writebacks = 0;
  test::TestFsOptions counting;
  counting.writebacks = &writebacks;
  const auto file_system = test::make_test_fs(fs::linux_fs(), counting);
  test::Replica replica(*file_system, dir.path(), {UpdateMode::automatic, durability});
  constexpr int pieces = 20;
  const std::string piece(limits::mib, 'x');
  patch::FilePlan plan;
  plan.new_bytes = plan.changed_bytes = pieces * piece.size();
  const auto file = replica.begin("large", plan);
  for (int i = 0; i < pieces; ++i) file->write(i * piece.size(), as_bytes(piece));
  CHECK(writebacks == times);  // after 8 MiB and after 16
  file->finish({}, 1);
  CHECK(replica.area->commit().front().stat);
}

}  // namespace syncline
