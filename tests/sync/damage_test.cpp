// SPDX-License-Identifier: Apache-2.0
// Damage to what the engine keeps for itself: a state is set aside by name and rebuilt, a journal stops the
// copy.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "base/error.hpp"
#include "pair.hpp"
#include "state/state.hpp"
#include "support/catch.hpp"
#include "support/fault_fs.hpp"
#include "sync/tree.hpp"
#include "tree_picture.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

namespace {

enum class Whose { source, target, both };

/// A copy that is in step and knows both sides, and a source that has changed since.
class Scene : public Pair {
 public:
  Scene() {
    options.delete_extra = true;
    for (unsigned i = 0; i < 120; ++i) {
      const auto sub = "src/dir-" + std::to_string(i % 4);
      dir.make_dir(sub);
      dir.write(sub + "/unique-name-" + std::to_string(i), random_text(100 + i, i));
    }
    dir.write("src/unique-name-big", random_text(3'000'000, 1000));
    dir.write("src/unique-name-moved", random_text(300'000, 1001));
    copy();
  }
  void change_source() const {
    auto big = dir.read("src/unique-name-big");
    for (std::size_t at = 1000; at < big.size(); at += 400'000) big[at] = static_cast<char>(big[at] + 1);
    dir.write("src/unique-name-big", big);
    dir.write("src/dir-1/unique-name-1", "changed");
    dir.write("src/dir-1/added", "added");
    stdfs::remove(dir.path("src/dir-2/unique-name-2"));
    stdfs::rename(dir.path("src/unique-name-moved"), dir.path("src/dir-3/unique-name-moved"));
    stdfs::rename(dir.path("src/dir-0"), dir.path("src/dir-9"));
  }
  /// Names below the temporary directory, for TempDir::read() and write().
  std::vector<std::string> databases(Whose whose = Whose::both) const {
    std::vector<std::string> out;
    for (const auto& entry : stdfs::directory_iterator(dir.path("state/replicas"))) {
      if (entry.path().extension() != ".db") continue;
      const auto name = "state/replicas/" + entry.path().filename().string();
      const bool is_source = dir.read(name).find(root_bytes("src")) != std::string::npos;
      if (whose == Whose::both || (whose == Whose::source) == is_source) out.push_back(name);
    }
    return out;
  }

 private:
  /// Device and inode, as a replica records its root.
  std::string root_bytes(const std::string& name) const {
    const auto stat = lstat_of(dir.path(name));
    std::string out;
    for (const std::uint64_t number : {std::uint64_t{stat.st_dev}, std::uint64_t{stat.st_ino}})
      for (unsigned i = 0; i < 8; ++i) out += static_cast<char>(number >> (8 * i));
    return out;
  }
};

/// As a scan may record it that reads the tree while dir-1 is moved into dir-2, and then dir-2 into dir-1:
/// each has the other, and nobody else has them.
void tangle(const std::string& database_path) {
  const auto database = state::Database::open(database_path, false);
  const auto reader = database->reader();
  const auto writer = database->writer();
  for (const auto id : reader->dirs()) {
    auto root = *reader->dir(id);
    const auto* one = root.find("dir-1");
    const auto* other = root.find("dir-2");
    if (one == nullptr || other == nullptr) continue;
    for (auto [above, below] : {std::pair{*one, *other}, std::pair{*other, *one}}) {
      const auto above_id = sync::dir_id(above.stat, above.stat.device);
      auto record = *reader->dir(above_id);
      below.name = "a-name-before-all-others";
      record.entries.insert(record.entries.begin(), below);
      writer->put_dir(above_id, record);
    }
    std::erase_if(root.entries,
                  [](const auto& entry) { return entry.name == "dir-1" || entry.name == "dir-2"; });
    writer->put_dir(id, root);
  }
  writer->commit(false);
}

std::string only_set_aside(const TempDir& dir) {
  std::string found;
  for (const auto& entry : stdfs::directory_iterator(dir.path("state/replicas"))) {
    const auto name = entry.path().filename().string();
    if (name.find(".corrupt-") != std::string::npos && name.find("-wal") == std::string::npos &&
        name.find("-shm") == std::string::npos)
      found = entry.path().string();
  }
  return found;
}

bool tells(const Outcome& outcome, const std::string& text) {
  return std::ranges::any_of(outcome.notices,
                             [&](const auto& notice) { return notice.find(text) != std::string::npos; });
}

/// What a person may rely on after any damage to the state.
Outcome check_copy(const Scene& scene) {
  const auto outcome = scene.copy();
  CHECK(outcome.report.in_step);
  CHECK(outcome.report.exit_code == 0);
  CHECK(outcome.report.errors == 0);
  for (const auto& error : outcome.errors) FAIL_CHECK(error.path + ": " + error.cause);
  CHECK(differences(picture_of(scene.dir.path("src")), picture_of(scene.dir.path("dst"))) == "");
  CHECK_FALSE(scene.dir.exists("dst/.syncline"));
  const auto again = scene.copy();
  CHECK(again.changes.empty());
  CHECK(again.notices.empty());
  CHECK(again.report.content_read_bytes == 0);
  CHECK(again.report.in_step);
  return outcome;
}

void check_set_aside(const Scene& scene, const Outcome& outcome) {
  const auto name = only_set_aside(scene.dir);
  CHECK(name != "");
  CHECK(tells(outcome, name));
}

template <class Change>
void damage(const Scene& scene, Whose whose, Change&& change) {
  const auto names = scene.databases(whose);
  REQUIRE(names.size() == (whose == Whose::both ? 2 : 1));
  for (const auto& name : names) {
    auto bytes = scene.dir.read(name);
    change(bytes);
    scene.dir.write(name, bytes);
  }
}

void flip(std::string& bytes, std::size_t at) { bytes.at(at) = static_cast<char>(bytes.at(at) ^ 0x20); }

/// In every place where `text` stands, `distance` bytes behind its beginning.
void flip_at(std::string& bytes, const std::string& text, std::size_t distance) {
  std::size_t count = 0;
  for (auto at = bytes.find(text); at != std::string::npos; at = bytes.find(text, at + 1)) {
    flip(bytes, at + distance);
    ++count;
  }
  REQUIRE(count > 0);
}

}  // namespace

TEST_CASE("a state database with a damaged header is set aside by name", "[sync][damage][long]") {
  const auto whose = GENERATE(Whose::source, Whose::target, Whose::both);
  Scene scene;
  scene.change_source();
  damage(scene, whose, [](std::string& bytes) { bytes.replace(0, 100, random_text(100, 7)); });
  check_set_aside(scene, check_copy(scene));
}

TEST_CASE("a damaged record that is met in the middle of a copy sets the database aside",
          "[sync][damage][long]") {
  const auto whose = GENERATE(Whose::source, Whose::target, Whose::both);
  CAPTURE(static_cast<int>(whose));
  Scene scene;
  scene.change_source();
  SECTION("of directory entries") {
    damage(scene, whose, [](std::string& bytes) { flip_at(bytes, "unique-name-", 3); });
  }
  SECTION("of the key") {
    damage(scene, whose, [](std::string& bytes) { flip_at(bytes, "vkey", 10); });
  }
  check_set_aside(scene, check_copy(scene));
}

TEST_CASE("the pages of a state database may be gone from any place on", "[sync][damage][long]") {
  const auto whose = GENERATE(Whose::source, Whose::target, Whose::both);
  const int keep_percent = GENERATE(5, 30, 70, 95);
  CAPTURE(static_cast<int>(whose), keep_percent);
  Scene scene;
  scene.change_source();
  damage(scene, whose, [&](std::string& bytes) {
    bytes.resize(bytes.size() * static_cast<std::size_t>(keep_percent) / 100);
  });
  check_set_aside(scene, check_copy(scene));
}

TEST_CASE("an emptied state database is begun anew", "[sync][damage][long]") {
  const auto whose = GENERATE(Whose::source, Whose::target, Whose::both);
  Scene scene;
  scene.change_source();
  damage(scene, whose, [](std::string& bytes) { bytes.clear(); });
  check_copy(scene);
}

TEST_CASE("a byte that flips anywhere in a state database never leads to a wrong copy",
          "[sync][damage][long]") {
  // The plain run does them all; a sanitizer takes ten times as long and looks for other things.
  const unsigned seeds = std::getenv("SYNCLINE_SANITIZED") == nullptr ? 24 : 6;
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    Scene scene;
    scene.change_source();
    std::mt19937_64 random(seed);
    const auto whose = seed % 3 == 0 ? Whose::both : seed % 3 == 1 ? Whose::source : Whose::target;
    damage(scene, whose, [&](std::string& bytes) {
      for (int i = 0; i < 8; ++i) flip(bytes, random() % bytes.size());
    });
    const auto outcome = check_copy(scene);
    const auto name = only_set_aside(scene.dir);
    if (name.empty()) CHECK(outcome.notices.empty());  // a free page, or one that was not needed
    else CHECK(tells(outcome, name));
  }
}

TEST_CASE("a write-ahead log of garbage is no part of the state", "[sync][damage][long]") {
  Scene scene;
  scene.change_source();
  for (const auto& name : scene.databases()) scene.dir.write(name + "-wal", random_text(50'000, 8));
  check_copy(scene);
}

TEST_CASE("a damaged write-ahead log of a killed copy costs what it held, not correctness",
          "[sync][damage][long]") {
  Scene scene;
  scene.change_source();
  // The last tick of the progress comes when both sides have committed and neither database is closed.
  CopyObserver observer;
  const auto replicas = scene.dir.path("state/replicas");
  observer.on_progress = [&](const ProgressEvent&) {
    stdfs::remove_all(scene.dir.path("crashed"));
    stdfs::copy(replicas, scene.dir.path("crashed"));
  };
  sync::run_copy({}, {}, scene.options, observer);
  stdfs::remove_all(replicas);
  stdfs::rename(scene.dir.path("crashed"), replicas);
  std::size_t logs = 0;
  for (const auto& name : scene.databases()) {
    stdfs::remove(scene.dir.path(name + "-shm"));
    auto log = scene.dir.read(name + "-wal");
    if (log.empty()) continue;
    ++logs;
    flip(log, log.size() / 2);
    scene.dir.write(name + "-wal", log);
  }
  REQUIRE(logs == 2);
  scene.dir.write("src/added-later", "x");
  stdfs::remove(scene.dir.path("src/dir-9/unique-name-4"));
  check_copy(scene);
}

TEST_CASE("a damaged cache of recent chunks costs bytes only", "[sync][damage][long]") {
  Scene scene;
  scene.change_source();
  scene.copy();
  const std::string cache = "state/recent-chunks.db";
  auto bytes = scene.dir.read(cache);
  REQUIRE(bytes.size() > 10'000);
  SECTION("in its header") { bytes.replace(0, 100, random_text(100, 9)); }
  SECTION("in what tells whose it is") { bytes.replace(60, 12, random_text(12, 9)); }
  SECTION("all over") {
    for (std::size_t at = 500; at < bytes.size(); at += 700) flip(bytes, at);
  }
  SECTION("by its end") { bytes.resize(bytes.size() / 2); }
  SECTION("by an old journal of garbage") { scene.dir.write(cache + "-journal", random_text(5'000, 10)); }
  scene.dir.write(cache, bytes);
  auto big = scene.dir.read("src/unique-name-big");
  for (std::size_t at = 1001; at < big.size(); at += 400'000) big[at] = static_cast<char>(big[at] + 1);
  scene.dir.write("src/unique-name-big", big);
  check_copy(scene);
  // And it serves again, at the latest when all damage was met: the same places once more cost next to
  // nothing.
  std::uint64_t least_sent_bytes = UINT64_MAX;
  for (int round = 0; round < 6; ++round) {
    for (std::size_t at = 1002; at < big.size(); at += 400'000) big[at] = static_cast<char>(big[at] + 1);
    scene.dir.write("src/unique-name-big", big);
    least_sent_bytes = std::min(least_sent_bytes, scene.copy().report.sent_bytes);
    CHECK(scene.dir.read("dst/unique-name-big") == big);
  }
  CHECK(least_sent_bytes < 5'000);
}

namespace {

constexpr const char* journal_name = "dst/.syncline/journal";

bool has_journal(const TempDir& dir) {
  std::error_code none;
  return stdfs::file_size(dir.path(journal_name), none) > 1000 && !none;
}

/// A copy that stopped while it patched in place: its journal is left for the next one.
std::unique_ptr<Scene> stopped_in_place() {
  for (std::uint64_t nth = 1; nth < 100; ++nth) {
    auto scene = std::make_unique<Scene>();
    scene->options.update = Update::inplace;
    scene->options.durability = Durable::batch;
    auto big = scene->dir.read("src/unique-name-big");
    for (std::size_t at = 1000; at < big.size(); at += 400'000) big[at] = static_cast<char>(big[at] + 1);
    scene->dir.write("src/unique-name-big", big);
    FaultFs faults(fs::linux_fs());
    faults.fail_op("pwrite", EIO, nth, Moment::torn);
    sync::World target;
    target.files = &faults;
    try {
      run_copy(scene->options, {}, target);
    } catch (const Error&) {}
    if (has_journal(scene->dir)) return scene;
  }
  throw std::runtime_error("no call left a journal");
}

}  // namespace

TEST_CASE("a sound journal of a stopped copy is completed by the next, which tells it",
          "[sync][damage][long]") {
  const auto scene = stopped_in_place();
  const auto outcome = scene->copy();
  CHECK(tells(outcome, "interrupted run was recovered"));
  CHECK(outcome.report.in_step);
  CHECK(scene->dir.read("dst/unique-name-big") == scene->dir.read("src/unique-name-big"));
  CHECK_FALSE(scene->dir.exists("dst/.syncline"));
}

TEST_CASE("a damaged journal stops the copy and is left with its file as they are", "[sync][damage][long]") {
  const auto scene = stopped_in_place();
  auto journal = scene->dir.read(journal_name);
  const auto begun = journal.find("unique-name-big");
  REQUIRE(begun != std::string::npos);
  flip(journal, begun);
  scene->dir.write(journal_name, journal);
  const auto half_patched = scene->dir.read("dst/unique-name-big");
  scene->dir.write("src/dir-1/added", "not copied");
  for (int round = 0; round < 2; ++round) {
    try {
      scene->copy();
      FAIL("a damaged journal was believed or forgotten");
    } catch (const Error& error) {
      CHECK(error.is(Errc::corrupt));
      CHECK_THAT(error.what(), Catch::Contains(".syncline/journal"));
    }
    CHECK(scene->dir.read("dst/unique-name-big") == half_patched);
    CHECK(scene->dir.read(journal_name) == journal);
    CHECK_FALSE(scene->dir.exists("dst/dir-1/added"));
    CHECK(only_set_aside(scene->dir) == "");
  }
}

TEST_CASE("records that have each of two directories in the other one do no harm", "[sync][damage]") {
  const Scene scene;
  const auto databases = scene.databases(Whose::source);
  REQUIRE(databases.size() == 1);
  tangle(scene.dir.path(databases.front()));
  for (const char* name : {"src/new", "src/dir-1/new", "src/dir-2/new"}) scene.dir.write(name, "new");
  CHECK(scene.copy().errors.empty());
  CHECK(differences(picture_of(scene.dir.path("src")), picture_of(scene.dir.path("dst"))).empty());
  CHECK(scene.copy().changes.empty());
}
