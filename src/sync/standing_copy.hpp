// SPDX-License-Identifier: Apache-2.0
// A copy that is made again and again.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "sync/block_sums.hpp"
#include "sync/remote_copy.hpp"
#include "sync/warm_replicas.hpp"
#include "watch/tree_watch.hpp"
#include "wire/channel.hpp"

namespace syncline::sync {

/// What is known of a source on another machine, also when nothing else of the rounds before is left.
struct FarSource {
  wire::SourceId id{};        ///< all zero: no round has ended well
  bool is_followed = true;    ///< as of the last round: we are told when something changes there
  bool begins_afresh = true;  ///< the next round is not to rely on what was known there
};

/// What one round leaves for the next.
struct Standing {
  static constexpr std::uint64_t told = 1;  ///< owner of what is not the source
  FarSource* far_source = nullptr;          ///< never null in a round
  WarmReplicas replicas;
  BlockSums blocks;
  std::shared_ptr<watch::TreeWatch> source;  ///< of the one source, if it is watched
  std::unique_ptr<wire::Channel> channel;    ///< between two sessions
  std::string peer;                          ///< that it leads to
};

/// The same copy, from one directory, round after round: what a round has opened, read and connected
/// serves the next one. One round at a time.
class StandingCopy {
 public:
  /// `world` must outlive it. `dial` is for what is on another machine. `source`: of the one source of
  /// all rounds, if it is here.
  StandingCopy(const World& world, Dial dial, std::shared_ptr<watch::TreeWatch> source);
  /// As copy(). The places must be those of the other rounds. After an error the next round begins from
  /// nothing. Error(replaced): with RootGuard::keep, the source or the destination is not the directory that
  /// it was.
  CopyReport round(const CopyOptions& options, const CopyObserver& observer);
  /// Between two rounds: has something happened at the destination, or at a source on another machine, that
  /// another round should look at, or to the connection?
  bool is_stirred();
  /// The next round looks at everything.
  void begin_afresh();
  /// The other machine has said something, or the connection has ended.
  bool has_news() const { return standing_ && standing_->channel && standing_->channel->has_input(); }
  /// As Transport::on_input().
  void on_news(std::function<void()> ready);
  std::uint64_t round_count() const { return round_count_; }
  const FarSource& far_source() const { return far_source_; }

 private:
  void check_places(const std::map<std::string, std::string>& now) const;
  void note_places(const std::map<std::string, std::string>& now);
  CopyReport make_round(const CopyOptions& options, const CopyObserver& observer);

  const World& world_;
  const Dial dial_;
  const std::shared_ptr<watch::TreeWatch> source_;
  FarSource far_source_;
  std::map<std::string, std::string> places_;  ///< what those here lead to, as typed and as real paths
  std::uint64_t round_count_ = 0;
  std::unique_ptr<Standing> standing_;
};

}  // namespace syncline::sync
