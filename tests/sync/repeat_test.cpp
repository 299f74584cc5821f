// SPDX-License-Identifier: Apache-2.0
// What the state is for: later copies know what was there, and send and read no more than they must.
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>

#include "base/limits.hpp"
#include "pair.hpp"
#include "support/catch.hpp"
#include "support/fault_fs.hpp"
#include "tree_picture.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

TEST_CASE("a second copy reads no content and sends next to nothing", "[sync]") {
  Pair pair;
  for (int i = 0; i < 50; ++i) {
    pair.dir.make_dir("src/d" + std::to_string(i % 5));
    pair.dir.write("src/d" + std::to_string(i % 5) + "/f" + std::to_string(i),
                   random_text(10'000, static_cast<unsigned>(i)));
  }
  const auto first = pair.copy();
  CHECK(first.report.in_step);
  CHECK(first.report.exit_code == 0);
  CHECK(first.report.files_total == 50);
  CHECK(first.report.files_changed == 50);

  const auto second = pair.copy();
  CHECK(second.report.content_read_bytes == 0);
  CHECK(second.report.sent_bytes < 1000);
  CHECK(second.report.disk_written_bytes == 0);
  CHECK(second.report.in_step);
  CHECK(second.report.root == first.report.root);
  CHECK(second.changes.empty());
}

TEST_CASE("other content under the same size and mtime is found", "[sync]") {
  Pair pair;
  pair.dir.write("src/file", "before");
  set_mtime(pair.dir.path("src/file"), 1'000'000);
  pair.copy();
  pair.dir.write("src/file", "after!");
  set_mtime(pair.dir.path("src/file"), 1'000'000);

  const auto outcome = pair.copy();
  CHECK(pair.dir.read("dst/file") == "after!");
  REQUIRE(outcome.change("file") != nullptr);
  CHECK(outcome.change("file")->itemized == ">fc........");
  CHECK(outcome.report.in_step);
  CHECK(pair.copy().report.content_read_bytes == 0);
}

TEST_CASE("a copy that found such content and did not bring it over leaves it to the next one", "[sync]") {
  const bool is_edited_there = GENERATE(false, true);
  const auto size_bytes = GENERATE(std::size_t{6}, std::size_t{300'000});
  CAPTURE(is_edited_there, size_bytes);
  Pair pair;
  const auto write = [&](const std::string& name, char filler) {
    pair.dir.write(name, std::string(size_bytes, filler));
    set_mtime(pair.dir.path(name), 1'000'000);
  };
  write("src/file", 'a');
  pair.copy();
  write(is_edited_there ? "dst/file" : "src/file", 'b');
  SECTION("because it was stopped") {
    FaultFs faults(fs::linux_fs());
    std::atomic<bool> is_stopped = false;
    faults.call_op(
        "pread", [&] { is_stopped = true; }, is_edited_there ? 1 : 2);
    sync::World source;
    source.files = &faults;
    CHECK_THROWS_AS(run_copy(pair.options, source, {}, nullptr, [&] { return is_stopped.load(); }), Error);
  }
  SECTION("because it could not be written") {
    FaultFs faults(fs::linux_fs());
    faults.fail_every("pwrite", EIO);
    sync::World target;
    target.files = &faults;
    for (int i = 0; i < 2; ++i) CHECK(run_copy(pair.options, {}, target).report.exit_code == 23);
  }
  SECTION("because a guard holds it") {
    pair.options.guard_changes = true;
    auto recent = std::make_shared<RecentFiles>();
    recent->changed_more = 1000;
    pair.options.recent_files = recent;
    for (int i = 0; i < 2; ++i) CHECK(pair.copy().report.changes_held == 1);
    pair.options.guard_changes = false;
  }
  const auto outcome = pair.copy();
  CHECK(outcome.change("file") != nullptr);
  CHECK((pair.dir.read("dst/file") == pair.dir.read("src/file")));
  CHECK(outcome.report.in_step);
  CHECK(pair.copy().report.content_read_bytes == 0);
}

TEST_CASE("such content reaches each of two destinations", "[sync]") {
  const auto size_bytes = GENERATE(std::size_t{6}, std::size_t{300'000});
  const bool is_seeded = GENERATE(false, true);  // by another program
  CAPTURE(size_bytes, is_seeded);
  Pair pair;
  auto other = pair.options;
  other.destination = pair.dir.path("dst2") + "/";
  const auto write = [&](char filler) {
    pair.dir.write("src/sub/file", std::string(size_bytes, filler));
    set_mtime(pair.dir.path("src/sub/file"), 1'000'000);
  };
  pair.dir.make_dir("src/sub");
  write('a');
  pair.copy();
  if (is_seeded) {
    REQUIRE(std::system(("cp -a '" + pair.dir.path("src") + "' '" + pair.dir.path("dst2") + "'").c_str()) ==
            0);
  }
  run_copy(other);
  for (const char filler : {'b', 'c'}) {
    write(filler);
    pair.copy();
    CHECK(run_copy(other).report.in_step);
    for (const auto* name : {"dst/sub/file", "dst2/sub/file"})
      CHECK((pair.dir.read(name) == std::string(size_bytes, filler)));
    CHECK(run_copy(other).changes.empty());
    CHECK(pair.copy().report.content_read_bytes == 0);
    CHECK(run_copy(other).report.content_read_bytes == 0);
  }
}

TEST_CASE("content that comes back to an old time reaches a destination that has not seen it", "[sync]") {
  const bool is_first = GENERATE(false, true);  // it is the other one that looks first
  CAPTURE(is_first);
  Pair pair;
  auto other = pair.options;
  other.destination = pair.dir.path("dst2") + "/";
  const auto write = [&](const std::string& content, std::int64_t mtime) {
    pair.dir.write("src/sub/file", content);
    set_mtime(pair.dir.path("src/sub/file"), mtime);
  };
  pair.dir.make_dir("src/sub");
  write("before", 1'000'000);
  pair.copy();
  run_copy(other);
  write("behind", 1'000'001);
  pair.copy();
  set_mtime(pair.dir.path("src/sub/file"), 1'000'000);
  if (!is_first) CHECK(pair.copy().report.content_read_bytes < 20);
  CHECK(run_copy(other).report.in_step);
  CHECK(pair.dir.read("dst2/sub/file") == "behind");
  CHECK(pair.copy().report.in_step);
  CHECK(pair.dir.read("dst/sub/file") == "behind");
  for (int i = 0; i < 2; ++i) {
    CHECK(pair.copy().changes.empty());
    CHECK(run_copy(other).changes.empty());
  }
}

TEST_CASE("such content arrives also where it could not be read at first", "[sync]") {
  Pair pair;
  auto other = pair.options;
  other.destination = pair.dir.path("dst2") + "/";
  const std::size_t size_bytes = GENERATE(std::size_t{6}, std::size_t{300'000});
  const auto write = [&](char filler, std::int64_t mtime) {
    pair.dir.write("src/sub/file", std::string(size_bytes, filler));
    set_mtime(pair.dir.path("src/sub/file"), mtime);
  };
  pair.dir.make_dir("src/sub");
  write('a', 1'000'000);
  pair.copy();
  run_copy(other);
  write('b', 1'000'001);
  pair.copy();
  set_mtime(pair.dir.path("src/sub/file"), 1'000'000);
  FaultFs faults(fs::linux_fs());
  faults.fail_every("open_read", EIO);
  sync::World failing;
  failing.files = &faults;
  CHECK(run_copy(other, failing, {}).failed("sub/file"));
  CHECK(run_copy(other).report.in_step);
  CHECK((pair.dir.read("dst2/sub/file") == std::string(size_bytes, 'b')));
  CHECK(pair.copy().report.in_step);
  CHECK((pair.dir.read("dst/sub/file") == std::string(size_bytes, 'b')));
}

TEST_CASE("such content is found under each name that a file had", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  const auto write = [&](unsigned seed) {
    pair.dir.write("src/a", random_text(4'500'000, seed));
    set_mtime(pair.dir.path("src/a"), 1'000'000);
  };
  write(1);
  stdfs::create_hard_link(pair.dir.path("src/a"), pair.dir.path("src/b"));
  FaultFs faults(fs::linux_fs());
  faults.call_op("open_read", [&] { stdfs::permissions(pair.dir.path("src/a"), stdfs::perms::owner_all); });
  sync::World source;
  source.files = &faults;
  run_copy(pair.options, source, {});
  CHECK(faults.struck() == 1);
  stdfs::remove(pair.dir.path("src/b"));
  pair.copy();
  write(2);
  CHECK(pair.copy().report.in_step);
  CHECK((pair.dir.read("dst/a") == random_text(4'500'000, 2)));
}

TEST_CASE("a renamed file is renamed over there", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  pair.dir.make_dir("src/sub");
  const auto content = random_text(500'000, 1);
  pair.dir.write("src/old", content);
  pair.copy();
  const auto inode = lstat_of(pair.dir.path("dst/old")).st_ino;
  stdfs::rename(pair.dir.path("src/old"), pair.dir.path("src/sub/new"));

  const auto outcome = pair.copy();
  CHECK(pair.dir.read("dst/sub/new") == content);
  CHECK(lstat_of(pair.dir.path("dst/sub/new")).st_ino == inode);
  CHECK_FALSE(pair.dir.exists("dst/old"));
  REQUIRE(outcome.change("sub/new") != nullptr);
  CHECK(outcome.change("sub/new")->renamed_from == "old");
  CHECK(outcome.report.files_renamed == 1);
  CHECK(outcome.report.files_deleted == 0);
  CHECK(outcome.report.content_read_bytes == 0);
  CHECK(outcome.report.bytes_literal == 0);
  CHECK(outcome.report.sent_bytes < 2000);
}

TEST_CASE("a renamed directory is one rename, whatever it holds", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  pair.dir.make_dir("src/old/deeper");
  for (unsigned i = 0; i < 40; ++i)
    pair.dir.write("src/old/deeper/f" + std::to_string(i), random_text(5000, i));
  pair.copy();
  stdfs::rename(pair.dir.path("src/old"), pair.dir.path("src/new"));

  const auto outcome = pair.copy();
  CHECK(std::ranges::count_if(outcome.changes,
                              [](const auto& event) { return !event.renamed_from.empty(); }) == 1);
  CHECK(outcome.report.files_renamed == 1);
  CHECK(outcome.report.content_read_bytes == 0);
  CHECK(outcome.report.sent_bytes < 2000);
  CHECK(outcome.report.in_step);
  CHECK(pair.dir.read("dst/new/deeper/f39") == random_text(5000, 39));
  CHECK_FALSE(pair.dir.exists("dst/old"));
}

TEST_CASE("a directory made anew under its old name loses what the old one held", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  pair.dir.make_dir("src/dir/sub/empty");
  pair.dir.make_dir("src/dir/sub/full");
  pair.dir.write("src/dir/sub/full/file", "content");
  pair.dir.write("src/dir/sub/edited", "content");
  pair.copy();
  const auto old = lstat_of(pair.dir.path("src/dir")).st_ino;
  stdfs::rename(pair.dir.path("src/dir"), pair.dir.path("gone"));
  pair.dir.make_dir("src/dir");
  REQUIRE(lstat_of(pair.dir.path("src/dir")).st_ino != old);
  SECTION("and nobody touched it there") {}
  SECTION("also when it was edited there") { pair.dir.write("dst/dir/sub/edited", "other content"); }

  const auto outcome = pair.copy();
  CHECK(outcome.errors.empty());
  CHECK(outcome.report.in_step);
  CHECK(pair.dir.exists("dst/dir"));
  CHECK_FALSE(pair.dir.exists("dst/dir/sub"));
}

TEST_CASE("a directory that both sides renamed alike is the same one to later deletions and moves",
          "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  pair.dir.make_dir("src/old");
  for (const char* name : {"kept", "gone", "moved"}) pair.dir.write(std::string("src/old/") + name, name);
  pair.copy();
  for (const char* side : {"src", "dst"})
    stdfs::rename(pair.dir.path(side) + "/old", pair.dir.path(side) + "/new");
  stdfs::remove(pair.dir.path("src/new/gone"));
  stdfs::rename(pair.dir.path("src/new/moved"), pair.dir.path("src/moved"));

  const auto outcome = pair.copy();
  CHECK(outcome.report.exit_code == 0);
  CHECK(outcome.report.in_step);
  CHECK(pair.dir.read("dst/new/kept") == "kept");
  CHECK(pair.dir.read("dst/moved") == "moved");
  CHECK_FALSE(pair.dir.exists("dst/new/gone"));
  CHECK_FALSE(pair.dir.exists("dst/new/moved"));
  CHECK_FALSE(pair.dir.exists("dst/old"));
  CHECK(pair.copy().changes.empty());
}

TEST_CASE("a renamed file that got a second name keeps both", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  pair.dir.write("src/a", "what another name had");
  pair.dir.write("src/m", "linked");
  pair.copy();
  stdfs::rename(pair.dir.path("src/m"), pair.dir.path("src/z"));
  stdfs::remove(pair.dir.path("src/a"));
  stdfs::create_hard_link(pair.dir.path("src/z"), pair.dir.path("src") + GENERATE("/a", "/b", "/zz"));
  CHECK(pair.copy().report.in_step);
  CHECK(differences(picture_of(pair.dir.path("src")), picture_of(pair.dir.path("dst"))).empty());
  CHECK(pair.copy().changes.empty());
}

TEST_CASE("what stayed over there without --delete gives way as it would at first contact", "[sync]") {
  Pair pair;
  pair.dir.write("src/name", "a file");
  pair.dir.make_dir("src/dir");
  pair.dir.write("src/dir/f", "in a directory");
  pair.dir.write("src/other", "other");
  pair.copy();
  stdfs::remove_all(pair.dir.path("src/name"));
  stdfs::remove_all(pair.dir.path("src/dir"));
  CHECK(pair.copy().report.exit_code == 0);
  SECTION("a file for a directory") {
    pair.dir.make_dir("src/name");
    pair.dir.write("src/name/g", "g");
    CHECK(pair.copy().report.exit_code == 0);
    CHECK(pair.dir.read("dst/name/g") == "g");
  }
  SECTION("a file for a file that moved to its name") {
    stdfs::rename(pair.dir.path("src/other"), pair.dir.path("src/name"));
    CHECK(pair.copy().report.exit_code == 0);
    CHECK(pair.dir.read("dst/name") == "other");
  }
  SECTION("a directory for a file only with --delete") {
    pair.dir.write("src/dir", "now a file");
    const auto outcome = pair.copy();
    CHECK(outcome.report.exit_code == 23);
    REQUIRE(outcome.failed("dir"));
    CHECK(outcome.errors.front().next.find("--delete") != std::string::npos);
    CHECK(pair.dir.read("dst/dir/f") == "in a directory");
  }
  SECTION("a directory for one of the names of a file: the others come") {
    pair.dir.write("src/dir", "now a file");
    stdfs::create_hard_link(pair.dir.path("src/dir"), pair.dir.path("src/dir2"));
    stdfs::create_hard_link(pair.dir.path("src/dir"), pair.dir.path("src/dir3"));
    const auto outcome = pair.copy();
    CHECK(outcome.errors.size() == 1);
    CHECK(pair.dir.read("dst/dir2") == "now a file");
    CHECK(lstat_of(pair.dir.path("dst/dir2")).st_ino == lstat_of(pair.dir.path("dst/dir3")).st_ino);
  }
  CHECK(pair.dir.read("dst/other") == "other");
}

TEST_CASE("a directory that holds what a rule protects does not silently keep a file out", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  pair.options.filters = {{false, "*.keep"}};
  pair.dir.make_dir("src/x");
  pair.dir.write("src/x/f", "1");
  pair.copy();
  pair.dir.write("dst/x/mine.keep", "protected");
  stdfs::remove_all(pair.dir.path("src/x"));
  pair.dir.write("src/x", "a file now");
  const auto outcome = pair.copy();
  CHECK(outcome.report.exit_code == 23);
  CHECK(outcome.failed("x"));
  CHECK(pair.dir.read("dst/x/mine.keep") == "protected");
}

TEST_CASE("a file out of a directory that moved away for a file finds its place", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  pair.dir.make_dir("src/d");
  pair.dir.make_dir("src/d/sub");
  pair.dir.write("src/d/sub/f", "content of f");
  pair.dir.write("src/d/sub/g", "content of g");
  pair.copy();
  pair.dir.write("dst/d/theirs", "no shortcuts in here");
  stdfs::rename(pair.dir.path("src/d/sub"), pair.dir.path("src/moved"));
  pair.dir.write("src/d/sub", "a file now");
  pair.dir.make_dir("src/new");
  stdfs::rename(pair.dir.path("src/moved/f"), pair.dir.path("src/new/f"));
  const auto outcome = pair.copy();
  CHECK(outcome.errors.empty());
  CHECK(outcome.report.in_step);
  CHECK(differences(picture_of(pair.dir.path("src")), picture_of(pair.dir.path("dst"))).empty());
  CHECK(pair.copy().changes.empty());
}

TEST_CASE("a directory that was made anew over there is filled again", "[sync]") {
  Pair pair;
  pair.dir.make_dir("src/d");
  pair.dir.write("src/d/f", "content");
  pair.copy();
  pair.dir.make_dir("dst/other");
  stdfs::remove_all(pair.dir.path("dst/d"));
  pair.dir.make_dir("dst/d");
  SECTION("alone") {}
  SECTION("with a change here") { pair.dir.write("src/d/g", "more"); }
  SECTION("with a removal here") { stdfs::remove(pair.dir.path("src/d/f")); }
  SECTION("with something in it") { pair.dir.write("dst/d/h", "theirs"); }
  stdfs::remove(pair.dir.path("dst/other"));
  pair.options.delete_extra = true;
  CHECK(pair.copy().report.exit_code == 0);
  CHECK(differences(picture_of(pair.dir.path("src")), picture_of(pair.dir.path("dst"))).empty());
  CHECK(pair.copy().changes.empty());
}

TEST_CASE("what was edited over there in a directory that moved or went here is dealt with", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  pair.dir.make_dir("src/old");
  pair.dir.make_dir("src/old/inner");
  pair.dir.write("src/old/file", "ours");
  pair.dir.write("src/old/inner/kept", "kept");
  pair.copy();
  SECTION("a file in it was changed") { pair.dir.write("dst/old/file", "theirs, and longer"); }
  SECTION("a file came into a directory of it that went here") {
    stdfs::remove_all(pair.dir.path("src/old/inner"));
    pair.dir.write("dst/old/inner/new", "theirs");
  }
  SECTION("the attributes of a file that moved with it were changed") {
    stdfs::permissions(pair.dir.path("dst/old/file"), stdfs::perms::owner_read);
    stdfs::rename(pair.dir.path("src/old/file"), pair.dir.path("src/old/renamed"));
  }
  SECTION("it was removed") { stdfs::remove_all(pair.dir.path("dst/old")); }
  SECTION("it was replaced by another of the name") {
    stdfs::rename(pair.dir.path("dst/old/inner"), pair.dir.path("dst/aside"));
    pair.dir.make_dir("dst/old/inner");
    stdfs::remove_all(pair.dir.path("dst/aside"));
    pair.dir.write("src/old/inner/more", "more");
  }
  SECTION("it moved there too, and has something new") {
    stdfs::rename(pair.dir.path("dst/old"), pair.dir.path("dst/moved"));
    pair.dir.write("dst/moved/new", "theirs");
  }
  stdfs::rename(pair.dir.path("src/old"), pair.dir.path("src/moved"));
  const auto outcome = pair.copy();
  CHECK(outcome.report.exit_code == 0);
  CHECK(outcome.errors.empty());
  CHECK(outcome.report.in_step);
  CHECK(differences(picture_of(pair.dir.path("src")), picture_of(pair.dir.path("dst"))).empty());
  CHECK(pair.copy().changes.empty());
}

TEST_CASE("content that is there under another name is not sent again", "[sync]") {
  Pair pair;
  const auto content = random_text(600'000, 2);
  pair.dir.write("src/one", content);
  SECTION("in the same copy") {
    pair.dir.write("src/two", content);
    const auto outcome = pair.copy();
    CHECK(outcome.report.sent_bytes < 700'000);
    CHECK(outcome.report.sent_bytes > 600'000);
  }
  SECTION("in a later one") {
    pair.copy();
    pair.dir.write("src/two", content);
    CHECK(pair.copy().report.sent_bytes < 20'000);
  }
  CHECK(pair.dir.read("dst/one") == content);
  CHECK(pair.dir.read("dst/two") == content);
}

TEST_CASE("content inside a change that is there under another name is not sent again", "[sync][long]") {
  Pair pair;
  auto content = random_text(5'000'000, 1);
  const auto known = random_text(2'000'000, 2);
  const auto fresh = random_text(1'000'000, 3);
  pair.dir.write("src/changes", content);
  pair.dir.write("src/known", known);
  pair.copy();
  const std::size_t replaced = GENERATE(3'000'000, 2'500'000);  // by as much, and by more
  content.replace(1'000'000, replaced, fresh.substr(0, 500'000) + known + fresh.substr(500'000));
  pair.dir.write("src/changes", content);
  pair.dir.write("src/new", random_text(300'000, 4));  // something new: what is there is looked through
  CHECK(pair.copy().report.sent_bytes < 1'500'000);
  CHECK(pair.dir.read("dst/changes") == content);
}

TEST_CASE("content that repeats inside a new file crosses once", "[sync][long]") {
  Pair pair;
  const auto content = random_text(600'000, 2);
  std::string repeated;
  const int times = GENERATE(4, 20);  // sent whole, and as it is read
  for (int i = 0; i < times; ++i) repeated += content;
  pair.dir.write("src/repeated", repeated);
  const auto report = pair.copy().report;
  CHECK(report.sent_bytes < 700'000);
  CHECK(report.bytes_literal + report.bytes_matched == repeated.size());
  CHECK(pair.dir.read("dst/repeated") == repeated);
}

TEST_CASE("what repeats inside a new file crosses once in it, also where another file brings it", "[sync]") {
  Pair pair;
  const auto content = random_text(600'000, 2);
  const auto rest = random_text(11'000'000, 3);
  pair.dir.write("src/a", content);
  pair.dir.write("src/b", content + rest + content);  // sent as it is read
  const auto report = pair.copy().report;
  CHECK(report.bytes_literal < 2 * content.size() + rest.size() + 100'000);
  CHECK(report.bytes_literal + report.bytes_matched == 3 * content.size() + rest.size());
  CHECK(pair.dir.read("dst/b") == content + rest + content);
}

TEST_CASE("a small edit of a large file sends little", "[sync]") {
  Pair pair;
  auto content = random_text(5'000'000, 3);
  pair.dir.write("src/file", content);
  pair.copy();
  content.insert(2'000'000, "an insertion");
  pair.dir.write("src/file", content);
  const auto outcome = pair.copy();
  const std::uint64_t literal_max =
      !test_link().empty() ? 65'536 : 100;  // one chunk is less than a round trip
  CHECK(outcome.report.sent_bytes < literal_max + 1'000);
  CHECK(outcome.report.bytes_literal <= literal_max);
  CHECK(pair.dir.read("dst/file") == content);
}

TEST_CASE("changes that fill the gap window more than once cross", "[sync][bounds][long]") {
  Pair pair;
  auto text = random_text(limits::gap_window_bytes_max * 5 / 4, 3);
  pair.dir.write("src/large", text);
  pair.copy();
  // Every chunk is another one, and little of each is new.
  for (std::size_t i = 0; i < text.size(); i += 4000) text[i] = static_cast<char>(text[i] + 1);
  pair.dir.write("src/large", text);
  const auto outcome = pair.copy();
  CHECK(outcome.report.in_step);
  CHECK(outcome.report.bytes_literal < text.size() / 2);
  CHECK(pair.dir.read("dst/large") == text);
}

TEST_CASE("what a sum took for unchanged is sent, and told as sent only", "[sync][long]") {
  Pair pair;
  auto content = random_text(24'000'000, 5);
  pair.dir.write("src/file", content);
  pair.copy();
  // So many blocks differ that the sums of some are the same by chance.
  std::uint64_t changed_blocks = 0;
  for (std::size_t i = 0; i < content.size(); i += 600, ++changed_blocks)
    content[i] = static_cast<char>(content[i] + 1);
  pair.dir.write("src/file", content);
  const auto report = pair.copy().report;
  CHECK(pair.dir.read("dst/file") == content);
  CHECK(report.bytes_changed == content.size());
  CHECK(report.bytes_matched + report.bytes_literal == report.bytes_changed);
  CHECK(report.bytes_literal > changed_blocks * 64);
}

TEST_CASE("every changed byte is told as found there or as sent", "[sync]") {
  Pair pair;
  auto content = random_text(3'000'000, 5);
  pair.dir.write("src/file", content);
  const auto first = pair.copy().report;
  CHECK(first.bytes_matched == 0);
  CHECK(first.bytes_literal == first.bytes_changed);

  const auto changed = [&](const char* name) {
    pair.dir.write(name, content);
    const auto report = pair.copy().report;
    CAPTURE(name);
    CHECK(report.bytes_changed == content.size());
    CHECK(report.bytes_matched + report.bytes_literal == report.bytes_changed);
    CHECK(report.bytes_literal < 65'536);
  };
  content.replace(1'000'000, 100, std::string(100, '1'));  // found by the sums of a gap
  changed("src/file");
  content.replace(1'000'000, 100, std::string(100, '2'));  // compressed against what the sender kept
  changed("src/file");
  content.insert(2'000'000, "an insertion");  // found in another file
  changed("src/other");
}

TEST_CASE("an edit in the destination is told and overwritten", "[sync]") {
  Pair pair;
  pair.dir.write("src/file", "ours");
  pair.dir.write("src/same", "same");
  pair.copy();
  SECTION("when the source stayed") { pair.dir.write("dst/file", "theirs, and longer"); }
  SECTION("under the old size and mtime") {
    const auto mtime = lstat_of(pair.dir.path("dst/file")).st_mtim;
    pair.dir.write("dst/file", "thei");
    const struct ::timespec times[2] = {mtime, mtime};
    REQUIRE(::utimensat(AT_FDCWD, pair.dir.path("dst/file").c_str(), times, 0) == 0);
  }
  SECTION("when the source changed too") {
    pair.dir.write("dst/file", "theirs, and longer");
    pair.dir.write("src/file", "ours again");
  }
  const auto outcome = pair.copy();
  REQUIRE(outcome.change("file") != nullptr);
  CHECK(outcome.change("file")->edited_in_destination);
  CHECK(outcome.change("same") == nullptr);
  CHECK(pair.dir.read("dst/file") == pair.dir.read("src/file"));
  CHECK(outcome.report.in_step);
}

TEST_CASE("first contact with an equal copy sends no content", "[sync]") {
  Pair pair;
  pair.dir.make_dir("src/d");
  for (unsigned i = 0; i < 20; ++i) pair.dir.write("src/d/f" + std::to_string(i), random_text(30'000, i));
  const auto command = "cp -a '" + pair.dir.path("src") + "' '" + pair.dir.path("dst") + "'";
  REQUIRE(std::system(command.c_str()) == 0);
  const auto outcome = pair.copy();
  CHECK(outcome.changes.empty());
  CHECK(outcome.report.in_step);
  CHECK(outcome.report.sent_bytes < 10'000);
  CHECK(outcome.report.bytes_literal == 0);
  CHECK(pair.copy().report.sent_bytes < 1000);
}

TEST_CASE("a copy that is done leaves nothing of its own in the destination", "[sync]") {
  Pair pair;
  pair.options.durability = Durable::batch;
  pair.dir.write("src/file", random_text(100'000, 4));
  pair.copy();
  pair.dir.write("src/file", random_text(100'000, 5));
  pair.copy();
  CHECK_FALSE(pair.dir.exists("dst/.syncline"));
  CHECK_FALSE(pair.dir.exists("src/.syncline"));
  CHECK(std::distance(stdfs::directory_iterator(pair.dir.path("dst")), {}) == 1);
}

TEST_CASE("a lost state costs reading, not correctness", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  pair.dir.write("src/kept", random_text(50'000, 6));
  pair.dir.write("src/gone", "x");
  pair.copy();
  stdfs::remove_all(pair.dir.path("state"));
  stdfs::remove(pair.dir.path("src/gone"));
  pair.dir.write("src/new", "y");
  const auto outcome = pair.copy();
  CHECK(outcome.report.in_step);
  CHECK(outcome.change("kept") == nullptr);
  CHECK(outcome.report.files_deleted == 1);
  CHECK(pair.dir.read("dst/new") == "y");
  CHECK_FALSE(pair.dir.exists("dst/gone"));
}
