// SPDX-License-Identifier: Apache-2.0
// Keeping a watch on every directory of a tree while it changes.
#include "watch/tree_watch.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace syncline::watch {
namespace {

/// Of the engine, at the root; takes no part.
constexpr const char* area_name = ".syncline";

/// The system has no watch left to give.
bool is_limit(const Error& error) { return error.is_errno(ENOSPC) || error.is_errno(ENOMEM); }

}  // namespace

TreeWatch::TreeWatch(OpenRoot open_root, const std::string& shown, std::unique_ptr<fs::DirWatch> events)
    : open_root_(std::move(open_root)), events_(std::move(events)) {
  identity_ = open_root_()->stat();
  refresh();
  if (tree_->number < 0) throw Error(ENOSPC, "watch '" + escape_name(shown) + "'");
}

bool TreeWatch::root_is_there() const {
  try {
    const auto stat = open_root_()->stat();
    return stat.device == identity_.device && stat.inode == identity_.inode;
  } catch (const Error&) {
    return false;
  }
}

bool TreeWatch::take_root() {
  try {
    identity_ = open_root_()->stat();
  } catch (const Error&) {
    return false;
  }
  refresh();
  return true;
}

bool TreeWatch::look_for_mounts() {
  if (!mount_table_.has_changed() || (!read_mounts() && is_root_watched())) return false;
  refresh();
  return true;
}

/// What is watched is what is there: not where it was unmounted and mounted again since.
bool TreeWatch::is_root_watched() {
  try {
    return events_->add(*open_root_()) == tree_->number;
  } catch (const Error&) {
    return true;  // there is no root, which is told elsewhere
  }
}

std::vector<std::string> TreeWatch::mounts_now() {
  try {
    return mount_table_.below(*open_root_());
  } catch (const Error&) {
    return mounts_;  // there is no root, which is told elsewhere
  }
}

/// True where they are not those that they were.
bool TreeWatch::read_mounts() { return std::exchange(mounts_, mounts_now()) != mounts_; }

RelPath TreeWatch::path_of(const Node& node) const {
  std::vector<const Node*> up;
  for (const Node* at = &node; at->parent != nullptr; at = at->parent) up.push_back(at);
  RelPath out;
  for (auto at = up.rbegin(); at != up.rend(); ++at) out = out.child((*at)->name);
  return out;
}

void TreeWatch::refresh() {
  const auto before = std::exchange(by_number_, {});
  const auto old_tree = std::exchange(tree_, std::make_unique<Node>());
  moved_.clear();
  is_complete_ = true;
  dirty_.everywhere = true;
  writers_.clear();
  read_mounts();
  add_tree(*tree_);
  for (const auto& [number, node] : before)
    if (!by_number_.contains(number)) events_->remove(number);
  is_stale_ = false;  // a directory that is mounted twice is seen by one of its names
}

/// Of a directory and everything below it. One that cannot be opened has changed meanwhile, which its parent
/// tells, or may not be read, which the copy tells.
void TreeWatch::add_tree(Node& top) {
  std::unique_ptr<fs::Dir> root;
  std::vector<Node*> todo{&top};
  while (!todo.empty()) {
    Node& node = *todo.back();
    todo.pop_back();
    try {
      if (!root) root = open_root_();
      const auto below = add(*root, node);
      todo.insert(todo.end(), below.begin(), below.end());
    } catch (const Error& error) {
      if (error.code().category() != std::generic_category()) throw;
      if (is_limit(error)) is_complete_ = false;
    }
  }
}

/// The same for what is not watched yet: it had another name when it was tried.
void TreeWatch::add_missing(Node& top) {
  std::vector<Node*> todo{&top};
  while (!todo.empty()) {
    Node& one = *todo.back();
    todo.pop_back();
    if (one.number < 0) {
      add_tree(one);
      continue;
    }
    for (const auto& [name, child] : one.children) todo.push_back(child.get());
  }
}

/// First the watch, then the look: what comes in between is seen twice, and not never. Returns what is below.
std::vector<TreeWatch::Node*> TreeWatch::add(const fs::Dir& root, Node& node) {
  const auto dir = root.open_beneath(path_of(node));
  const int number = events_->add(*dir);
  if (const auto known = by_number_.find(number); known != by_number_.end() && known->second != &node) {
    // It was moved here, and whoever it is known by stands for a name that is gone.
    known->second->number = -1;
    is_stale_ = true;
  }
  node.number = number;
  by_number_[number] = &node;
  std::vector<Node*> below;
  for (auto& name : dir->subdirs()) {
    if (node.parent == nullptr && name == area_name) continue;
    auto& child = node.children[name];
    if (child) continue;
    child = std::make_unique<Node>();
    child->parent = &node;
    child->name = std::move(name);
    below.push_back(child.get());
  }
  return below;
}

/// The directory and everything below it is not watched any more; its node goes with whoever owns it.
void TreeWatch::forget(Node& node) {
  std::vector<Node*> todo{&node};
  while (!todo.empty()) {
    Node& one = *todo.back();
    todo.pop_back();
    for (const auto& [name, child] : one.children) todo.push_back(child.get());
    if (one.number < 0) continue;
    events_->remove(one.number);
    writers_.forget_dir(one.number);
    by_number_.erase(std::exchange(one.number, -1));
  }
}

void TreeWatch::forget_moved() {
  for (const auto& [cookie, node] : std::exchange(moved_, {})) forget(*node);
}

TreeWatch::News TreeWatch::take(std::chrono::milliseconds limit) {
  return events_->wait(limit) ? read() : News{};
}

TreeWatch::News TreeWatch::read() {
  News news;
  for (const auto& change : events_->read()) apply(change, news);
  forget_moved();
  if (is_stale_) refresh();
  check_made();
  return news;
}

void TreeWatch::check_made() {
  for (const auto& file : writers_.take_made())
    if (!may_be_open(file)) writers_.forget(file);
}

/// A link to a file that is there is told like one that somebody makes in order to write to it.
bool TreeWatch::may_be_open(const OpenWriters::File& file) const {
  const auto found = by_number_.find(file.first);
  if (found == by_number_.end()) return false;
  try {
    const auto stat = open_root_()->open_beneath(path_of(*found->second))->stat_at(file.second);
    return stat && stat->type == fs::FileType::regular && stat->link_count == 1;
  } catch (const Error&) {
    return false;
  }
}

Dirty TreeWatch::take_dirty() {
  look_for_mounts();
  read();
  auto out = std::exchange(dirty_, {});
  out.everywhere |= !is_complete_;
  if (out.everywhere) out.dirs.clear();
  return out;
}

void TreeWatch::note_dirty(const Node& node) {
  if (dirty_.everywhere) return;
  dirty_.dirs.insert(path_of(node).text());
  dirty_.everywhere = dirty_.dirs.size() > limits::watch_dirty_max;
}

void TreeWatch::note_dirty_tree(const Node& top) {
  std::vector<const Node*> todo{&top};
  while (!todo.empty() && !dirty_.everywhere) {
    const Node& one = *todo.back();
    todo.pop_back();
    note_dirty(one);
    for (const auto& [name, child] : one.children) todo.push_back(child.get());
  }
}

void TreeWatch::apply(const fs::DirChange& change, News& news) {
  using enum fs::DirChange::Kind;
  if (change.kind == overflow) {
    is_stale_ = news.complete = true;
    ++overflow_count_;
    return;
  }
  const auto found = by_number_.find(change.watch);
  if (found == by_number_.end()) return;  // not ours any more
  if (change.kind == unmounted) {
    is_stale_ = news.complete = true;
    return;
  }
  Node& node = *found->second;
  const bool is_on_its_way = !is_in_tree(node);
  if (!is_on_its_way && node.parent == nullptr && change.name == area_name) return;
  (change.kind == written ? news.written : news.complete) = true;
  if (is_on_its_way) {
    // It has no path. Where it arrives everything in it counts as changed; only what comes and goes in it
    // must be looked for again.
    is_stale_ |= change.is_dir && !change.name.empty();
    if (change.kind != left) return;
  } else {
    note_dirty(node);
  }
  writers_.take(change);
  if (change.kind == left) {
    writers_.forget_dir(change.watch);
    node.number = -1;
    by_number_.erase(found);
  } else if (change.is_dir && !change.name.empty()) {
    if (change.kind == moved_away || change.kind == gone) went(node, change);
    else came(node, change);
  }
}

/// Or was seen already when its parent was looked into, or may be read by now.
void TreeWatch::came(Node& parent, const fs::DirChange& change) {
  const bool is_moved = change.kind == fs::DirChange::Kind::moved_here;
  auto arrived = is_moved ? moved_.extract(change.cookie) : decltype(moved_)::node_type();
  auto& place = parent.children[change.name];
  if (place && place->number >= 0 && !is_moved) return;
  // Replaced, or exchanged with what came here: then the names in the next events are not to be relied on.
  if (place && is_moved) is_stale_ = true;
  if (place) forget(*place);
  place = arrived.empty() ? std::make_unique<Node>() : std::move(arrived.mapped());
  place->parent = &parent;
  place->name = change.name;
  add_missing(
      *place);  // what is not there now may only have another name: a rename that is still to come tells
  // What happened in there while its name was another one was noted under that, and what is new may have got
  // the number of something that is gone.
  note_dirty_tree(*place);
}

void TreeWatch::went(Node& parent, const fs::DirChange& change) {
  auto node = parent.children.extract(change.name);
  if (node.empty()) return;
  if (change.kind != fs::DirChange::Kind::moved_away) return forget(*node.mapped());
  node.mapped()->parent = nullptr;  // which may go before it arrives
  auto& on_its_way = moved_[change.cookie];
  if (on_its_way) forget(*on_its_way);
  on_its_way = std::move(node.mapped());
}

/// And not on its way from one place to another.
bool TreeWatch::is_in_tree(const Node& node) const {
  const Node* at = &node;
  while (at->parent != nullptr) at = at->parent;
  return at == tree_.get();
}

}  // namespace syncline::watch
