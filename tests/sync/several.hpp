// SPDX-License-Identifier: Apache-2.0
// Several sources and one destination.
#pragma once

#include <filesystem>

#include "pair.hpp"
#include "support/catch.hpp"

namespace syncline::test {

namespace stdfs = std::filesystem;

/// Sources below one temporary directory, by name: "a/" means the contents of a.
class Several : public Pair {
 public:
  Several(std::initializer_list<const char*> sources) {
    options.delete_extra = true;
    name(sources);
  }
  void name(std::initializer_list<const char*> sources) {
    options.sources.clear();
    for (const char* source : sources) options.sources.push_back(dir.path(source));
  }
  void write(const std::string& path, const std::string& text) {
    stdfs::create_directories(stdfs::path(dir.path(path)).parent_path());
    dir.write(path, text);
  }
  /// Another run finds nothing to do and reads no content, nor does the one after it.
  void check_settled() const {
    for (int turn = 0; turn < 2; ++turn) {
      const auto again = copy();
      CAPTURE(turn);
      CHECK(again.report.exit_code == 0);
      CHECK(again.report.in_step);
      CHECK(again.changes.empty());
      CHECK(again.report.content_read_bytes == 0);
      CHECK(again.report.sent_bytes < 2000);
    }
  }
};

inline std::vector<std::string> lines(const Outcome& outcome) {
  std::vector<std::string> out;
  for (const auto& event : outcome.changes) out.push_back(event.itemized + " " + event.path);
  std::ranges::sort(out);
  return out;
}

inline void remove(const std::string& path) { stdfs::remove_all(path); }

}  // namespace syncline::test
