// SPDX-License-Identifier: Apache-2.0
// A DirWatch that tells what a test wants, or passes on what the kernel tells.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "fs/dir_watch.hpp"

namespace syncline::test {

/// SYNCLINE_TEST_WATCH=fanotify: trees are watched by that, where it is allowed.
inline std::unique_ptr<fs::DirWatch> watch_for_test(const std::string& root) {
  const char* how = std::getenv("SYNCLINE_TEST_WATCH");
  if (how == nullptr || std::string_view(how) != "fanotify") return fs::watch_dirs();
  try {
    return fs::watch_file_systems(*fs::linux_fs().open_root(root));
  } catch (const Error& error) {
    std::fprintf(stderr, "inotify in place of fanotify: %s\n", error.what());
    return fs::watch_dirs();
  }
}

/// What a test does to the events of a DirWatch that somebody else owns.
struct EventTrouble {
  bool overflow = false;              ///< the next ones are lost, which is told
  std::size_t watches_max = 1 << 20;  ///< of the system
  std::size_t watches = 0;
};

class TroubledEvents final : public fs::DirWatch {
 public:
  TroubledEvents(EventTrouble& trouble, std::unique_ptr<fs::DirWatch> inner)
      : trouble_(trouble), inner_(std::move(inner)) {}
  int add(const fs::Dir& dir) override {
    if (trouble_.watches >= trouble_.watches_max) throw Error(ENOSPC, "watch");
    ++trouble_.watches;
    return inner_->add(dir);
  }
  void remove(int watch) noexcept override { inner_->remove(watch); }
  /// What a test does is told at once; it need not wait for what does not come.
  bool wait(std::chrono::milliseconds limit) override {
    return inner_->wait(std::min(limit, std::chrono::milliseconds(1)));
  }
  void wake() noexcept override { inner_->wake(); }
  std::vector<fs::DirChange> read() override {
    auto out = inner_->read();
    if (std::exchange(trouble_.overflow, false)) return {fs::DirChange{}};
    return out;
  }

 private:
  EventTrouble& trouble_;
  std::unique_ptr<fs::DirWatch> inner_;
};

}  // namespace syncline::test
