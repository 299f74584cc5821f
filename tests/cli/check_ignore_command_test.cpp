// SPDX-License-Identifier: Apache-2.0
// `syncline check-ignore`: what it prints, and against git on random trees.
#include "cli/check_ignore_command.hpp"

#include "../filter/oracle.hpp"
#include "base/limits.hpp"
#include "cli/check_ignore_command_line.hpp"
#include "fake_console.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace syncline::cli {
namespace {

namespace oracle = filter::oracle;
using Args = std::vector<std::string>;

struct Told {
  int code = -1;
  std::string out, err;
};

Told ask(const Args& args, const std::string& input = "") {
  FakeConsole fake;
  fake.in.str(input);
  Told told;
  told.code = run_check_ignore(args, fake.console);
  told.out = fake.out.str();
  told.err = fake.err.str();
  return told;
}

/// A directory that is asked about.
class Asked {
 public:
  explicit Asked(const std::string& rules = "*.o\n!keep.o\nout/\n") {
    dir_.make_dir("tree");
    dir_.make_dir("tree/sub");
    write(".synclineignore", rules);
  }
  void write(const std::string& path, const std::string& text) { dir_.write("tree/" + path, text); }
  void make_dir(const std::string& path) { dir_.make_dir("tree/" + path); }
  std::string path(const std::string& below = "") const { return dir_.path("tree") + "/" + below; }
  Told operator()(Args args, const std::string& input = "") const {
    args.insert(args.begin(), {"-C", path()});
    return ask(args, input);
  }

 private:
  test::TempDir dir_;
};

TEST_CASE("check-ignore prints what is ignored, and its code says whether anything is", "[check_ignore]") {
  const Asked asked;
  const auto some = asked({"a.o", "a.c", "sub/b.o", "keep.o", "./sub/../c.o"});
  CHECK(some.code == 0);
  CHECK(some.out == "a.o\nsub/b.o\n./sub/../c.o\n");
  CHECK(some.err.empty());
  const auto none = asked({"a.c", "keep.o", "."});
  CHECK(none.code == 1);
  CHECK(none.out.empty());
  CHECK(asked({"--no-synclineignore", "a.o"}).code == 1);
}

TEST_CASE("check-ignore -v tells the rule, also of the directory above and of one that takes in",
          "[check_ignore]") {
  Asked asked;
  asked.write("sub/.synclineignore", "# comment\n/x\\*\n");
  CHECK(asked({"-v", "a.o", "sub/x*", "keep.o", "a.c", "out/deep/f"}).out ==
        ".synclineignore:1:*.o\ta.o\n"
        "sub/.synclineignore:2:/x\\*\tsub/x*\n"
        ".synclineignore:2:!keep.o\tkeep.o\n"
        ".synclineignore:3:out/\tout/deep/f\n");
  CHECK(asked({"-v", "keep.o"}).code == 0);  // as git has it
  CHECK(asked({"-vn", "a.c", "a.o"}).out == "::\ta.c\n.synclineignore:1:*.o\ta.o\n");
  CHECK(asked({"-vn", "a.c"}).code == 1);
}

TEST_CASE("check-ignore knows directories by what is there or by a slash", "[check_ignore]") {
  Asked asked;
  CHECK(asked({"out"}).code == 1);
  CHECK(asked({"out/"}).out == "out/\n");
  asked.make_dir("out");
  CHECK(asked({"out"}).out == "out\n");
}

TEST_CASE("filter rules of the command line decide first, in their order", "[check_ignore]") {
  Asked asked;
  asked.write(".gitignore", "*.tmp\n*.c\n");
  asked.write("list", "# comment\n*.c\n");
  const auto run = asked({"-vn", "--gitignore", "--include=/a.o", "--exclude", "*.c", "a.o", "b.o", "a.c",
                          "sub/a.o", "x.tmp", ".git/HEAD", ".gitignore"});
  CHECK(run.out ==
        "--include::/a.o\ta.o\n"
        ".synclineignore:1:*.o\tb.o\n"
        "--exclude::*.c\ta.c\n"
        ".synclineignore:1:*.o\tsub/a.o\n"
        ".gitignore:1:*.tmp\tx.tmp\n"
        "--gitignore::.git\t.git/HEAD\n"
        "::\t.gitignore\n");
  CHECK(asked({"-v", "--exclude-from", asked.path("list"), "a.c"}).out == "--exclude::*.c\ta.c\n");
}

TEST_CASE("a root without a slash puts its name in front, as with copy", "[check_ignore]") {
  const Asked asked;
  auto root = asked.path();
  CHECK(ask({"--root", root, "--exclude=/a.c", "a.c"}).code == 0);
  root.pop_back();
  CHECK(ask({"--root", root, "--exclude=/a.c", "a.c"}).code == 1);
  CHECK(ask({"--root=" + root, "--exclude=/tree/a.c", "a.c"}).code == 0);
}

TEST_CASE("check-ignore reads paths from standard input and escapes what it prints", "[check_ignore]") {
  const Asked asked;
  using namespace std::string_literals;
  CHECK(asked({"--stdin"}, "a.o\na.c\nb\x01.o\n").out == "a.o\nb\\001.o\n");
  CHECK(asked({"--stdin", "-z"}, "a.o\0new\nline.o\0a.c\0"s).out == "a.o\0new\nline.o\0"s);
  CHECK(asked({"--stdin", "-zvn"}, "a.o\0a.c\0"s).out ==
        ".synclineignore\0"
        "1\0"
        "*.o\0"
        "a.o\0"
        "\0\0\0"
        "a.c\0"s);
  CHECK(asked({"--stdin"}, "").code == 1);
}

TEST_CASE("check-ignore ends with 128 where it cannot tell", "[check_ignore]") {
  Asked asked;
  const auto outside = asked({"a.o", "../b.o"});
  CHECK(outside.code == 128);
  CHECK(outside.out == "a.o\n");
  CHECK(outside.err.find("'../b.o' is outside of '") != std::string::npos);
  CHECK(asked({"/elsewhere/x"}).err.find("is outside of") != std::string::npos);
  CHECK(asked({asked.path("a.o")}).out == asked.path("a.o") + "\n");
  std::filesystem::create_directory_symlink("sub", asked.path("link"));
  CHECK(asked({"link"}).code == 1);
  CHECK(asked({"link/a.c"}).err.find("'link/a.c' is beyond the symlink 'link'") != std::string::npos);
  for (const Args& args : {Args{}, Args{"-n", "a"}, Args{"--stdin", "a"}, Args{"--bad", "a"}, Args{""}}) {
    CAPTURE(args);
    CHECK(asked(args).code == 128);
    CHECK_FALSE(asked(args).err.empty());
  }
  CHECK(asked({"a", "--exclude"}).err.find("--exclude: the value is missing") != std::string::npos);
  CHECK(asked({"--verbose=yes", "a"}).err.find("--verbose: this option takes no value") != std::string::npos);
  CHECK(ask({"-C", asked.path("missing"), "a"}).code == 128);
  CHECK(ask({"-C", asked.path(".synclineignore"), "a"}).code == 128);
  asked.write(".synclineignore", std::string(limits::ignore_file_bytes_max + 1, 'x'));
  CHECK(asked({"a"}).err.find("'.synclineignore' in the source has more than") != std::string::npos);
}

TEST_CASE("the help of check-ignore names its options", "[check_ignore]") {
  const auto help = ask({"--help"});
  CHECK(help.code == 0);
  for (const char* option :
       {"--verbose", "--non-matching", "--null", "--stdin", "--root=", "--exclude=", "--include=",
        "--exclude-from=", "--include-from=", "--gitignore", "--no-synclineignore"}) {
    CAPTURE(option);
    CHECK(help.out.find(option) != std::string::npos);
  }
}

/// What git says to the names in `list`, and its exit status.
Told ask_git(const oracle::Scratch& scratch, const std::string& repo, const std::string& list) {
  const auto base = scratch.path().string();
  oracle::spill(scratch.path() / "list", list);
  const auto settings = "HOME=" + base + " XDG_CONFIG_HOME=" + base + " ";
  const auto command = "cd " + base + "/" + repo + " && " + settings + "git init -q . && " + settings +
                       "git check-ignore --no-index -v -n -z --stdin <" + base + "/list >" + base + "/out";
  const int status = std::system(command.c_str());
  return {WEXITSTATUS(status), oracle::slurp(scratch.path() / "out"), ""};
}

/// Rules in some directories of `root`, under the name `file`.
void plant_rules(oracle::Rng& rng, const oracle::Tree& tree, const std::filesystem::path& root,
                 const std::string& file, std::string& shown) {
  for (const auto& [path, is_dir] : tree) {
    if (!is_dir || oracle::below(rng, 3) != 0) continue;
    const auto text = oracle::random_ignore_file(rng);
    oracle::spill(root / path / file, text);
    shown += "== " + path + "\n" + text + "\n";
  }
  const auto text = oracle::random_ignore_file(rng);
  oracle::spill(root / file, text);
  shown += "== root\n" + text + "\n";
}

TEST_CASE("on random trees check-ignore says what git check-ignore says", "[check_ignore][oracle]") {
  if (!oracle::has_program("git")) {
    WARN("skipped: needs git");
    return;
  }
  const auto seed = std::random_device{}();
  oracle::Rng rng(seed);
  for (int round = 0; round < 30; ++round) {
    oracle::Scratch scratch;
    const auto tree = oracle::random_tree(rng, 60);
    std::string shown, list;
    const oracle::Rng before = rng;
    for (const char* file : {".gitignore", ".synclineignore"}) {
      rng = before;  // the same rules again, under the other name
      shown.clear();
      oracle::create(tree, scratch.path() / file);
      plant_rules(rng, tree, scratch.path() / file, file, shown);
    }
    for (const auto& [path, is_dir] : tree) {
      list += path + '\0';
      if (oracle::below(rng, 4) == 0) list += path + "/" + oracle::random_name(rng) + '\0';
    }
    auto git = ask_git(scratch, ".gitignore", list);
    CAPTURE(seed, round, shown);
    const auto root = scratch.path().string() + "/";
    const auto same = ask({"-C", root + ".gitignore", "--gitignore", "-vnz", "--stdin"}, list);
    CHECK(same.code == git.code);
    REQUIRE(same.out == git.out);
    for (auto at = git.out.find(".gitignore"); at != std::string::npos;
         at = git.out.find(".gitignore", at + 1))
      git.out.replace(at, 10, ".synclineignore");
    const auto own = ask({"-C", root + ".synclineignore", "-vnz", "--stdin"}, list);
    CHECK(own.code == git.code);
    REQUIRE(own.out == git.out);
  }
}

}  // namespace
}  // namespace syncline::cli
