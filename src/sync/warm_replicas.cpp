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

/// A directory may be one session's source and another one's destination, under one state.
std::string WarmReplicas::key_of(const std::string& state_path, bool is_source) {
  return state_path + (is_source ? " source" : "");
}

std::unique_ptr<Replica> WarmReplicas::take(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(key);
  return found == places_.end() ? nullptr : std::move(found->second.replica);
}

std::unique_ptr<Replica> WarmReplicas::open(const World& world, const ReplicaOptions& options) {
  const auto key = key_of(Replica::state_path(world, options), options.is_source);
  if (auto kept = take(key); kept && resume(*kept, options)) return kept;
  return std::make_unique<Replica>(world, options);
}

void WarmReplicas::forget(const World& world, const ReplicaOptions& options) {
  take(key_of(Replica::state_path(world, options), options.is_source));
}

bool WarmReplicas::keep(std::unique_ptr<Replica> replica, std::uint64_t owner) {
  if (!replica->is_followed()) return false;
  const bool is_source = replica->is_source();
  const bool has_changed = replica->has_looked();
  replica->rest();
  const std::lock_guard lock(mutex_);
  const auto key = key_of(replica->state_path(), is_source);
  auto& place = places_[key];
  place.replica = std::move(replica);
  place.used = ++uses_;
  place.has_drifted = false;
  place.settle.taken();
  place.look_after = std::chrono::steady_clock::now() + limits::stir_interval;
  // What others see there this session may have been the first to see.
  if (has_changed) ++place.changes;
  if (!is_source) place.owners.clear();
  if (owner != 0) place.owners[owner] = {place.changes, false};
  make_room();
  if (is_over()) places_.erase(key);
  waker_.wake();
  return places_.contains(key);
}

bool WarmReplicas::is_over() const {
  std::size_t count = 0;
  std::uint64_t entries = 0;
  for (const auto& [key, place] : places_) {
    if (place.replica == nullptr) continue;
    ++count;
    entries += place.replica->tree().entry_count;
  }
  return count > limits::warm_replicas_max || entries > limits::warm_entries_max;
}

void WarmReplicas::make_room() {
  while (is_over()) {
    auto oldest = places_.end();
    for (auto at = places_.begin(); at != places_.end(); ++at)
      if (at->second.may_go() && (oldest == places_.end() || at->second.used < oldest->second.used))
        oldest = at;
    if (oldest == places_.end()) return;
    places_.erase(oldest);
  }
}

void WarmReplicas::drop(std::uint64_t owner) {
  const std::lock_guard lock(mutex_);
  for (auto at = places_.begin(); at != places_.end();) {
    auto& owners = at->second.owners;
    at = owners.erase(owner) != 0 && owners.empty() ? places_.erase(at) : std::next(at);
  }
}

bool WarmReplicas::Place::is_awaited() const {
  return replica != nullptr &&
         std::ranges::any_of(owners, [](const auto& one) { return !one.second.is_told; });
}

void WarmReplicas::Place::note_drift() {
  if (has_drifted || !replica->has_drifted()) return;
  has_drifted = true;
  ++changes;
}

void WarmReplicas::take_owners(Place& place, std::vector<std::uint64_t>& out) {
  for (auto& [owner, known] : place.owners)
    if (known.seen != place.changes && !std::exchange(known.is_told, true)) out.push_back(owner);
}

/// Under the lock: a session that begins waits for its replica rather than opening its state twice.
std::vector<std::uint64_t> WarmReplicas::take_stirred() {
  std::vector<std::uint64_t> out;
  const std::lock_guard lock(mutex_);
  for (auto& [key, place] : places_) {
    if (!place.is_awaited()) continue;
    place.note_drift();
    take_owners(place, out);
  }
  return out;
}

/// Of a source: when what has happened there has settled; nothing where nothing has.
std::optional<WarmReplicas::Moment> WarmReplicas::Place::settled(Moment now) {
  auto& tree = *replica->watched();
  const auto news = tree.take(std::chrono::milliseconds(0));
  if (news.complete) settle.complete(now);
  if (news.written) settle.written(now);
  const auto due = settle.due(tree.is_writing());
  // What happened while a session had it was not seen to settle.
  return due || !tree.is_dirty() ? due : now;
}

/// Looks, if it is time to; else returns when it is, if that is known.
std::optional<WarmReplicas::Moment> WarmReplicas::Place::look(Moment now) {
  if (!replica->is_source()) {
    if (now < look_after) return look_after;
    look_after = now + limits::stir_interval;
    note_drift();
    return std::nullopt;
  }
  const auto due = settled(now);
  if (!due || *due > now) return due;
  note_drift();
  settle.taken();
  replica->watched()->let_writers_go();
  return std::nullopt;
}

/// Those who are to be told now; and what is to be waited for.
std::vector<std::uint64_t> WarmReplicas::take_due(Wait& wait) {
  std::vector<std::uint64_t> out;
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  for (auto& [key, place] : places_) {
    if (!place.is_awaited()) continue;
    std::optional<Moment> due;
    try {
      due = place.look(now);
    } catch (const Error&) {
      ++place.changes;  // the next session meets that as well
    }
    take_owners(place, out);
    // What a destination has to tell before its time stays unread.
    if (place.replica->is_source() || !due) wait.trees.push_back(place.replica->watched());
    if (due) wait.end = std::min(wait.end, *due);
  }
  return out;
}

std::vector<std::uint64_t> WarmReplicas::wait_stirred(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  Wait wait{{}, end};
  if (auto out = take_due(wait); !out.empty()) return out;
  std::vector<int> descriptors;
  for (const auto& tree : wait.trees) descriptors.push_back(tree->descriptor());
  waker_.wait(descriptors,
              std::chrono::ceil<std::chrono::milliseconds>(wait.end - std::chrono::steady_clock::now()));
  wait = {{}, end};
  return take_due(wait);
}

std::size_t WarmReplicas::count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(places_, [](const auto& one) { return one.second.replica != nullptr; }));
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
