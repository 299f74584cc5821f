// SPDX-License-Identifier: Apache-2.0
// IgnoreFiles against git itself, on random trees with .gitignore files in several directories.
#include "filter/ignore_files.hpp"
#include "oracle.hpp"
#include "support/catch.hpp"

namespace syncline::filter {
namespace {

using namespace oracle;

/// Writes .gitignore files into some directories and pushes those a walk would read.
void plant(Rng& rng, Tree& tree, const std::filesystem::path& root, IgnoreFiles& ignore, std::string& shown) {
  std::vector<std::string> dirs{""};
  for (const auto& [path, is_dir] : tree)
    if (is_dir) dirs.push_back(path);
  for (const auto& dir : dirs) {
    if (!dir.empty() && below(rng, 3) != 0) continue;
    const auto content = random_ignore_file(rng);
    const auto path = dir.empty() ? std::string(".gitignore") : dir + "/.gitignore";
    spill(root / path, content);
    tree.emplace(path, false);
    shown += "== " + path + "\n" + content + "\n";
    if (dir.empty() || !ignore.ignored_with_parents(dir, true)) ignore.push(dir, content);
  }
}

TEST_CASE("random ignore files ignore what git ignores", "[filter][oracle]") {
  if (!has_program("git")) return;
  const auto seed = std::random_device{}();
  Rng rng(seed);
  for (int round = 0; round < 30; ++round) {
    Scratch scratch;
    const auto root = scratch.path() / "repo";
    auto tree = random_tree(rng, 60);
    create(tree, root);
    IgnoreFiles ignore;
    std::string shown;
    plant(rng, tree, root, ignore, shown);
    std::string list;
    for (const auto& [path, is_dir] : tree) list += path + '\0';
    spill(scratch.path() / "list", list);
    const auto base = scratch.path().string();
    const auto command = "cd " + root.string() + " && HOME=" + base + " XDG_CONFIG_HOME=" + base +
                         " git init -q . && HOME=" + base + " XDG_CONFIG_HOME=" + base +
                         " git check-ignore --no-index -z --stdin <" + base + "/list >" + base + "/out";
    const auto status = std::system(command.c_str());
    REQUIRE((status == 0 || WEXITSTATUS(status) == 1));  // 1: nothing is ignored
    std::set<std::string> expected, found;
    std::istringstream names(slurp(scratch.path() / "out"));
    for (std::string name; std::getline(names, name, '\0');) expected.insert(name);
    for (const auto& [path, is_dir] : tree)
      if (ignore.ignored_with_parents(path, is_dir)) found.insert(path);
    CAPTURE(seed, round, shown);
    REQUIRE(found == expected);
  }
}

}  // namespace
}  // namespace syncline::filter
