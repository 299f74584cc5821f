// SPDX-License-Identifier: Apache-2.0
// Copies at real mount points: --one-file-system, a full disk, what is unmounted.
#include <cerrno>
#include <filesystem>

#include "base/limits.hpp"
#include "own_mounts.hpp"
#include "pair.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

TEST_CASE("a full destination tells how much is missing, and goes on when there is room", "[sync]") {
  Pair pair;
  pair.dir.write("src/large", random_text(3'000'000, 1));
  pair.dir.write("src/small", "small");
  pair.dir.make_dir("dst");
  with_mount(pair.dir.path("dst"), [&] {
    const auto full = pair.copy();
    if (full.errors.size() != 1 || full.errors[0].path != "large") return 1;
    const auto& cause = full.errors[0].cause;
    if (cause.find("No space left on device") != 0) return 2;
    if (cause.find("3000000 bytes are needed, ") == cause.npos || cause.find(" are missing") == cause.npos)
      return 3;
    if (pair.dir.read("dst/small") != "small" || pair.dir.exists("dst/large")) return 4;
    const auto again = [&](const char* options, unsigned long flags) {
      return ::mount("none", pair.dir.path("dst").c_str(), "tmpfs", MS_REMOUNT | flags, options) == 0;
    };
    if (!again("size=9m", MS_RDONLY)) return not_permitted;
    try {
      pair.copy();
      return 5;
    } catch (const Error& error) {
      if (!error.is_errno(EROFS)) return 6;
    }
    if (!again("size=9m", 0)) return not_permitted;
    return pair.copy().report.in_step && pair.dir.read("dst/large") == pair.dir.read("src/large") ? 0 : 7;
  });
}

TEST_CASE("one file system: what is mounted in the source is not copied, its mount point is", "[sync]") {
  const bool one_file_system = GENERATE(true, false);
  CAPTURE(one_file_system);
  Pair pair;
  pair.options.one_file_system = one_file_system;
  pair.options.delete_extra = true;
  pair.dir.make_dir("src/mounted");
  pair.dir.make_dir("src/plain");
  pair.dir.write("src/plain/file", "1");
  with_mount(pair.dir.path("src/mounted"), [&] {
    pair.dir.make_dir("src/mounted/below");
    pair.dir.write("src/mounted/file", "2");
    const auto outcome = pair.copy();
    if (outcome.report.exit_code != 0 || !outcome.report.in_step) return 1;
    if (pair.dir.read("dst/plain/file") != "1" || !pair.dir.exists("dst/mounted")) return 2;
    if (pair.dir.exists("dst/mounted/file") == one_file_system) return 3;
    if (pair.dir.exists("dst/mounted/below") == one_file_system) return 4;
    const auto again = pair.copy();
    if (!again.changes.empty() || !again.report.in_step) return 5;
    return 0;
  });
}

TEST_CASE("one file system: a mount point in the source keeps what the destination has below it", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  pair.dir.make_dir("src/mounted");
  pair.dir.write("src/mounted/file", "hidden by the mount");
  pair.dir.write("src/other", "1");
  pair.copy();
  pair.options.one_file_system = true;
  with_mount(pair.dir.path("src/mounted"), [&] {
    const auto outcome = pair.copy();
    if (outcome.report.exit_code != 0) return 1;
    if (!pair.dir.exists("dst/mounted/file")) return 2;
    if (pair.dir.read("dst/mounted/file") != "hidden by the mount") return 3;
    return 0;
  });
}

TEST_CASE("one file system: --delete spares what is mounted in the destination", "[sync]") {
  const bool known = GENERATE(true, false);  // whether a copy was made before
  const bool in_source = GENERATE(true, false);
  CAPTURE(known, in_source);
  Pair pair;
  pair.options.one_file_system = true;
  pair.options.delete_extra = true;
  pair.dir.make_dir("dst/mounted");
  pair.dir.write("src/file", "1");
  if (in_source) pair.dir.make_dir("src/mounted");
  if (known) {
    pair.dir.make_dir("src/mounted");
    pair.copy();
    if (!in_source) stdfs::remove(pair.dir.path("src/mounted"));
  }
  with_mount(pair.dir.path("dst/mounted"), [&] {
    pair.dir.make_dir("dst/mounted/below");
    pair.dir.write("dst/mounted/below/theirs", "2");
    pair.dir.write("dst/extra", "3");
    pair.dir.write("src/new", "4");
    const auto outcome = pair.copy();
    if (pair.dir.read("dst/new") != "4" || pair.dir.exists("dst/extra")) return 1;
    if (!pair.dir.exists("dst/mounted/below/theirs")) return 2;
    if (pair.dir.read("dst/mounted/below/theirs") != "2") return 3;
    // As rsync does: a mount point is left where it is, and that is no failure.
    if (outcome.report.exit_code != 0) return 4;
    if (pair.copy().report.exit_code != 0) return 5;
    return 0;
  });
}

TEST_CASE("what was on a file system that is not mounted any more is not deleted", "[sync]") {
  const std::string ignored = GENERATE("", "/part/", "/p*");
  const bool is_named = GENERATE(false, true);
  CAPTURE(ignored, is_named);
  Pair pair;
  if (is_named) pair.options.sources = {pair.dir.path("src")};
  const std::string name = is_named ? "src/" : "";
  const auto at_target = [&](const std::string& path) { return "dst/" + name + path; };
  pair.options.delete_extra = true;
  pair.options.guard_deletes = true;
  pair.options.mounts.emplace();
  pair.dir.make_dir("src/part");
  pair.dir.write("src/file", "1");
  if (!ignored.empty()) pair.dir.write("src/.synclineignore", ignored + "\n");
  const auto part = pair.dir.path("src/part");
  with_mount(part, [&] {
    pair.dir.write("src/part/a", "2");
    auto report = pair.copy().report;
    const auto expected = ignored.empty() ? std::vector<std::string>{"part"} : std::vector<std::string>();
    if (report.mounts != expected || !report.missing_mount.empty() || report.exit_code != 0) return 1;
    if (pair.dir.exists(at_target("part/a")) != ignored.empty()) return 2;
    pair.options.mounts = report.mounts;
    if (::umount2(part.c_str(), 0) != 0) return not_permitted;
    pair.dir.write("src/file", "11");
    stdfs::remove(pair.dir.path("src/.synclineignore"));  // counts for what was there before as well
    report = pair.copy().report;
    if (pair.dir.read(at_target("file")) != "11") return 3;
    if (ignored.empty()) {
      if (report.deletions_held != 1 || report.missing_mount != "part" || report.exit_code != 41) return 4;
      if (!report.mounts.empty() || pair.dir.read(at_target("part/a")) != "2") return 5;
      pair.options.mounts.emplace();  // approved
      report = pair.copy().report;
    }
    if (report.deletions_held != 0 || !report.missing_mount.empty() || report.exit_code != 0) return 6;
    return pair.dir.exists(at_target("part/a")) ? 7 : 0;
  });
}

TEST_CASE("what is left out by a rule only now is mounted still", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  pair.options.guard_deletes = true;
  pair.options.mounts.emplace();
  pair.dir.make_dir("src/part");
  pair.dir.write("src/file", "1");
  with_mount(pair.dir.path("src/part"), [&] {
    pair.dir.write("src/part/a", "2");
    pair.options.mounts = pair.copy().report.mounts;
    if (pair.options.mounts->size() != 1) return 1;
    pair.dir.write("src/.synclineignore", "/part/\n");
    stdfs::remove(pair.dir.path("src/file"));
    const auto report = pair.copy().report;
    if (report.deletions_held != 0 || !report.missing_mount.empty() || !report.mounts.empty()) return 2;
    return pair.dir.exists("dst/file") ? 3 : 0;
  });
}

TEST_CASE("paths of mounts are told up to a limit, beyond it none is", "[sync][bounds]") {
  constexpr std::size_t count = 32;
  constexpr std::size_t length = limits::mount_names_bytes_max / count;
  Pair pair;
  pair.options.guard_deletes = true;
  pair.options.mounts.emplace();
  // The first one is made a byte longer, once the limit was reached.
  const auto path_of = [&](std::size_t number, std::size_t bytes) {
    auto out = std::to_string(100 + number);
    while (out.size() + 201 < bytes) out += '/' + std::string(200, 'x');
    return out + '/' + std::string(bytes - out.size() - 1, 'y');
  };
  pair.dir.make_dir("src/first");
  with_mount(pair.dir.path("src/first"), [&] {
    const auto mount_one = [&](std::size_t number, std::size_t bytes) {
      const auto path = pair.dir.path("src/" + path_of(number, bytes));
      stdfs::create_directories(path);
      return mount_at(path);
    };
    if (::umount2(pair.dir.path("src/first").c_str(), 0) != 0) return not_permitted;
    for (std::size_t i = 1; i < count; ++i)
      if (!mount_one(i, length)) return not_permitted;
    if (!mount_one(0, length)) return not_permitted;
    pair.options.mounts = pair.copy().report.mounts;
    if (pair.options.mounts->size() != count) return 1;
    if (pair.copy().report.mounts.size() != count) return 2;  // and taken, where they go to a server
    if (::umount2(pair.dir.path("src/" + path_of(0, length)).c_str(), 0) != 0) return not_permitted;
    if (!mount_one(0, length + 1)) return not_permitted;
    pair.options.mounts.emplace();
    return pair.copy().report.mounts.empty() ? 0 : 3;
  });
}

TEST_CASE("what could not be deleted does not count as deleted", "[sync]") {
  Pair pair;
  pair.options.delete_extra = true;
  pair.dir.make_dir("src/d");
  pair.dir.make_dir("dst/d");
  with_mount(pair.dir.path("dst/d"), [&] {
    pair.dir.write("src/d/a", "1");
    pair.dir.write("src/d/b", "2");
    pair.copy();
    stdfs::remove_all(pair.dir.path("src/d"));
    for (const std::uint64_t expected : {2, 0}) {  // a mount point cannot go
      const auto outcome = pair.copy();
      if (outcome.report.files_deleted != expected || !outcome.failed("d")) return 1;
    }
    return pair.dir.exists("dst/d/a") ? 2 : 0;
  });
}
