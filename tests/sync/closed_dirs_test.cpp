// SPDX-License-Identifier: Apache-2.0
// Directories that their owner may not write to, look into or enter, as somebody who is not root meets them.
#include <grp.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "pair.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/fault_fs.hpp"
#include "tree_picture.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

namespace {

constexpr unsigned nobody = 65534;
constexpr std::size_t big_bytes = 9u << 20;  ///< large enough to be patched in place

void must(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error("not so: " + what);
}

unsigned mode_of(const std::string& path) { return lstat_of(path).st_mode & 07777; }

void set_mode(const std::string& path, unsigned mode) {
  if (::chmod(path.c_str(), mode) != 0) throw std::runtime_error("chmod " + path);
}

/// Makes `change` in a directory that its mode forbids it in.
template <class Change>
void inside(const std::string& path, Change&& change) {
  const auto mode = mode_of(path);
  set_mode(path, mode | 0700);
  change();
  set_mode(path, mode);
}

struct ClosedPair : Pair {
  ClosedPair() {
    options.owner = options.group = false;
    options.delete_extra = true;
    if (::geteuid() == 0) REQUIRE(::chown(dir.path().c_str(), nobody, nobody) == 0);
    if (::geteuid() == 0) REQUIRE(::chown(dir.path("src").c_str(), nobody, nobody) == 0);
  }
  ClosedPair(const ClosedPair&) = delete;
  ClosedPair& operator=(const ClosedPair&) = delete;
  ~ClosedPair() { (void)std::system(("chmod -R u+rwx '" + dir.path() + "'").c_str()); }

  /// Everything that is done with the pair is done by its owner.
  template <class Body>
  ChildResult as_owner(Body&& body) const {
    return run_in_child([&] {
      const bool root = ::geteuid() == 0;
      if (root && (::setgroups(0, nullptr) != 0 || ::setgid(nobody) != 0 || ::setuid(nobody) != 0)) return 99;
      ::umask(022);
      body();
      return 0;
    });
  }

  std::string src(const std::string& name) const { return dir.path("src/" + name); }
  std::string dst(const std::string& name) const { return dir.path("dst/" + name); }

  void make_tree(unsigned mode) const {
    dir.make_dir("src/mod/sub");
    dir.make_dir("src/other");
    for (const char* name :
         {"mod/kept", "mod/gone", "mod/replaced", "mod/renamed", "mod/leaving", "mod/sub/f", "other/coming"})
      dir.write(std::string("src/") + name, name);
    dir.write("src/mod/big", random_text(big_bytes, 1));
    set_mode(src("mod/sub"), mode);
    set_mode(src("mod"), mode);
  }
  /// `sessions`: one unless a second one finds what is in directories that were opened.
  Outcome must_copy(const std::string& what, int sessions = 1, const sync::World& target = {}) const {
    auto out = run_copy(options, {}, target);
    for (const auto& error : out.errors) must(false, what + ": " + error.path + ": " + error.cause);
    must(out.report.exit_code == 0 && out.report.in_step, what + ": it is in step");
    must(out.was_unlike() == (sessions == 2), what + ": it takes " + std::to_string(sessions));
    const auto difference = differences(picture_of(dir.path("src")), picture_of(dir.path("dst")));
    must(difference.empty(), what + ": both are equal\n" + difference);
    return out;
  }
  /// Our own changes of modes are nobody's edits.
  void must_be_silent(const std::string& what) const {
    const auto out = must_copy(what + ", again");
    must(out.changes.empty(), what + ": the next run finds nothing");
  }
  void change_contents() const {
    inside(src("mod"), [&] {
      dir.write("src/mod/new", "new");
      dir.make_dir("src/mod/new_dir");
      dir.write("src/mod/new_dir/f", "new");
      stdfs::create_symlink("kept", src("mod/link"));
      stdfs::remove(src("mod/gone"));
      dir.write("src/mod/temp", "another one");
      stdfs::rename(src("mod/temp"), src("mod/replaced"));
      stdfs::rename(src("mod/renamed"), src("mod/renamed_to"));
      auto big = random_text(big_bytes, 1);
      big[big_bytes / 2] = static_cast<char>(big[big_bytes / 2] + 1);
      dir.write("src/mod/big", big);
    });
    inside(src("mod/sub"), [&] { dir.write("src/mod/sub/g", "new"); });
  }
};

}  // namespace

TEST_CASE("what is in directories without write permission in DST is changed, and they keep their modes",
          "[sync]") {
  ClosedPair pair;
  const unsigned mode = GENERATE(0555U, 0500U, 02555U);
  pair.options.update = GENERATE(Update::automatic, Update::inplace);
  pair.options.drift = pair.options.update == Update::inplace ? Drift::keep : Drift::heal;
  CAPTURE(mode);
  const auto child = pair.as_owner([&] {
    pair.make_tree(mode);
    pair.must_copy("the first copy");
    pair.change_contents();
    const auto out = pair.must_copy("changes");
    must(out.change("mod/new") != nullptr && out.change("mod/new")->itemized.starts_with(">f+++"),
         "it is new");
    must(out.change("mod/") == nullptr || out.change("mod/")->itemized.find('p') == std::string::npos,
         "no mode has changed");
    must(mode_of(pair.dst("mod")) == mode && mode_of(pair.dst("mod/sub")) == mode, "modes are as in SRC");
    pair.must_be_silent("changes");

    inside(pair.src("mod"), [&] {
      stdfs::rename(pair.src("mod/leaving"), pair.src("other/left"));
      stdfs::rename(pair.src("other/coming"), pair.src("mod/come"));
      set_mode(pair.src("mod/sub"), mode | 0200);
      stdfs::rename(pair.src("mod/sub"), pair.src("other/sub"));
      set_mode(pair.src("other/sub"), mode);
    });
    const auto moved = pair.must_copy("renames");
    must(moved.report.files_renamed == 3, "they are renamed");
    must(mode_of(pair.dst("mod")) == mode && mode_of(pair.dst("other/sub")) == mode, "modes are as in SRC");
    pair.must_be_silent("renames");

    for (const char* name : {"mod", "other/sub"}) set_mode(pair.src(name), 0755);
    stdfs::remove_all(pair.src("mod"));
    stdfs::remove_all(pair.src("other/sub"));
    pair.must_copy("removal");
    pair.must_be_silent("removal");
  });
  CHECK(child.exit_code == 0);
}

TEST_CASE("a DST without write permission is changed itself", "[sync]") {
  ClosedPair pair;
  const auto child = pair.as_owner([&] {
    pair.dir.write("src/f", "1");
    set_mode(pair.dir.path("src"), 0555);
    pair.must_copy("the first copy");
    must(mode_of(pair.dir.path("dst")) == 0555, "the mode is that of SRC");
    inside(pair.dir.path("src"), [&] { pair.dir.write("src/g", "2"); });
    pair.must_copy("a new file");
    must(mode_of(pair.dir.path("dst")) == 0555, "and again");
    pair.must_be_silent("a new file");
  });
  CHECK(child.exit_code == 0);
}

TEST_CASE("directories that are not to have the modes of SRC get back those that they had", "[sync]") {
  ClosedPair pair;
  pair.options.perms = pair.options.acls = false;
  pair.options.times = GENERATE(true, false);
  const auto child = pair.as_owner([&] {
    pair.dir.make_dir("src/d/e");
    pair.dir.make_dir("dst/d/e");
    pair.dir.write("src/d/f", "1");
    pair.dir.write("dst/d/gone", "1");
    pair.dir.write("dst/d/e/gone", "1");
    set_mode(pair.dst("d/e"), 0500);
    set_mode(pair.dst("d"), 0577);
    auto out = run_copy(pair.options);
    must(out.report.exit_code == 0, "it works");
    must(mode_of(pair.dst("d")) == 0577 && mode_of(pair.dst("d/e")) == 0500, "the modes are as they were");
    must(
        pair.dir.read("dst/d/f") == "1" && !pair.dir.exists("dst/d/gone") && !pair.dir.exists("dst/d/e/gone"),
        "the contents are those of SRC");
    out = run_copy(pair.options);
    must(out.changes.empty() && out.report.in_step, "the next one is silent");
  });
  CHECK(child.exit_code == 0);
}

TEST_CASE("a tree with directories that nobody may look into is removed in one run", "[sync]") {
  ClosedPair pair;
  const unsigned mode = GENERATE(0U, 0100U, 0200U, 0300U, 0400U, 0500U, 0555U);
  const bool is_replaced = GENERATE(false, true);
  CAPTURE(mode, is_replaced);
  const bool may_look = (mode & 0500) == 0500;
  const auto child = pair.as_owner([&] {
    pair.make_tree(0755);
    pair.dir.make_dir("src/mod/sub/deep/deeper");
    pair.dir.write("src/mod/sub/deep/deeper/f", "x");
    pair.must_copy("the first copy");
    pair.dir.make_dir("dst/mod/sub/deep/theirs");
    for (const char* name : {"mod/sub/deep/theirs", "mod/sub/deep/deeper", "mod/sub/deep", "mod/sub", "mod"})
      set_mode(pair.dst(name), mode);
    stdfs::remove_all(pair.src("mod"));
    if (is_replaced) pair.dir.write("src/mod", "a file now");

    CopyOptions dry = pair.options;
    dry.dry_run = true;
    (void)run_copy(dry);
    must(mode_of(pair.dst("mod")) == mode, "a dry run leaves it as it is");

    const auto out = pair.must_copy("removal", may_look ? 1 : 2);
    for (const char* path : {"mod/", "mod/kept", "mod/sub/", "mod/sub/deep/deeper/f"})
      must(std::ranges::count(out.changes, path, &ChangeEvent::path) == 1,
           std::string(path) + " is told once");
    pair.must_be_silent("removal");
  });
  CHECK(child.exit_code == 0);
}

TEST_CASE("an empty directory that nobody may look into is told when it is removed", "[sync]") {
  ClosedPair pair;
  const auto child = pair.as_owner([&] {
    pair.dir.make_dir("src/kept");
    pair.must_copy("the first copy");
    pair.dir.make_dir("dst/theirs");
    set_mode(pair.dst("theirs"), 0);
    const auto out = pair.must_copy("removal", 2);
    must(out.changes.size() == 1 || out.changes.size() == 2, "it and the root at most");
    must(out.change("theirs/") != nullptr && out.report.files_deleted == 1, "it is told");
  });
  CHECK(child.exit_code == 0);
}

TEST_CASE("a directory that nobody may look into is not opened where deletions are held", "[sync]") {
  ClosedPair pair;
  pair.options.guard_deletes = true;
  const auto child = pair.as_owner([&] {
    pair.dir.make_dir("src/d/e");
    pair.must_copy("the first copy");
    set_mode(pair.dst("d"), 0);
    stdfs::remove_all(pair.src("d"));
    const auto out = run_copy(pair.options);
    must(out.report.deletions_held == 1, "it is held");
    must(mode_of(pair.dst("d")) == 0, "its mode is as it was");
    pair.options.guard_deletes = false;
    pair.must_copy("removal", 2);
  });
  CHECK(child.exit_code == 0);
}

TEST_CASE("what has gone from a directory that nobody may look into is told once", "[sync]") {
  ClosedPair pair;
  const auto child = pair.as_owner([&] {
    pair.make_tree(0755);
    pair.must_copy("the first copy");
    set_mode(pair.dst("mod"), 0);
    stdfs::remove(pair.src("mod/gone"));
    stdfs::remove_all(pair.src("mod/sub"));
    const auto out = pair.must_copy("removal", 2);
    for (const char* path : {"mod/gone", "mod/sub/", "mod/sub/f"})
      must(std::ranges::count(out.changes, path, &ChangeEvent::path) == 1,
           std::string(path) + " is told once");
    pair.must_be_silent("removal");
  });
  CHECK(child.exit_code == 0);
}

TEST_CASE("directories have their modes again after a change in them has failed", "[sync]") {
  ClosedPair pair;
  const std::string op = GENERATE("unlink", "rename_new", "rename", "make_dir", "set_mode");
  CAPTURE(op);
  const auto child = pair.as_owner([&] {
    pair.make_tree(0555);
    pair.must_copy("the first copy");
    pair.change_contents();
    FaultFs faults(fs::linux_fs());
    // The first of some is in our own area.
    faults.fail_op(op, EIO, op == "set_mode" ? 2 : 1);
    sync::World target;
    target.files = &faults;
    try {
      (void)run_copy(pair.options, {}, target);
    } catch (const std::exception&) {
      // It was one that the session cannot do without.
    }
    must(faults.struck() == 1, "it failed");
    if (op != "set_mode")
      must(mode_of(pair.dst("mod")) == 0555 && mode_of(pair.dst("mod/sub")) == 0555, "the modes");
    pair.must_copy("the next one");
    must(mode_of(pair.dst("mod")) == 0555, "the mode, in the end");
    pair.must_be_silent("the next one");
  });
  CHECK(child.exit_code == 0);
}

TEST_CASE("directories have their modes again after a session that was broken off", "[sync]") {
  ClosedPair pair;
  const auto child = pair.as_owner([&] {
    pair.make_tree(0555);
    pair.must_copy("the first copy");
    pair.change_contents();
    std::atomic<bool> stop = false;
    FaultFs faults(fs::linux_fs());
    // Our own area is made first.
    const auto look = [&] { stop = stop || mode_of(pair.dst("mod")) == 0755; };
    for (std::uint64_t nth = 1; nth <= 5; ++nth) faults.call_op("make_dir", look, nth, Moment::after);
    sync::World target;
    target.files = &faults;
    try {
      (void)run_copy(pair.options, {}, target, nullptr, [&] { return stop.load(); });
    } catch (const std::exception&) {
      // Cancelled.
    }
    must(stop, "something was under way");
    must(mode_of(pair.dst("mod")) == 0555 && mode_of(pair.dst("mod/sub")) == 0555, "the modes");
    pair.must_copy("the next one");
    pair.must_be_silent("the next one");
  });
  CHECK(child.exit_code == 0);
}

TEST_CASE("the run after one that was killed sets modes right, and never were they wider to others",
          "[sync]") {
  if (test_link() != "" || std::getenv("SYNCLINE_SANITIZED") != nullptr) return;  // it forks
  ClosedPair pair;
  pair.options.drift = GENERATE(Drift::heal, Drift::keep);
  CHECK(pair.as_owner([&] {
              pair.make_tree(0510);
              pair.must_copy("the first copy");
              pair.change_contents();
            })
            .exit_code == 0);
  bool was_open = false;
  std::uint64_t killed = 0;
  for (std::uint64_t call = 1; call < 1000; ++call) {
    CAPTURE(call);
    const auto child = pair.as_owner([&] {
      FaultFs faults(fs::linux_fs(), Counted::mutating);
      faults.kill_at(call);
      sync::World target;
      target.files = &faults;
      (void)run_copy(pair.options, {}, target);
    });
    for (const char* name : {"mod", "mod/sub"}) {
      const auto mode = mode_of(pair.dst(name));
      CHECK((mode == 0510 || mode == 0710));
      was_open = was_open || mode == 0710;
    }
    CHECK(pair.as_owner([&] {
                pair.must_copy("the next one");
                must(mode_of(pair.dst("mod")) == 0510 && mode_of(pair.dst("mod/sub")) == 0510, "the modes");
                pair.must_be_silent("the next one");
              })
              .exit_code == 0);
    if (!child.killed()) break;
    ++killed;
    CHECK(pair.as_owner([&] {
                // Something for the next one, of all kinds.
                inside(pair.src("mod"), [&] {
                  const auto number = std::to_string(call);
                  pair.dir.write("src/mod/new" + number, number);
                  pair.dir.write("src/mod/replaced", "replaced " + number);
                  if (call > 1) stdfs::remove(pair.src("mod/new" + std::to_string(call - 1)));
                  if (call > 1)
                    stdfs::rename(pair.src("mod/at" + std::to_string(call - 1)), pair.src("mod/at" + number));
                  else pair.dir.write("src/mod/at1", "moving");
                });
              })
              .exit_code == 0);
  }
  CHECK(killed > 5);
  CHECK(was_open);
}
