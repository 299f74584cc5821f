// SPDX-License-Identifier: Apache-2.0
// The rule that leaves an entry out, in the words of the person who gave it.
#include "cli/watch_ignored.hpp"

#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace syncline::cli {
namespace {

struct RuleScene {
  RuleScene() {
    dir.make_dir("tree/sub/deep");
    dir.write("tree/sub/.gitignore", "/deep/*.o\n");
  }
  std::string rule(const std::string& path, bool is_dir = false, bool is_contents = true) {
    options.sources = {dir.path("tree") + (is_contents ? "/" : "")};
    return rule_that_ignores({}, options, path, is_dir).value_or("");
  }

  test::TempDir dir;
  CopyOptions options;
};

TEST_CASE("without rules nothing is left out but what is syncline's own", "[ignored]") {
  RuleScene scene;
  CHECK(scene.rule("sub/deep/a.o").empty());
  CHECK(scene.rule("").empty());
  CHECK(scene.rule("nothing/at/all").empty());
  CHECK(scene.rule(".syncline", true) == "syncline's own directory");
  CHECK(scene.rule(".syncline/tmp") == "syncline's own directory");
  CHECK(scene.rule("sub/.syncline", true).empty());
}

TEST_CASE("the first rule that matches decides, and one that leaves a parent out", "[ignored]") {
  RuleScene scene;
  scene.options.filters = {
      {true, "keep.tmp"}, {false, "*.tmp"}, {false, "/sub/deep/"}, {false, "/tree/only"}};
  CHECK(scene.rule("sub/a.tmp") == "--exclude=*.tmp");
  CHECK(scene.rule("sub/keep.tmp").empty());
  CHECK(scene.rule("sub/deep/keep.tmp") == "--exclude=/sub/deep/");
  CHECK(scene.rule("sub/deep", true) == "--exclude=/sub/deep/");
  CHECK(scene.rule("only").empty());
  CHECK(scene.rule("only", false, false) == "--exclude=/tree/only");
}

TEST_CASE("files of git and the place of backups are left out where that was asked for", "[ignored]") {
  RuleScene scene;
  scene.options.gitignore = true;
  scene.options.backup_dir = "old";
  CHECK(scene.rule("sub/deep/a.o") == "sub/.gitignore:1:/deep/*.o");
  CHECK(scene.rule("sub/deep/a.c").empty());
  CHECK(scene.rule("a.o").empty());
  CHECK(scene.rule(".git/config") == "--gitignore=.git");
  CHECK(scene.rule("old/x") == "--backup-dir=old");
}

}  // namespace
}  // namespace syncline::cli
