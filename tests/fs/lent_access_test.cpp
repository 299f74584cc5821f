// SPDX-License-Identifier: Apache-2.0
// Directories that lend their owner what a call lacks, and have their modes again afterwards.
#include "fs/lent_access.hpp"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "expect.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/fault_fs.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::test;

namespace {

unsigned mode_of(const std::string& path) {
  struct ::stat out {};
  return ::lstat(path.c_str(), &out) == 0 ? out.st_mode & 07777 : ~0u;
}

void must(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

/// A directory that is lent access to, in a child that is the user nobody.
template <class Body>
int with_lending(Body&& body) {
  TempDir temp;
  if (is_root()) REQUIRE(::chown(temp.path().c_str(), nobody, nobody) == 0);
  const auto child = run_in_child([&] {
    if (is_root() && (::setgroups(0, nullptr) != 0 || ::setgid(nobody) != 0 || ::setuid(nobody) != 0))
      return 99;
    FaultFs counted(fs::linux_fs());
    const auto access = std::make_shared<fs::LentAccess>(::geteuid());
    body(temp, *access, counted, *access->lending(temp.open(counted)));
    return 0;
  });
  (void)std::system(("chmod -R u+rwx '" + temp.path() + "'").c_str());
  return child.exit_code;
}

}  // namespace

TEST_CASE("every change in a directory without write permission works, and its mode is set again", "[fs]") {
  using Change = std::function<void(fs::Dir & d, fs::Dir & e)>;
  static const std::vector<Change> changes = {
      [](fs::Dir& d, fs::Dir&) { d.create("file", 0600); },
      [](fs::Dir& d, fs::Dir&) { d.make_dir("made", 0700); },
      [](fs::Dir& d, fs::Dir&) { d.make_symlink("link", "x"); },
      [](fs::Dir& d, fs::Dir&) { d.make_node("fifo", fs::FileType::fifo, 0600, 0, 0); },
      [](fs::Dir& d, fs::Dir&) { d.make_link(d, "file", "second"); },
      [](fs::Dir& d, fs::Dir&) { d.open_append("log", 0600)->append(as_bytes("x")); },
      [](fs::Dir& d, fs::Dir& e) { d.rename_new("second", e, "second"); },
      [](fs::Dir& d, fs::Dir& e) { d.rename_exchange("log", e, "second"); },
      [](fs::Dir& d, fs::Dir& e) { e.rename("second", d, "second"); },
      [](fs::Dir& d, fs::Dir& e) { d.rename("moved", e, "moved"); },
      [](fs::Dir& d, fs::Dir& e) { e.rename_exchange("moved", d, "made"); },
      [](fs::Dir&, fs::Dir& e) { e.remove_dir("moved"); },
      [](fs::Dir& d, fs::Dir&) { d.unlink("file"); },
  };
  const unsigned mode = GENERATE(0555U, 0577U, 0077U, 0U);
  CAPTURE(mode);
  const auto failed = with_lending([&](const TempDir& temp, fs::LentAccess& access, FaultFs&, fs::Dir& root) {
    const std::vector<std::string> dirs = {"d/moved", "e/moved", "d/made", "e/made", "d", "e"};
    temp.make_dir("d/moved");
    temp.make_dir("e");
    for (const auto& change : changes) {
      for (const auto& name : dirs) (void)::chmod(temp.path(name).c_str(), mode);
      change(*root.open_dir("d"), *root.open_beneath(RelPath::parse("e")));
      for (const char* name : {"d", "e"})
        must((mode_of(temp.path(name)) & 0077) == (mode & 0077), "nobody else may do more, or less");
      must(!access.take_back().empty(), "it was lent");
      for (const char* name : {"d", "e"}) {
        must(mode_of(temp.path(name)) == mode, "the mode");
        must(::chmod(temp.path(name).c_str(), 0700) == 0, "chmod");
      }
      for (const char* name : {"d/moved", "e/moved"})
        must(!temp.exists(name) || mode_of(temp.path(name)) == mode, "that of a directory that was moved");
    }
    must(access.take_back().empty(), "once");
  });
  CHECK(failed == 0);
}

TEST_CASE("a directory that may not be entered is entered", "[fs]") {
  const unsigned mode = GENERATE(0600U, 0400U, 0U);
  const auto failed = with_lending([&](const TempDir& temp, fs::LentAccess& access, FaultFs&, fs::Dir& root) {
    temp.make_dir("d/e");
    temp.write("d/f", "x");
    const auto d = root.open_dir("d");
    for (const char* name : {"d/e", "d"}) must(::chmod(temp.path(name).c_str(), mode) == 0, "chmod");
    must(d->stat_at("f").has_value(), "it is found");
    must(root.open_beneath(RelPath::parse("d/e"))->list().entries.empty(), "what is in it is seen");
    must(d->open_write("f") != nullptr, "it is opened");
    must(access.take_back().size() == (mode == 0 ? 2 : 1), "what was in the way was lent something");
    must(mode_of(temp.path("d")) == mode, "the mode");
    must(::chmod(temp.path("d").c_str(), 0700) == 0 && mode_of(temp.path("d/e")) == mode, "the mode below");
  });
  CHECK(failed == 0);
}

TEST_CASE("a mode that was set meanwhile stays", "[fs]") {
  const bool by_others = GENERATE(false, true);
  const bool by_name = GENERATE(false, true);
  // Also where it is the one that was lent.
  const unsigned mode = by_others ? 0711U : GENERATE(0755U, 0700U, 0500U);
  CAPTURE(by_others, by_name, mode);
  const auto failed = with_lending([&](const TempDir& temp, fs::LentAccess& access, FaultFs&, fs::Dir& root) {
    temp.make_dir("d");
    must(::chmod(temp.path("d").c_str(), 0555) == 0, "chmod");
    const auto d = root.open_dir("d");
    d->make_dir("x", 0700);
    must(mode_of(temp.path("d")) == 0755, "it is lent");
    if (by_others) must(::chmod(temp.path("d").c_str(), mode) == 0, "chmod");
    else if (by_name) root.set_mode_at("d", mode);
    else d->set_mode(mode);
    must(access.take_back().size() == 1, "it was lent");
    must(mode_of(temp.path("d")) == mode, "the mode");
  });
  CHECK(failed == 0);
}

TEST_CASE("what access cannot be lent to fails as it did", "[fs]") {
  const auto failed =
      with_lending([&](const TempDir& temp, fs::LentAccess& access, FaultFs& counted, fs::Dir& root) {
        temp.make_dir("d");
        temp.write("d/f", "x");
        must(::chmod(temp.path("d/f").c_str(), 0) == 0, "chmod");
        const auto d = root.open_dir("d");
        must(errno_of([&] { d->open_read("f"); }) == EACCES, "it is the file that is closed");
        must(mode_of(temp.path("d")) == 0755 && access.take_back().empty(), "nothing is lent");
        must(errno_of([&] { d->create("f"); }) == EEXIST, "another error");
        must(::chmod(temp.path("d").c_str(), 0555) == 0, "chmod");
        counted.fail_op("set_mode", EPERM);
        must(errno_of([&] { d->create("g"); }) == EACCES, "what the call said");
        must(access.take_back().size() <= 1 && mode_of(temp.path("d")) == 0555, "the mode");
      });
  CHECK(failed == 0);
}

TEST_CASE("no call is added where nothing fails", "[fs]") {
  const auto failed = with_lending([&](const TempDir&, fs::LentAccess&, FaultFs& counted, fs::Dir& root) {
    const auto before = counted.count();
    root.make_dir("d", 0700);
    const auto d = root.open_dir("d");
    d->create("f");
    d->rename("f", root, "f");
    root.unlink("f");
    d->set_mode(0750);
    root.set_mode_at("d", 0755);
    root.remove_dir("d");
    must(counted.count() - before == 8, "eight calls");
  });
  CHECK(failed == 0);
}

TEST_CASE("few directories are held open, also where threads work in many at once", "[fs]") {
  const auto failed = with_lending([&](const TempDir& temp, fs::LentAccess& access, FaultFs&, fs::Dir& root) {
    constexpr int dirs = 200;
    const auto path = [&](int i) { return temp.path("d" + std::to_string(i)); };
    for (int i = 0; i < dirs; ++i) {
      temp.make_dir("d" + std::to_string(i));
      must(::chmod(path(i).c_str(), 0555) == 0, "chmod");
    }
    std::atomic<int> failures = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < dirs; ++i) {
          try {
            root.open_dir("d" + std::to_string((i * 7) % dirs))->create("f" + std::to_string(t));
          } catch (const std::exception&) {
            ++failures;
          }
        }
      });
    for (auto& thread : threads) thread.join();
    must(failures == 0, "all is done");
    int open = 0;
    for (int i = 0; i < dirs; ++i) open += mode_of(path(i)) == 0755 ? 1 : 0;
    must(open > 0 && open <= 64, "few are open");
    must(access.take_back().size() == dirs, "all were");
    for (int i = 0; i < dirs; ++i) must(mode_of(path(i)) == 0555, "the mode");
  });
  CHECK(failed == 0);
}
