// SPDX-License-Identifier: Apache-2.0
// A copy that is made again and again.
#pragma once

#include <memory>
#include <string>

#include "sync/block_sums.hpp"
#include "sync/remote_copy.hpp"
#include "sync/warm_replicas.hpp"
#include "watch/tree_watch.hpp"
#include "wire/channel.hpp"

namespace syncline::sync {

/// What one round leaves for the next.
struct Standing {
  static constexpr std::uint64_t told = 1;  ///< owner of what is not the source
  WarmReplicas replicas;
  BlockSums blocks;
  std::shared_ptr<watch::TreeWatch> source;  ///< of the one source, if it is watched
  std::unique_ptr<wire::Channel> channel;    ///< between two sessions
  std::string peer;                          ///< that it leads to
};

/// The same copy, from one directory here, round after round: what a round has opened, read and connected
/// serves the next one. One round at a time.
class StandingCopy {
 public:
  /// `world` must outlive it. `dial` is for a destination on another machine. `source`: of the one source of
  /// all rounds, or nothing.
  StandingCopy(const World& world, Dial dial, std::shared_ptr<watch::TreeWatch> source);
  /// As copy(). The places must be those of the other rounds. After an error the next round begins from
  /// nothing.
  CopyReport round(const CopyOptions& options, const CopyObserver& observer);
  /// Between two rounds: has something happened at the destination that another round should look at, or to
  /// the connection?
  bool is_stirred();

 private:
  const World& world_;
  const Dial dial_;
  const std::shared_ptr<watch::TreeWatch> source_;
  std::unique_ptr<Standing> standing_;
};

}  // namespace syncline::sync
