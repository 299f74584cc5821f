// SPDX-License-Identifier: Apache-2.0
// --one-file-system at real mount points, made in a mount namespace of the test's own.
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "pair.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

namespace {

constexpr int not_permitted = 77;

void write_line(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  if (!(out << text)) throw std::runtime_error("write " + path);
}

/// Another file system at `path`, seen by this process alone. False where that is not permitted.
bool mount_at(const std::string& path) {
  return ::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=1m,mode=755") == 0;
}

bool enter_own_namespace() {
  const bool entered = ::unshare(CLONE_NEWNS) == 0;
  if (!entered) {
    const auto uid = std::to_string(::getuid());
    const auto gid = std::to_string(::getgid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    write_line("/proc/self/uid_map", "0 " + uid + " 1");
    write_line("/proc/self/setgroups", "deny");
    write_line("/proc/self/gid_map", "0 " + gid + " 1");
  }
  return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

/// Runs `body` with a tmpfs at `mount_point`; false (and told) where that cannot be had. `body` returns the
/// number of what it found wrong first, 0 for nothing.
template <class Body>
void with_mount(const std::string& mount_point, Body&& body) {
  const auto result = run_in_child([&] {
    if (!enter_own_namespace() || !mount_at(mount_point)) return not_permitted;
    return body();
  });
  if (result.exit_code == not_permitted) WARN("skipped: mounting is not permitted here");
  else CHECK(result.exit_code == 0);
}

}  // namespace

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
