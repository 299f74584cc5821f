// SPDX-License-Identifier: Apache-2.0
// Random trees and patterns of few letters, and a shell, for tests against other programs.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace syncline::filter::oracle {

/// A directory that goes away with its owner.
class Scratch {
 public:
  Scratch() {
    auto name = (std::filesystem::temp_directory_path() / "syncline-filter-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    path_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline bool has_program(const std::string& name) {
  return std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void spill(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

using Rng = std::mt19937_64;

inline std::size_t below(Rng& rng, std::size_t count) { return rng() % count; }

inline std::string random_name(Rng& rng) {
  static const std::vector<std::string> parts{"a", "b", "c", ".", "-", "ab", "a", "b"};
  std::string name;
  do {
    name.clear();
    for (auto left = 1 + below(rng, 3); left > 0; --left) name += parts[below(rng, parts.size())];
  } while (name == "." || name == ".." || name == ".git");
  return name;
}

/// Paths of a tree and whether each is a directory; parents come before their entries.
using Tree = std::map<std::string, bool>;

inline Tree random_tree(Rng& rng, std::size_t entries) {
  Tree tree;
  std::vector<std::string> dirs{""};
  for (std::size_t k = 0; k < entries; ++k) {
    const auto& parent = dirs[below(rng, dirs.size())];
    const auto path = parent.empty() ? random_name(rng) : parent + "/" + random_name(rng);
    if (std::count(path.begin(), path.end(), '/') > 4) continue;
    const bool is_dir = below(rng, 2) == 0;
    if (tree.emplace(path, is_dir).second && is_dir) dirs.push_back(path);
  }
  return tree;
}

inline void create(const Tree& tree, const std::filesystem::path& root) {
  std::filesystem::create_directories(root);
  for (const auto& [path, is_dir] : tree) {
    if (is_dir) std::filesystem::create_directory(root / path);
    else spill(root / path, "x");
  }
}

inline std::string random_pattern(Rng& rng) {
  static const std::vector<std::string> parts{
      "a",         "b",    "c",    ".",     "-",     "/",    "*",           "**",           "***",
      "?",         "[ab]", "[!a]", "[^bc]", "[a-c]", "[]a]", "[[:alpha:]]", "[[:punct:]b]", "[a-]",
      "[\\a-\\b]", "\\a",  "\\*",  "/**/",  "**/",   "/**",  "/***",        "[x",           "[[:nope:]]",
      "\\",        "a",    "b",    "/",     "*",     "/*",   "*/"};
  std::string pattern;
  for (auto left = 1 + below(rng, 5); left > 0; --left) pattern += parts[below(rng, parts.size())];
  return pattern;
}

/// The text of a .gitignore file.
inline std::string random_ignore_file(Rng& rng) {
  static const std::vector<std::string> tails{"", "", "", "", " ", "\\ ", "\t", "\r", "/"};
  static const std::vector<std::string> heads{"", "", "", "!", "!", "#", "\\#", "\\!", "/"};
  std::string text = below(rng, 20) == 0 ? "\xEF\xBB\xBF" : "";
  for (auto left = 1 + below(rng, 5); left > 0; --left)
    text += heads[below(rng, heads.size())] + random_pattern(rng) + tails[below(rng, tails.size())] + "\n";
  if (below(rng, 4) == 0) text.pop_back();
  return text;
}

}  // namespace syncline::filter::oracle
