// SPDX-License-Identifier: Apache-2.0
// .synclineignore and .gitignore files in the source.
#include "base/limits.hpp"
#include "several.hpp"
#include "support/fault_fs.hpp"

using namespace syncline;
using namespace syncline::test;

namespace {

class Ignoring : public Several {
 public:
  Ignoring() : Several({"src/"}) {}
  bool in_dst(const std::string& path) const { return dir.exists("dst/" + path); }
};

/// What the run says that cannot be done.
std::string refusal(const Pair& pair) {
  try {
    pair.copy();
  } catch (const Error& error) {
    return error.is(Errc::rules) ? error.context() : error.what();
  }
  return "";
}

}  // namespace

TEST_CASE(".synclineignore counts unless it is switched off, and is copied like any file", "[sync][ignore]") {
  Ignoring pair;
  pair.write("src/.synclineignore", "*.o\n/out/\n.git\n!sub/kept.o\n");
  pair.write("src/sub/.synclineignore", "!too.o\n");
  for (const char* name : {"src/a.c", "src/a.o", "src/out/x", "src/sub/b.o", "src/sub/kept.o",
                           "src/sub/too.o", "src/sub/out/y", "src/.git/HEAD"})
    pair.write(name, "x");
  pair.write("dst/theirs.o", "kept");
  pair.write("dst/out/kept", "kept");
  pair.write("dst/extra", "goes");
  for (int turn = 0; turn < 2; ++turn) {
    CAPTURE(turn);
    CHECK(pair.copy().report.exit_code == 0);
    for (const char* name : {".synclineignore", "sub/.synclineignore", "a.c", "sub/kept.o", "sub/too.o",
                             "sub/out/y", "theirs.o", "out/kept"}) {
      CAPTURE(name);
      CHECK(pair.in_dst(name));
    }
    for (const char* name : {"a.o", "out/x", "sub/b.o", ".git", "extra"}) {
      CAPTURE(name);
      CHECK_FALSE(pair.in_dst(name));
    }
  }
  pair.options.synclineignore = false;
  pair.copy();
  CHECK(pair.in_dst("a.o"));
  CHECK(pair.in_dst("out/x"));
  CHECK(pair.in_dst(".git/HEAD"));
  CHECK_FALSE(pair.in_dst("theirs.o"));
  CHECK_FALSE(pair.in_dst("out/kept"));
}

TEST_CASE("rules that changed count in the next run, whatever was agreed", "[sync][ignore]") {
  Ignoring pair;
  const std::string file = GENERATE(".synclineignore", ".gitignore");
  pair.options.gitignore = file == ".gitignore";
  CAPTURE(file);
  pair.write("src/" + file, "*.o\n");
  pair.write("src/sub/a.o", "a");
  pair.write("src/sub/a.c", "c");
  pair.write("dst/sub/theirs.o", "kept for now");
  CHECK(pair.copy().report.exit_code == 0);
  CHECK(pair.copy().changes.empty());
  CHECK_FALSE(pair.in_dst("sub/a.o"));
  CHECK(pair.in_dst("sub/theirs.o"));

  // Nothing is left out any more: what was protected goes, although nothing moved in that directory.
  pair.write("src/" + file, "*.p\n");
  pair.copy();
  CHECK(pair.dir.read("dst/sub/a.o") == "a");
  CHECK_FALSE(pair.in_dst("sub/theirs.o"));
  pair.check_settled();

  // Left out again: what is there stays, also when the source has it no more.
  pair.write("src/" + file, "*.o\n");
  pair.copy();
  remove(pair.dir.path("src/sub/a.o"));
  CHECK(pair.copy().report.files_deleted == 0);
  CHECK(pair.dir.read("dst/sub/a.o") == "a");

  // The rules themselves go: so does what they protected.
  remove(pair.dir.path("src/" + file));
  pair.copy();
  CHECK_FALSE(pair.in_dst("sub/a.o"));
  CHECK_FALSE(pair.in_dst(file));
  pair.check_settled();
}

TEST_CASE("filter rules decide before .synclineignore, and that before .gitignore", "[sync][ignore]") {
  Ignoring pair;
  pair.options.gitignore = true;
  pair.options.filters = {{true, "/1*"}, {false, "/2*"}};
  pair.write("src/.synclineignore", "/1a\n!/2b\n/3c\n!/4d\n!.git\n");
  pair.write("src/.gitignore", "/1a\n!/3c\n/4d\n/5e\n");
  for (const char* name : {"1a", "2b", "3c", "4d", "5e", "sub/.git", ".git"})
    pair.write(std::string("src/") + name + "/f", name);
  pair.copy();
  CHECK(pair.in_dst("1a"));
  CHECK_FALSE(pair.in_dst("2b"));
  CHECK_FALSE(pair.in_dst("3c"));
  CHECK(pair.in_dst("4d"));
  CHECK_FALSE(pair.in_dst("5e"));
  CHECK(pair.in_dst(".git"));
  CHECK(pair.in_dst("sub/.git"));
}

TEST_CASE("a file that is named itself is copied whatever .synclineignore says beside it", "[sync][ignore]") {
  Ignoring pair;
  pair.write("src/.synclineignore", "*.log\n");
  pair.write("src/a.log", "wanted");
  pair.name({"src/a.log"});
  pair.write("dst/other", "");
  pair.copy();
  CHECK(pair.dir.read("dst/a.log") == "wanted");
}

TEST_CASE("each of several sources has its own .synclineignore", "[sync][ignore]") {
  Several several{"a/", "b/"};
  several.write("a/.synclineignore", "*.o\n");
  several.write("a/x.o", "ignored");
  several.write("b/x.o", "b's");
  several.write("dst/kept.o", "a's rules protect it");
  CHECK(several.copy().report.exit_code == 0);
  CHECK(several.dir.read("dst/x.o") == "b's");
  CHECK(several.dir.exists("dst/kept.o"));
}

TEST_CASE("a file of rules has as many bytes and patterns as the limits say", "[sync][ignore]") {
  Ignoring pair;
  pair.write("src/f", "x");
  pair.write("dst/extra", "x");
  const std::string line(limits::kib - 1, 'p');
  std::string bytes, patterns;
  while (bytes.size() < limits::ignore_file_bytes_max) bytes += line + '\n';
  for (std::size_t i = 0; i < limits::ignore_patterns_max; ++i) patterns += "p\n";

  pair.write("src/sub/.synclineignore", bytes + "q");
  CHECK(refusal(pair) ==
        "'sub/.synclineignore' in the source has more than 1048576 bytes: make it shorter, or "
        "give --no-synclineignore");
  pair.write("src/sub/.synclineignore", patterns + "q\n");
  CHECK(refusal(pair) ==
        "'sub/.synclineignore' in the source has more than 16384 patterns: make it shorter, or "
        "give --no-synclineignore");
  CHECK_FALSE(pair.in_dst("f"));
  CHECK(pair.in_dst("extra"));

  pair.write("src/sub/.synclineignore", bytes);
  CHECK(pair.copy().report.exit_code == 0);
  pair.write("src/sub/.synclineignore", patterns);
  CHECK(pair.copy().report.exit_code == 0);
  CHECK_FALSE(pair.in_dst("extra"));
}

TEST_CASE("where rules cannot be read their directory is left alone", "[sync][ignore]") {
  Ignoring pair;
  pair.write("src/f", "x");
  pair.write("src/sub/.synclineignore", "*.o\n");
  pair.write("src/sub/g", "x");
  pair.write("dst/sub/kept.o", "x");
  FaultFs faults(fs::linux_fs());
  faults.fail_op("open_read", EACCES);
  sync::World source;
  source.files = &faults;
  const auto outcome = run_copy(pair.options, source);
  CHECK(faults.struck() == 1);
  CHECK(outcome.report.exit_code == 23);
  CHECK(outcome.failed("sub/.synclineignore"));
  CHECK(outcome.failed("sub"));
  CHECK(pair.in_dst("f"));
  CHECK_FALSE(pair.in_dst("sub/g"));
  CHECK(pair.in_dst("sub/kept.o"));
}

TEST_CASE("only files that are listed are looked at, and only regular ones have rules", "[sync][ignore]") {
  Ignoring pair;
  pair.options.gitignore = true;
  pair.write("src/sub/f", "x");
  pair.write("src/rules", "f\n");
  pair.copy();
  FaultFs faults(fs::linux_fs());
  sync::World source;
  source.files = &faults;
  run_copy(pair.options, source);
  for (const auto& call : faults.trace()) {
    CAPTURE(call);
    CHECK(call.find("ignore") == std::string::npos);
  }
  stdfs::create_symlink("rules", pair.dir.path("src/.synclineignore"));
  stdfs::create_directory(pair.dir.path("src/.gitignore"));
  CHECK(pair.copy().report.exit_code == 0);
  CHECK(pair.in_dst("sub/f"));
  CHECK(stdfs::is_symlink(pair.dir.path("dst/.synclineignore")));
}
