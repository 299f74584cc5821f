// SPDX-License-Identifier: Apache-2.0
// Replicas between one session and the next.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sync/replica.hpp"

namespace syncline::sync {

/// Keeps replicas that are watched, with their tree in memory, so that the next session
/// on the same place looks only at what has changed. At most limits::warm_replicas_max of them, with
/// limits::warm_entries_max entries; those that were used least recently go first. Thread-safe.
class WarmReplicas {
 public:
  /// The one that was kept for this place, else a new one. Throws what opening it throws.
  std::unique_ptr<Replica> open(const World& world, const ReplicaOptions& options);
  /// After a session that went well. One that is not watched is let go.
  void keep(std::unique_ptr<Replica> replica, std::uint64_t owner = 0);
  /// All that were kept for `owner`.
  void drop(std::uint64_t owner);
  /// The owners, but 0, of those in whose trees something is not as the last session left it, until
  /// note_told(). Costs one system call for each where nothing has happened.
  std::vector<std::uint64_t> stirred();
  /// Its owner knows; another word is for after the next session.
  void note_told(std::uint64_t owner);
  std::size_t count() const;

 private:
  struct Kept {
    std::unique_ptr<Replica> replica;
    std::uint64_t owner = 0;
    std::uint64_t used = 0;  ///< the larger, the later
    bool is_told = false;
  };
  std::unique_ptr<Replica> take(const std::string& state_path);
  void make_room();

  mutable std::mutex mutex_;
  std::map<std::string, Kept> kept_;  ///< by the path of the state
  std::uint64_t uses_ = 0;
};

/// As WarmReplicas::open(), or always anew without any.
std::unique_ptr<Replica> open_replica(WarmReplicas* warm, const World& world, const ReplicaOptions& options);

/// Watches the tree from now on, if it can be: it is a whole directory, and the system has watches left.
void follow_tree(Replica& replica);

}  // namespace syncline::sync
