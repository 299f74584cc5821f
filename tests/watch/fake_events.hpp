// SPDX-License-Identifier: Apache-2.0
// A DirWatch that tells what a test wants, or passes on what the kernel tells.
#pragma once

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "fs/dir_watch.hpp"

namespace syncline::test {

/// What a test does to the events of a DirWatch that somebody else owns.
struct EventTrouble {
  bool overflow = false;              ///< the next ones are lost, which is told
  std::size_t watches_max = 1 << 20;  ///< of the system
  std::size_t watches = 0;
};

class TroubledEvents final : public fs::DirWatch {
 public:
  explicit TroubledEvents(EventTrouble& trouble) : trouble_(trouble), inner_(fs::watch_dirs()) {}
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
  std::vector<fs::DirChange> read() override {
    auto out = inner_->read();
    if (std::exchange(trouble_.overflow, false)) return {fs::DirChange{}};
    return out;
  }
  void wake() noexcept override { inner_->wake(); }

 private:
  EventTrouble& trouble_;
  std::unique_ptr<fs::DirWatch> inner_;
};

}  // namespace syncline::test
