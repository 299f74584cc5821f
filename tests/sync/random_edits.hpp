// SPDX-License-Identifier: Apache-2.0
// Edits of a tree that nobody planned, for tests of rounds.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "pair.hpp"

namespace syncline::test {

/// SYNCLINE_TEST_SEED, to see a failure again: on the file system where it was seen, as the numbers of inodes
/// play a part.
inline unsigned test_seed() {
  const char* wanted = std::getenv("SYNCLINE_TEST_SEED");
  return wanted != nullptr ? static_cast<unsigned>(std::stoul(wanted)) : std::random_device()();
}

/// Sanitizers take twenty times as long.
inline int round_count() { return std::getenv("SYNCLINE_SANITIZED") != nullptr ? 15 : 60; }

/// Edits of few names, so that they come back, also for something else.
class RandomEdits {
 public:
  RandomEdits(std::string root, unsigned seed) : root_(std::move(root)), random_(seed) {}

  void edit() {
    const auto path = some_path();
    std::error_code ignored;
    switch (pick(9)) {
      case 0: return write(path);
      case 1: return write(path);
      case 2: std::filesystem::remove_all(path, ignored); return;
      case 3: std::filesystem::create_directories(path + "/" + name(), ignored); return;
      case 4: std::filesystem::rename(path, some_path(), ignored); return;
      case 5: std::filesystem::create_hard_link(path, some_path(), ignored); return;
      case 6: std::filesystem::create_symlink("target" + name(), path, ignored); return;
      case 7:
        if (!std::filesystem::is_symlink(path, ignored))
          std::filesystem::permissions(path, static_cast<std::filesystem::perms>(0700 | pick(64)), ignored);
        return;
      default:  // the name stays, what it names does not
        if (!std::filesystem::is_directory(path, ignored)) return;
        std::filesystem::remove_all(path, ignored);
        std::filesystem::create_directories(path + "/" + name(), ignored);
    }
  }

 private:
  unsigned pick(unsigned count) { return static_cast<unsigned>(random_() % count); }
  std::string name() { return std::string(1, static_cast<char>('a' + pick(4))); }
  std::string some_path() {
    std::string out = root_;
    for (unsigned depth = 1 + pick(4); depth > 0; --depth) out += '/' + name();
    return out;
  }
  void write(const std::string& path) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored) || std::filesystem::is_symlink(path, ignored)) return;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    std::ofstream(path, pick(2) == 0 ? std::ios::app : std::ios::trunc)
        << random_text(pick(20'000), pick(1000));
  }

  std::string root_;
  std::mt19937 random_;
};

}  // namespace syncline::test
