// SPDX-License-Identifier: Apache-2.0
// FilterSet against rsync itself, on random trees and rules.
#include "filter/filter_set.hpp"
#include "filter/path_set.hpp"
#include "oracle.hpp"
#include "support/catch.hpp"

namespace syncline::filter {
namespace {

using namespace oracle;

std::string program_output(const std::string& command, const Scratch& scratch) {
  const auto out = scratch.path() / "out";
  const auto status = std::system((command + " >" + out.string() + " 2>&1").c_str());
  CAPTURE(command, slurp(out));
  REQUIRE(status == 0);
  return slurp(out);
}

std::set<std::string> names_of(const std::string& listing) {
  std::set<std::string> names;
  std::istringstream lines(listing);
  for (std::string line; std::getline(lines, line);)
    if (line != "./" && !line.empty()) names.insert(line);
  return names;
}

std::set<std::string> kept_by(const FilterSet& filters, const Tree& tree) {
  std::set<std::string> names;
  for (const auto& [path, is_dir] : tree)
    if (!filters.excluded_with_parents(path, is_dir)) names.insert(is_dir ? path + "/" : path);
  return names;
}

TEST_CASE("random rules keep what rsync keeps", "[filter][oracle]") {
  if (!has_program("rsync")) return;
  const auto seed = std::random_device{}();
  Rng rng(seed);
  for (int round = 0; round < 30; ++round) {
    Scratch scratch;
    const auto tree = random_tree(rng, 60);
    create(tree, scratch.path() / "src");
    FilterSet filters;
    std::string rules;
    for (auto left = 1 + below(rng, 4); left > 0; --left) {
      const auto pattern = random_pattern(rng);
      const bool include = below(rng, 3) == 0;
      filters.add(include, pattern);
      rules += (include ? "+ " : "- ") + pattern + "\n";
    }
    spill(scratch.path() / "rules", rules);
    const auto root = scratch.path().string();
    const auto listing = program_output(
        "rsync -an --out-format=%n --exclude-from=" + root + "/rules " + root + "/src/ " + root + "/dst/",
        scratch);
    CAPTURE(seed, round, rules);
    REQUIRE(kept_by(filters, tree) == names_of(listing));
  }
}

TEST_CASE("a list of files selects what rsync selects", "[filter][oracle]") {
  if (!has_program("rsync")) return;
  const auto seed = std::random_device{}();
  Rng rng(seed);
  for (int round = 0; round < 30; ++round) {
    Scratch scratch;
    const auto tree = random_tree(rng, 60);
    if (tree.empty()) continue;
    create(tree, scratch.path() / "src");
    const bool recursive = below(rng, 2) == 0;
    PathSet paths(recursive);
    std::string list;
    for (auto left = 1 + below(rng, 4); left > 0; --left) {
      auto entry = *std::next(tree.begin(), static_cast<std::ptrdiff_t>(below(rng, tree.size())));
      auto line = entry.first;
      if (entry.second && below(rng, 2) == 0) line += '/';
      paths.add(line);
      list += line + "\n";
    }
    spill(scratch.path() / "list", list);
    const auto root = scratch.path().string();
    const auto listing = program_output("rsync -an " + std::string(recursive ? "-r" : "") +
                                            " --out-format=%n --files-from=" + root + "/list " + root +
                                            "/src/ " + root + "/dst/",
                                        scratch);
    std::set<std::string> kept;
    for (const auto& [path, is_dir] : tree)
      if (paths.contains(path)) kept.insert(is_dir ? path + "/" : path);
    CAPTURE(seed, round, list, recursive);
    REQUIRE(kept == names_of(listing));
    // A walk that only descends where it is told to finds the same.
    for (const auto& name : kept)
      for (auto slash = name.find('/'); slash != name.npos && slash + 1 < name.size();
           slash = name.find('/', slash + 1))
        REQUIRE(paths.descends(name.substr(0, slash)));
  }
}

}  // namespace
}  // namespace syncline::filter
