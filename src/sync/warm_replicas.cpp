// SPDX-License-Identifier: Apache-2.0
// A shelf with room for a few.
#include "sync/warm_replicas.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"

namespace syncline::sync {
namespace {

/// False where it has to be opened anew, which also finds what there is to do about a locked state.
bool resume(Replica& kept, const ReplicaOptions& options) {
  try {
    return kept.resume(options);
  } catch (const Error& error) {
    if (!error.is(Errc::locked)) throw;
    return false;
  }
}

}  // namespace

std::unique_ptr<Replica> WarmReplicas::take(const std::string& state_path) {
  std::lock_guard lock(mutex_);
  auto found = kept_.extract(state_path);
  return found.empty() ? nullptr : std::move(found.mapped().replica);
}

std::unique_ptr<Replica> WarmReplicas::open(const World& world, const ReplicaOptions& options) {
  if (auto kept = take(Replica::state_path(world, options)); kept && resume(*kept, options)) return kept;
  return std::make_unique<Replica>(world, options);
}

void WarmReplicas::keep(std::unique_ptr<Replica> replica, std::uint64_t owner) {
  if (!replica->is_followed()) return;
  replica->rest();
  std::lock_guard lock(mutex_);
  auto path = replica->state_path();
  kept_.insert_or_assign(std::move(path), Kept{std::move(replica), owner, ++uses_});
  make_room();
}

void WarmReplicas::make_room() {
  const auto entries = [&] {
    std::uint64_t out = 0;
    for (const auto& [path, kept] : kept_) out += kept.replica->tree().entry_count;
    return out;
  };
  while (!kept_.empty() && (kept_.size() > limits::warm_replicas_max || entries() > limits::warm_entries_max))
    kept_.erase(std::ranges::min_element(kept_, {}, [](const auto& one) { return one.second.used; }));
}

void WarmReplicas::drop(std::uint64_t owner) {
  std::lock_guard lock(mutex_);
  std::erase_if(kept_, [&](const auto& one) { return one.second.owner == owner; });
}

/// Under the lock: a session that begins waits for its replica rather than opening its state twice.
std::vector<std::uint64_t> WarmReplicas::stirred() {
  std::vector<std::uint64_t> out;
  std::lock_guard lock(mutex_);
  for (auto& [path, kept] : kept_)
    if (kept.owner != 0 && !kept.is_told && kept.replica->has_drifted()) out.push_back(kept.owner);
  return out;
}

void WarmReplicas::note_told(std::uint64_t owner) {
  std::lock_guard lock(mutex_);
  for (auto& [path, kept] : kept_)
    if (kept.owner == owner) kept.is_told = true;
}

std::size_t WarmReplicas::count() const {
  std::lock_guard lock(mutex_);
  return kept_.size();
}

std::unique_ptr<Replica> open_replica(WarmReplicas* warm, const World& world, const ReplicaOptions& options) {
  return warm != nullptr ? warm->open(world, options) : std::make_unique<Replica>(world, options);
}

void follow_tree(Replica& replica) {
  if (replica.is_followed() || replica.is_composed() || !replica.origins().front().only.empty()) return;
  try {
    replica.follow(std::make_shared<watch::TreeWatch>(replica.root_opener(), replica.origins().front().path,
                                                      fs::watch_dirs()));
  } catch (const Error& error) {
    // Without a watch every session looks at everything.
    if (error.code().category() != std::generic_category()) throw;
  }
}

}  // namespace syncline::sync
