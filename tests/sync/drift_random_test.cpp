// SPDX-License-Identifier: Apache-2.0
// Nothing that others made of DST is lost: whatever both sides do meanwhile, and wherever a copy is killed.
#include <unistd.h>

#include "drift_scene.hpp"
#include "support/child.hpp"
#include "support/fault_fs.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

namespace {

/// SYNCLINE_TEST_SEED, to see a failure again.
unsigned drift_seed() {
  const char* wanted = std::getenv("SYNCLINE_TEST_SEED");
  return wanted != nullptr ? static_cast<unsigned>(std::stoul(wanted)) : std::random_device()();
}

/// Sanitizers take twenty times as long.
int drift_rounds() { return std::getenv("SYNCLINE_SANITIZED") != nullptr ? 10 : 40; }

/// Edits of few names in a tree; every content that it writes is one of its own.
class DriftEdits {
 public:
  DriftEdits(std::string root, std::string author, unsigned seed)
      : root_(std::move(root)), author_(std::move(author)), random_(seed) {}

  void edit() {
    std::error_code ignored;
    const auto path = some_path();
    switch (pick(7)) {
      case 0: return remove(path);
      case 1: return rename(path, some_path());
      case 2:
        if (stdfs::exists(stdfs::symlink_status(path, ignored))) return;
        stdfs::create_symlink(author_ + std::to_string(++written_), path, ignored);
        return;
      default: write(path);
    }
  }

 private:
  unsigned pick(unsigned count) { return static_cast<unsigned>(random_() % count); }
  std::string some_path() {
    std::string out = root_;
    for (unsigned depth = 1 + pick(3); depth > 0; --depth)
      out += std::string("/") + static_cast<char>('a' + pick(3));
    return out;
  }
  void write(const std::string& path) {
    std::error_code ignored;
    stdfs::create_directories(stdfs::path(path).parent_path(), ignored);
    if (stdfs::is_symlink(path, ignored) || stdfs::is_directory(path, ignored)) return;
    std::ofstream(path) << author_ << ++written_ << std::string(pick(2) * 70'000, 'x');
  }
  void remove(const std::string& path) {
    std::error_code ignored;
    stdfs::remove_all(path, ignored);
  }
  /// What is renamed over another one deletes it, which is its author's affair.
  void rename(const std::string& from, const std::string& to) {
    std::error_code ignored;
    if (!stdfs::exists(stdfs::symlink_status(to, ignored))) stdfs::rename(from, to, ignored);
  }

  std::string root_, author_;
  std::mt19937 random_;
  unsigned written_ = 0;
};

/// Of others' contents only: those of SRC may go.
std::set<std::string> theirs_in(const std::string& root) {
  std::set<std::string> out;
  for (const auto& content : contents_below(root))
    if (content.starts_with("theirs") || content.starts_with("-> theirs")) out.insert(content);
  return out;
}

/// What there was before and is not there any more.
std::string lost(const std::set<std::string>& before, const std::set<std::string>& after) {
  std::string out;
  for (const auto& content : before)
    if (!after.contains(content)) out += content.substr(0, 20) + '\n';
  return out;
}

/// Names and beginnings of contents, one a line.
std::string told_tree(const std::string& root) {
  std::set<std::string> lines;
  if (!stdfs::exists(root)) return "";
  for (const auto& entry : stdfs::recursive_directory_iterator(root)) {
    auto line = entry.path().string().substr(root.size() + 1);
    if (entry.is_symlink()) {
      line += " -> " + stdfs::read_symlink(entry.path()).string();
    } else if (entry.is_regular_file()) {
      std::ifstream in(entry.path());
      std::string content;
      in >> content;
      line += " = " + content.substr(0, 10);
    }
    lines.insert(line);
  }
  std::string out;
  for (const auto& line : lines) out += line + '\n';
  return out;
}

std::string told_changes(const Outcome& outcome) {
  std::string out;
  for (const auto& event : outcome.changes)
    out += event.itemized + ' ' + event.path + ' ' + event.renamed_from + event.kept_as + '\n';
  for (const auto& event : outcome.errors) out += "error " + event.path + ": " + event.cause + '\n';
  return out;
}

/// Whether every entry of SRC is in DST as it is.
bool is_healed(const DriftScene& scene) {
  const auto src = scene.dir.path("src");
  for (const auto& entry : stdfs::recursive_directory_iterator(src)) {
    const auto there = scene.dir.path("dst") + entry.path().string().substr(src.size());
    if (entry.is_symlink()) {
      if (!stdfs::is_symlink(there) || stdfs::read_symlink(there) != stdfs::read_symlink(entry.path()))
        return false;
    } else if (entry.is_directory()) {
      if (stdfs::is_symlink(there) || !stdfs::is_directory(there)) return false;
    } else if (!stdfs::is_regular_file(stdfs::symlink_status(there)) || contents_below(src).empty() ||
               stdfs::file_size(there) != entry.file_size()) {
      return false;
    }
  }
  return true;
}

/// What is in DST and not in SRC, but for what was kept and the directories that hold it.
std::string leftovers(const DriftScene& scene) {
  std::string out;
  const stdfs::path dst = scene.dir.path("dst");
  const auto is_kept = [](const stdfs::path& path) {
    return std::ranges::any_of(
        path, [](const auto& name) { return name == ".syncline" || patch::is_conflict_name(name.string()); });
  };
  for (const auto& entry : stdfs::recursive_directory_iterator(dst)) {
    const auto path = entry.path().lexically_relative(dst);
    std::error_code ignored;
    if (is_kept(path) ||
        stdfs::exists(stdfs::symlink_status(stdfs::path(scene.dir.path("src")) / path, ignored)))
      continue;
    bool holds_kept = false;
    if (!entry.is_symlink() && entry.is_directory())
      for (const auto& below : stdfs::recursive_directory_iterator(entry.path()))
        holds_kept |= is_kept(below.path().lexically_relative(dst));
    if (!holds_kept) out += path.string() + '\n';
  }
  return out;
}

/// After a copy, also by itself: the sender had concluded nothing wrong.
void check_put_right(const DriftScene& scene, const Outcome& outcome) {
  CHECK(outcome.report.exit_code == 0);
  CHECK_FALSE(outcome.was_unlike());
  CHECK(is_healed(scene));
  CHECK(leftovers(scene) == "");
}

/// Five kinds of drift that a copy has to deal with.
void make_drift(DriftScene& scene) {
  for (const auto* name : {"small", "gone", "turned"})
    scene.write_later(std::string("src/") + name, "ours\n");
  scene.write_later("src/big", random_text(1'000'000, 1));
  scene.write_later("src/dir/x", "ours\n");
  scene.copy();
  scene.write_later("dst/small", "theirs: small");
  scene.write_later("dst/gone", "theirs: gone");
  scene.write_later("dst/big", "theirs: big" + random_text(1'000'000, 1));
  scene.write_later("dst/extra/deep/x", "theirs: extra");
  scene.write_later("dst/dir/x", "theirs: dir");
  stdfs::remove(scene.dir.path("dst/turned"));
  ::symlink("theirs: turned", scene.dir.path("dst/turned").c_str());
  stdfs::remove(scene.dir.path("src/gone"));
  stdfs::remove_all(scene.dir.path("src/dir"));
  scene.write_later("src/dir", "a file now");
}

}  // namespace

TEST_CASE("whatever both sides do meanwhile, what others made of DST is there afterwards", "[sync][drift]") {
  const auto keep = GENERATE(DriftKeep::beside, DriftKeep::area);
  const auto seed = drift_seed();
  CAPTURE(seed, static_cast<int>(keep));
  DriftScene scene(keep);
  DriftEdits ours(scene.dir.path("src"), "ours", seed);
  DriftEdits theirs(scene.dir.path("dst"), "theirs", seed + 1);
  std::mt19937 random(seed + 2);
  scene.copy();
  for (int round = 0; round < drift_rounds(); ++round) {
    CAPTURE(round);
    for (auto count = random() % 6; count > 0; --count) ours.edit();
    for (auto count = random() % 4; count > 0; --count) theirs.edit();
    if (random() % 8 == 0) stdfs::remove_all(scene.dir.path("state") + "/replicas");  // first contact again
    const auto before = theirs_in(scene.dir.path("dst"));
    const auto tree_before = told_tree(scene.dir.path("dst"));
    const auto outcome = scene.copy();
    CAPTURE(tree_before, told_tree(scene.dir.path("src")), told_changes(outcome));
    CHECK(lost(before, theirs_in(scene.dir.path("dst"))) == "");
    check_put_right(scene, outcome);
    const auto again = scene.copy();
    CAPTURE(told_tree(scene.dir.path("dst")), told_changes(again));
    CHECK(again.report.in_step);
    CHECK(lost(before, theirs_in(scene.dir.path("dst"))) == "");
  }
}

TEST_CASE("whatever both sides do between copies that are killed, the next one that is not puts it right",
          "[sync][drift][crash]") {
  if (test_link() != "" || std::getenv("SYNCLINE_SANITIZED") != nullptr) return;  // it forks
  const auto keep = GENERATE(DriftKeep::beside, DriftKeep::area, DriftKeep::none);
  const auto seed = drift_seed();
  CAPTURE(seed, static_cast<int>(keep));
  DriftScene scene(keep);
  DriftEdits ours(scene.dir.path("src"), "ours", seed);
  DriftEdits theirs(scene.dir.path("dst"), "theirs", seed + 1);
  std::mt19937 random(seed + 2);
  scene.copy();
  for (int round = 0; round < drift_rounds(); ++round) {
    CAPTURE(round);
    for (auto kills = random() % 3; kills > 0; --kills) {
      for (auto count = random() % 6; count > 0; --count) ours.edit();
      if (random() % 2 == 0) theirs.edit();
      const auto call = 1 + random() % 40;
      const bool kills_source = random() % 4 == 0;
      run_in_child([&] {
        FaultFs faults(fs::linux_fs(), kills_source ? Counted::all : Counted::mutating);
        faults.kill_at(call);
        sync::World world;
        world.files = &faults;
        kills_source ? run_copy(scene.options, world, {}) : run_copy(scene.options, {}, world);
        return 0;
      });
    }
    for (auto count = random() % 4; count > 0; --count) ours.edit();
    const auto tree_before = told_tree(scene.dir.path("dst"));
    const auto outcome = scene.copy();
    CAPTURE(tree_before, told_tree(scene.dir.path("src")), told_tree(scene.dir.path("dst")),
            told_changes(outcome));
    check_put_right(scene, outcome);
    const auto again = scene.copy();
    CAPTURE(told_changes(again));
    CHECK(again.report.in_step);
  }
}

TEST_CASE("whatever SRC does between copies that are killed, nothing of it is kept as others'",
          "[sync][drift][crash]") {
  if (test_link() != "" || std::getenv("SYNCLINE_SANITIZED") != nullptr) return;  // it forks
  const auto drift = GENERATE(Drift::heal, Drift::keep, Drift::report);
  const auto seed = drift_seed();
  CAPTURE(seed, static_cast<int>(drift));
  DriftScene scene(DriftKeep::beside, drift);
  DriftEdits ours(scene.dir.path("src"), "ours", seed);
  std::mt19937 random(seed + 2);
  scene.copy();
  for (int round = 0; round < drift_rounds(); ++round) {
    CAPTURE(round);
    for (auto kills = 1 + random() % 3; kills > 0; --kills) {
      for (auto count = random() % 6; count > 0; --count) ours.edit();
      const auto call = 1 + random() % 40;
      run_in_child([&] {
        FaultFs faults(fs::linux_fs(), Counted::mutating);
        faults.kill_at(call);
        sync::World target;
        target.files = &faults;
        run_copy(scene.options, {}, target);
        return 0;
      });
    }
    for (auto count = random() % 4; count > 0; --count) ours.edit();
    const auto tree_before = told_tree(scene.dir.path("dst"));
    const auto outcome = scene.copy();
    CAPTURE(tree_before, told_tree(scene.dir.path("src")), told_changes(outcome));
    CHECK(outcome.report.exit_code == 0);
    CHECK(told_tree(scene.dir.path("dst")) == told_tree(scene.dir.path("src")));
    CHECK(std::ranges::none_of(outcome.changes, &ChangeEvent::edited_in_destination));
  }
}

TEST_CASE("a copy that is killed at any change of DST loses nothing of what others made",
          "[sync][drift][crash]") {
  if (test_link() != "" || std::getenv("SYNCLINE_SANITIZED") != nullptr) return;  // it forks
  const auto keep = GENERATE(DriftKeep::beside, DriftKeep::area);
  bool was_killed = true;
  std::uint64_t call = 0;
  while (was_killed) {
    call += keep == DriftKeep::beside ? 1 : 3;  // the ways part only where something is kept
    CAPTURE(call, static_cast<int>(keep));
    DriftScene scene(keep);
    make_drift(scene);
    const auto before = theirs_in(scene.dir.path("dst"));
    REQUIRE(before.size() == 6);
    const auto child = run_in_child([&] {
      FaultFs faults(fs::linux_fs(), Counted::mutating);
      faults.kill_at(call);
      sync::World target;
      target.files = &faults;
      run_copy(scene.options, {}, target);
      return 0;
    });
    was_killed = child.killed();
    CHECK(lost(before, theirs_in(scene.dir.path("dst"))) == "");
    if (was_killed) {
      const auto next = scene.copy();
      CHECK(next.report.exit_code == 0);
      CHECK(lost(before, theirs_in(scene.dir.path("dst"))) == "");
    } else {
      REQUIRE(child.exit_code == 0);
    }
    CHECK(scene.at_dst("small") == "ours\n");
    CHECK(scene.at_dst("dir") == "a file now");
    CHECK(is_healed(scene));
    scene.check_settled();
  }
  CHECK(call > 20);
}
