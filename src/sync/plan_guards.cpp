// SPDX-License-Identifier: Apache-2.0
// What of a plan is not done, for it is too much at once.
#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "sync/planner.hpp"

namespace syncline::sync {
namespace {

ChangeEvent event_of(const PlannedRemove& remove) {
  ChangeEvent event;
  event.itemized = "*deleting  ";
  event.path = remove.directory ? remove.path + "/" : remove.path;
  event.edited_in_destination = remove.edited;
  return event;
}

}  // namespace

/// A source that has lost much at once may be one that was unmounted, or emptied by mistake.
void Planner::hold_removes() {
  const auto count = plan_.removes.size() + plan_.closed.size();
  if (count == 0) return;
  if (options_.source_is_whole && !options_.source_is_whole()) {
    plan_.held_removes = count;
    return drop_removes(0);
  }
  if (!options_.copy->guard_deletes) return;
  const bool is_emptied = replica_.tree().root->entries.empty();
  const auto gone = count + options_.copy->recent_deletes;
  const auto share = (replica_.tree().entry_count + gone) * limits::guarded_deletions_percent / 100;
  if (!is_emptied && gone <= std::max<std::uint64_t>(limits::guarded_deletions_free, share)) return;
  plan_.held_removes = count;
  drop_removes(0);
}

/// Those from `first` on are not made in this run.
void Planner::drop_removes(std::size_t first) {
  for (auto i = first; i < plan_.removes.size(); ++i) {
    if (plan_.removes[i].drifted) leave(plan_.removes[i].path);
    note_held(plan_.held.deletions, event_of(plan_.removes[i]));
  }
  plan_.removes.resize(first);
  for (const auto& path : plan_.closed) note_held(plan_.held.deletions, event_of({path, true}));
  plan_.closed.clear();
}

void Planner::note_held(HeldBack& held, ChangeEvent event) {
  if (held.first.size() < limits::held_named_max) held.first.push_back(std::move(event));
  else ++held.more;
}

void Planner::limit_removes() {
  const auto limit = options_.copy->max_delete;
  if (!limit || plan_.removes.size() <= *limit) return;
  drop_removes(*limit);
  plan_.delete_limit_reached = true;
}

/// Only once it is clear which of them are made.
void Planner::tell_removes(const std::vector<PlannedRemove>& removes) {
  if (!options_.on_change) return;
  for (const auto& remove : removes) options_.on_change(event_of(remove));
}

/// What was only touched is known to be so where both sides know what is in it. A file that has just come may
/// be written to still.
bool Planner::is_guarded(const std::string& path, const Difference& difference, const wire::EntryInfo& local,
                         const wire::EntryInfo& remote) const {
  const auto& recent = options_.copy->recent_files;
  if (!options_.copy->guard_changes || (recent && recent->created.contains(path))) return false;
  return difference.content || local.content == 0 || remote.content == 0;
}

/// Those of the rounds before count with these, each file once.
bool Planner::are_rewrites_too_many() const {
  const auto& recent = options_.copy->recent_files;
  const auto is_known = [&](const Rewrite& one) {
    return recent && recent->changed.contains(one.event.path);
  };
  const auto known = static_cast<std::size_t>(std::ranges::count_if(rewrites_, is_known));
  const auto changed =
      rewrites_.size() - known + (recent ? recent->changed.size() + recent->changed_more : 0);
  const auto share = replica_.tree().entry_count * limits::guarded_changes_percent / 100;
  return changed > std::max<std::uint64_t>(limits::guarded_changes_free, share);
}

/// A program that encrypts the source, or spoils it in another way, goes through all of its files.
void Planner::hold_rewrites() {
  if (rewrites_.empty()) return;
  if (!are_rewrites_too_many()) {
    if (options_.on_change)
      for (const auto& one : rewrites_) options_.on_change(one.event);
    return;
  }
  std::vector<Item> free;
  auto held = rewrites_.begin();
  for (std::size_t i = 0; i < plan_.files.size(); ++i) {
    const Item& item = plan_.files[i];
    if (held == rewrites_.end() || held->file != i) {
      free.push_back(item);
      continue;
    }
    note_held(plan_.held.changes, std::move(held->event));
    ++held;
    plan_.file_bytes -= item.node->entries[item.entry].size_bytes;
    plan_.held_files.push_back(item);
  }
  plan_.files = std::move(free);
}

}  // namespace syncline::sync
