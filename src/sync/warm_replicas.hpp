// SPDX-License-Identifier: Apache-2.0
// Replicas between one session and the next.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fs/waker.hpp"
#include "sync/replica.hpp"
#include "watch/settle.hpp"

namespace syncline::sync {

/// Keeps replicas that are watched, with their tree in memory, so that the next session
/// on the same place looks only at what has changed. At most limits::warm_replicas_max of them, with
/// limits::warm_entries_max entries; those that were used least recently go first, but for sources with an
/// owner who counts on being told. Thread-safe.
class WarmReplicas {
 public:
  /// The one that was kept for this place, else a new one. Throws what opening it throws.
  std::unique_ptr<Replica> open(const World& world, const ReplicaOptions& options);
  /// The next open() of this place begins from nothing.
  void forget(const World& world, const ReplicaOptions& options);
  /// After a session that went well, until the next one. False where it is let go: it is not watched, or
  /// there are too many. `owner`, unless 0, is told from now on when another session is worth while. A
  /// destination has one owner, the last; a source may have many.
  bool keep(std::unique_ptr<Replica> replica, std::uint64_t owner = 0);
  /// Of all places.
  void drop(std::uint64_t owner);
  /// The owners in whose places something is not as their last session left it, each once until the next one.
  /// Costs one system call for each place where nothing has happened.
  std::vector<std::uint64_t> take_stirred();
  /// Waits until there are some, for so long at most, or until wake(). Of a source once what has changed has
  /// settled; destinations, in which the sessions themselves change something, are looked at once in
  /// limits::stir_interval. For one thread.
  std::vector<std::uint64_t> wait_stirred(std::chrono::milliseconds limit);
  void wake() noexcept { waker_.wake(); }
  std::size_t count() const;  ///< of those that wait

 private:
  using Moment = std::chrono::steady_clock::time_point;
  struct Owner {
    std::uint64_t seen = 0;  ///< of the changes of the place, by its last session
    bool is_told = false;
  };
  struct Place {
    std::unique_ptr<Replica> replica;  ///< null while a session has it
    std::uint64_t used = 0;            ///< the larger, the later
    std::uint64_t changes = 0;         ///< counted as far as they are noticed
    bool has_drifted = false;          ///< since the last session, and that is counted
    watch::Settle settle;              ///< of a source
    Moment look_after;                 ///< of a destination
    std::map<std::uint64_t, Owner> owners;
    bool is_awaited() const;
    void note_drift();
    std::optional<Moment> settled(Moment now);
    std::optional<Moment> look(Moment now);
    bool may_go() const { return replica != nullptr && (owners.empty() || !replica->is_source()); }
  };
  using Places = std::map<std::string, Place>;

  /// What is waited for.
  struct Wait {
    std::vector<std::shared_ptr<watch::TreeWatch>> trees;
    Moment end;
  };

  static void take_owners(Place& place, std::vector<std::uint64_t>& out);
  std::vector<std::uint64_t> take_due(Wait& wait);
  static std::string key_of(const std::string& state_path, bool is_source);
  std::unique_ptr<Replica> take(const std::string& key);
  void make_room();
  bool is_over() const;

  mutable std::mutex mutex_;
  Places places_;
  std::uint64_t uses_ = 0;
  fs::Waker waker_;
};

/// As WarmReplicas::open(), or always anew without any.
std::unique_ptr<Replica> open_replica(WarmReplicas* warm, const World& world, const ReplicaOptions& options);

/// Watches the tree from now on, if it can be: it is a whole directory, and the system has watches left.
void follow_tree(Replica& replica);

}  // namespace syncline::sync
