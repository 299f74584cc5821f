// SPDX-License-Identifier: Apache-2.0
// A source on another machine, of which its server tells.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "sync/standing_copy.hpp"
#include "watch/source_watch.hpp"

namespace syncline::sync {

/// The server says once after each round that another one is worth while; that changes there have settled it
/// looks to itself, and whether the root is there each round does. The end of the connection is news as well.
class FarWatch final : public watch::SourceWatch {
 public:
  /// `copies`: with that source; must outlive it.
  explicit FarWatch(StandingCopy& copies) : copies_(copies) {}
  ~FarWatch() override { copies_.on_news(nullptr); }
  FarWatch(const FarWatch&) = delete;
  FarWatch& operator=(const FarWatch&) = delete;

  News take(std::chrono::milliseconds limit) override;
  void wake() noexcept override;
  bool is_writing() const override { return false; }
  void let_writers_go() override {}
  void refresh() override { copies_.begin_afresh(); }
  bool root_is_there() const override { return true; }
  bool take_root() override { return true; }
  bool look_for_mounts() override { return false; }
  bool is_complete() const override { return copies_.far_source().is_followed; }

 private:
  /// Outlives us in what a connection was given to call.
  struct Bell {
    std::mutex mutex;
    std::condition_variable rung;
    bool has_rung = false;
    void ring() noexcept;
  };

  StandingCopy& copies_;
  const std::shared_ptr<Bell> bell_ = std::make_shared<Bell>();
  std::optional<std::uint64_t> told_;  ///< the number of rounds before the last news
};

}  // namespace syncline::sync
