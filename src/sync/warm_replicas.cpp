// SPDX-License-Identifier: Apache-2.0
// A shelf with room for a few.
#include "sync/warm_replicas.hpp"

#include <algorithm>
#include <functional>
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

/// What was kept, and for a source the right to be the one that others wait for.
WarmReplicas::Taken WarmReplicas::take(const std::string& key, bool is_source) {
  Taken out;
  bool is_lent = false;
  {
    std::unique_lock lock(mutex_);
    if (is_source) {
      returned_.wait_for(lock, limits::warm_wait, [&] { return !lent_.contains(key); });
      is_lent = lent_.insert(key).second;  // else who has waited in vain works with another one
    }
    if (auto found = kept_.extract(key)) out.replica = std::move(found.mapped().replica);
  }
  if (is_lent)
    out.loan = {this, [key](WarmReplicas* lender) {
                  const std::lock_guard lock(lender->mutex_);
                  lender->lent_.erase(key);
                  lender->returned_.notify_all();
                }};
  return out;
}

std::unique_ptr<Replica> WarmReplicas::open(const World& world, const ReplicaOptions& options, bool afresh) {
  auto [out, loan] = take(key_of(Replica::state_path(world, options), options.is_source), options.is_source);
  if (out && (afresh || !resume(*out, options))) out.reset();
  if (!out) out = std::make_unique<Replica>(world, options);
  out->set_loan(std::move(loan));
  return std::move(out);
}

void WarmReplicas::keep(std::unique_ptr<Replica> replica, std::uint64_t owner) {
  if (!replica->is_followed()) return;
  replica->rest();
  if (!replica->can_resume()) return;
  const auto key = key_of(replica->state_path(), replica->is_source());
  const auto loan = replica->take_loan();  // ends after it is kept
  std::unique_ptr<Replica> replaced;
  const std::lock_guard lock(mutex_);
  auto& kept = kept_[key];
  replaced = std::exchange(kept.replica, std::move(replica));
  kept.owner = owner;
  kept.used = ++uses_;
  kept.is_told = false;
  kept.look_after = std::chrono::steady_clock::now() + limits::stir_interval;
  make_room();
  if (on_kept_) on_kept_();
}

void WarmReplicas::make_room() {
  const auto entries = [&] {
    std::uint64_t out = 0;
    for (const auto& [key, kept] : kept_) out += kept.replica->tree().entry_count;
    return out;
  };
  while (!kept_.empty() && (kept_.size() > limits::warm_replicas_max || entries() > limits::warm_entries_max))
    kept_.erase(std::ranges::min_element(kept_, {}, [](const auto& one) { return one.second.used; }));
  std::vector<Kept*> by_use;
  for (auto& [key, kept] : kept_) by_use.push_back(&kept);
  std::ranges::sort(by_use, std::greater(), &Kept::used);
  std::size_t manifest_bytes = 0;
  for (Kept* kept : by_use) {
    auto& manifests = kept->replica->kept_manifests();
    manifest_bytes += manifests.bytes();
    if (manifest_bytes > limits::kept_manifest_bytes_max) manifests.clear();
  }
}

void WarmReplicas::drop(std::uint64_t owner) {
  const std::lock_guard lock(mutex_);
  std::erase_if(kept_, [&](const auto& one) { return one.second.owner == owner; });
}

/// Under the lock: a session that begins waits for its replica rather than opening its state twice.
std::vector<std::uint64_t> WarmReplicas::take_stirred() {
  std::vector<std::uint64_t> out;
  const std::lock_guard lock(mutex_);
  for (auto& [key, kept] : kept_) {
    if (!kept.is_awaited() || !kept.replica->has_drifted()) continue;
    kept.is_told = true;
    out.push_back(kept.owner);
  }
  return out;
}

std::vector<std::uint64_t> WarmReplicas::take_due(StirWait& wait) {
  std::vector<std::uint64_t> out;
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  for (auto& [key, kept] : kept_) {
    if (!kept.is_awaited()) continue;
    if (now < kept.look_after) {  // what it has to tell before its time stays unread
      wait.until(kept.look_after);
      continue;
    }
    kept.look_after = now + limits::stir_interval;
    if (kept.replica->has_drifted()) {
      kept.is_told = true;
      out.push_back(kept.owner);
    } else if (kept.replica->watched()->is_dirty()) {
      wait.until(kept.look_after);  // somebody else had the state
    } else {
      wait.trees.push_back(kept.replica->watched());
    }
  }
  return out;
}

void WarmReplicas::on_kept(std::function<void()> kept) {
  const std::lock_guard lock(mutex_);
  on_kept_ = std::move(kept);
}

std::size_t WarmReplicas::count() const {
  const std::lock_guard lock(mutex_);
  return kept_.size();
}

std::unique_ptr<Replica> open_replica(WarmReplicas* warm, const World& world, const ReplicaOptions& options,
                                      bool afresh) {
  return warm != nullptr ? warm->open(world, options, afresh) : std::make_unique<Replica>(world, options);
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
