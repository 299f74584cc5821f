// SPDX-License-Identifier: Apache-2.0
// Replicas between one session and the next.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "sync/replica.hpp"
#include "sync/stir_wait.hpp"

namespace syncline::sync {

/// Keeps replicas that are watched, with their tree in memory, so that the next session
/// on the same place looks only at what has changed. At most limits::warm_replicas_max of them, with
/// limits::warm_entries_max entries and limits::kept_manifest_bytes_max of manifests; those that were used
/// least recently go first. Thread-safe.
class WarmReplicas {
 public:
  /// The one that was kept for this place, unless `afresh`, else a new one. A source that another session
  /// works with is waited for, limits::warm_wait at most. Throws what opening it throws.
  std::unique_ptr<Replica> open(const World& world, const ReplicaOptions& options, bool afresh = false);
  /// After a session that went well. One that is not watched, or works with a copy of its state, is let go.
  /// `owner`, unless 0, is told when something in a destination is not as
  /// this session left it.
  void keep(std::unique_ptr<Replica> replica, std::uint64_t owner = 0);
  /// All that were kept for `owner`.
  void drop(std::uint64_t owner);
  /// Those who are to be told, each once until its next session. Costs one system call for each destination
  /// where nothing has happened.
  std::vector<std::uint64_t> take_stirred();
  /// Likewise, but a destination, in which sessions themselves change something, is looked at once in
  /// limits::stir_interval; and what is to be waited for.
  std::vector<std::uint64_t> take_due(StirWait& wait);
  /// `kept` is called, by any thread, after one was kept. It must neither throw nor call this.
  void on_kept(std::function<void()> kept);
  std::size_t count() const;

 private:
  using Moment = StirWait::Moment;
  struct Kept {
    std::unique_ptr<Replica> replica;
    std::uint64_t owner = 0;
    std::uint64_t used = 0;  ///< the larger, the later
    bool is_told = false;
    Moment look_after;
    bool is_awaited() const { return owner != 0 && !is_told && !replica->is_source(); }
  };

  static std::string key_of(const std::string& state_path, bool is_source);
  struct Taken {
    std::unique_ptr<Replica> replica;
    std::shared_ptr<void> loan;
  };
  Taken take(const std::string& key, bool is_source);
  void make_room();

  mutable std::mutex mutex_;
  std::condition_variable returned_;
  std::map<std::string, Kept> kept_;
  std::set<std::string> lent_;  ///< sources that a session works with
  std::uint64_t uses_ = 0;
  std::function<void()> on_kept_;
};

/// As WarmReplicas::open(), or always anew without any.
std::unique_ptr<Replica> open_replica(WarmReplicas* warm, const World& world, const ReplicaOptions& options,
                                      bool afresh = false);

/// Watches the tree from now on, if it can be: it is a whole directory, and the system has watches left.
void follow_tree(Replica& replica);

}  // namespace syncline::sync
