// SPDX-License-Identifier: Apache-2.0
// Counting what changes, and who knows of it.
#include "sync/followed_sources.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace syncline::sync {

class FollowedSources::Source {
 public:
  explicit Source(std::shared_ptr<watch::TreeWatch> watched) : tree_(std::move(watched)) {}

  bool is_complete() const {
    const std::lock_guard lock(mutex_);
    return tree_->is_complete();
  }
  bool is_sound() const {
    const std::lock_guard lock(mutex_);
    return tree_->is_complete() && tree_->root_is_there();
  }
  std::uint64_t changes() const {
    const std::lock_guard lock(mutex_);
    return changes_;
  }
  void refresh() {
    const std::lock_guard lock(mutex_);
    tree_->refresh();
  }
  /// Returns how many changes there have been; nothing while a session walks through the tree.
  std::optional<std::uint64_t> look(Moment now, bool waits, StirWait* wait) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) {
      if (wait != nullptr) wait->until(now + limits::settle_complete_max);
      return std::nullopt;
    }
    try {
      look_at_tree(now, waits, wait);
    } catch (const Error&) {
      ++changes_;  // whoever comes then meets that as well
    }
    return changes_;
  }

 private:
  void look_at_tree(Moment now, bool waits, StirWait* wait);
  void look_for_root(Moment now);

  mutable std::mutex mutex_;  ///< never taken under that of all
  const std::shared_ptr<watch::TreeWatch> tree_;
  watch::Settle settle_;
  Moment root_at_{};  ///< when it is looked for
  bool is_there_ = true;
  bool is_complete_ = true;
  std::uint64_t changes_ = 1;  ///< told about, or to be
};

FollowedSources::SourcePtr FollowedSources::find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(key);
  return found == places_.end() ? nullptr : found->second.source;
}

bool FollowedSources::has_room(const std::string& key) const {
  return places_.size() < limits::followed_sources_max || places_.contains(key);
}

/// Null where there is no room, or nothing to watch all of it with; what was there stays then.
FollowedSources::SourcePtr FollowedSources::make(const std::string& key,
                                                 const watch::TreeWatch::OpenRoot& open_root,
                                                 const SourcePtr& unsound) {
  {
    const std::lock_guard lock(mutex_);
    clean();
    if (!has_room(key)) return nullptr;
  }
  SourcePtr out;
  try {
    auto tree = std::make_shared<watch::TreeWatch>(open_root, key, fs::watch_dirs());
    if (!tree->is_complete()) return nullptr;
    out = std::make_shared<Source>(std::move(tree));
  } catch (const Error& error) {
    if (error.code().category() != std::generic_category()) throw;
    return nullptr;
  }
  const std::lock_guard lock(mutex_);
  if (!has_room(key)) return nullptr;
  auto& place = places_[key];
  if (place.source && place.source != unsound) return place.source;  // another session was faster
  for (auto& [owner, known] : place.owners) known = {};  // of what this one has not seen
  return place.source = std::move(out);
}

std::optional<FollowedSources::Begun> FollowedSources::begin(const std::string& key,
                                                             const watch::TreeWatch::OpenRoot& open_root,
                                                             bool afresh) {
  auto source = find(key);
  if (source && afresh) source->refresh();
  if (!source || !source->is_sound()) source = make(key, open_root, source);
  if (!source) return std::nullopt;
  const auto changes = source->changes();
  return Begun{key, std::move(source), changes};
}

bool FollowedSources::follow(std::uint64_t owner, const std::optional<Begun>& begun) {
  const bool is_complete = begun && begun->source->is_complete();
  const std::lock_guard lock(mutex_);
  remove(owner);
  if (!is_complete) return false;
  const auto found = places_.find(begun->key);
  if (found == places_.end()) return false;
  // What another watch than that has seen is not known: then it is told once in any case.
  found->second.owners[owner] = {found->second.source == begun->source ? begun->changes : 0, false};
  if (on_followed_) on_followed_();
  return true;
}

void FollowedSources::drop(std::uint64_t owner) {
  const std::lock_guard lock(mutex_);
  remove(owner);
  clean();
}

void FollowedSources::remove(std::uint64_t owner) {
  for (auto& [key, place] : places_) place.owners.erase(owner);
}

/// Those that nobody follows and no session is about to.
void FollowedSources::clean() {
  std::erase_if(places_, [](const auto& one) {
    return one.second.owners.empty() && one.second.source.use_count() == 1;
  });
}

/// Counts once that it is another directory, and once that it is the same again.
void FollowedSources::Source::look_for_root(Moment now) {
  if (now < root_at_) return;
  root_at_ = now + limits::watch_root_look;
  if (tree_->look_for_mounts()) ++changes_;
  if (tree_->root_is_there() == is_there_) return;
  is_there_ = !is_there_;
  ++changes_;
}

void FollowedSources::Source::look_at_tree(Moment now, bool waits, StirWait* wait) {
  const auto news = tree_->take(std::chrono::milliseconds(0));
  if (news.complete) settle_.complete(now);
  if (news.written) settle_.written(now);
  look_for_root(now);
  const auto due = settle_.due(waits && tree_->is_writing());
  if (due && (!waits || *due <= now)) {
    ++changes_;
    settle_.taken();
    tree_->let_writers_go();
  } else if (due && wait != nullptr) {
    wait->until(*due);
  }
  if (tree_->is_complete() != std::exchange(is_complete_, tree_->is_complete())) ++changes_;
  if (wait == nullptr) return;
  wait->until(root_at_);
  wait->trees.push_back(tree_);
}

std::vector<std::uint64_t> FollowedSources::take(Moment now, bool waits, StirWait* wait) {
  std::vector<std::pair<std::string, SourcePtr>> sources;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, place] : places_)
      if (!place.owners.empty()) sources.emplace_back(key, place.source);
  }
  std::vector<std::uint64_t> out;
  for (const auto& [key, source] : sources) {
    const auto changes = source->look(now, waits, wait);
    if (!changes) continue;
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(key);
    if (found == places_.end() || found->second.source != source) continue;
    for (auto& [owner, known] : found->second.owners)
      if (known.seen != *changes && !std::exchange(known.is_told, true)) out.push_back(owner);
  }
  return out;
}

std::vector<std::uint64_t> FollowedSources::take_stirred() {
  return take(std::chrono::steady_clock::now(), false, nullptr);
}

std::vector<std::uint64_t> FollowedSources::take_due(StirWait& wait) {
  return take(std::chrono::steady_clock::now(), true, &wait);
}

void FollowedSources::on_followed(std::function<void()> news) {
  const std::lock_guard lock(mutex_);
  on_followed_ = std::move(news);
}

std::size_t FollowedSources::count() const {
  const std::lock_guard lock(mutex_);
  return places_.size();
}

}  // namespace syncline::sync
