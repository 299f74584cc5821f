// SPDX-License-Identifier: Apache-2.0
// The end of a session as the receiver sees it: what is left, what comes of it, the agreement.
#include <algorithm>
#include <cerrno>

#include "sync/index.hpp"
#include "sync/plan.hpp"
#include "sync/receiver_session.hpp"
#include "sync/session.hpp"

namespace syncline::sync {
namespace {

bool has_drift_below(const DirNode& node) {
  return node.has_drift() ||
         std::ranges::any_of(node.children, [](const auto& child) { return has_drift_below(*child); });
}

}  // namespace

/// Only of what is here: what a sender says takes no more memory than the tree.
void Receiver::take_left(const wire::Left& left) {
  std::lock_guard lock(replica_.mutex());
  is_left_known_ = is_left_known_ || left.all;
  for (const auto& one : left.entries) {
    const auto path = RelPath::parse(one.path);
    const DirNode* parent = path.is_root() ? nullptr : replica_.tree().find_dir(path.parent());
    const auto is_here = [&] {
      return parent->find(path.name()) != nullptr ||
             std::ranges::any_of(parent->absent,
                                 [&](const auto& stored) { return stored.name == path.name(); });
    };
    if (path.is_root() || (parent != nullptr && is_here())) left_[one.path] = one.version;
  }
}

bool Receiver::is_left(const std::string& path) {
  return left_.contains(path) || (applier_ && applier_->is_apart(path));
}

bool Receiver::is_left_with_parents(const std::string& text) {
  for (auto at = RelPath::parse(text);; at = at.parent()) {
    if (is_left(at.text())) return true;
    if (at.is_root()) return false;
  }
}

std::set<std::string> Receiver::all_left() const {
  std::set<std::string> out;
  for (const auto& [path, version] : left_) out.insert(path);
  if (applier_) out.merge(applier_->apart());
  return out;
}

/// Of what is here beside what the sender has, but for what it leaves. Unknown where it leaves what it has as
/// well, or what it will not be told of again.
Likeness Receiver::likeness(const wire::Finish& finish) {
  const auto is_there_too = [](const auto& left) { return left.second > no_version; };
  if (!is_left_known_ || is_left("") || std::ranges::any_of(left_, is_there_too)) return Likeness::unknown;
  const auto left = all_left();
  for (const auto& text : left) {
    const auto path = RelPath::parse(text);
    DirNode* node = replica_.tree().find_dir(path.parent());
    const Entry* entry = node != nullptr ? node->find(path.name()) : nullptr;
    if (entry == nullptr) continue;
    const DirNode* child = entry->drifted ? nullptr : node->child(path.name());
    if (!entry->drifted && (child == nullptr || !has_drift_below(*child))) return Likeness::unknown;
    replica_.load_details(*node);
  }
  return tree_root_without(replica_.tree(), rules_, left) == finish.root ? Likeness::like : Likeness::unlike;
}

/// What a sender concludes from its records and from digests, while its tree may change, is not proven by
/// anything else. Where the trees are not alike in the end a session agrees on nothing, and the next one
/// compares everything. If there is another reason why they differ, they do so after that as well: it is not
/// asked for again until they are alike once.
bool Receiver::agrees(const wire::Finish& finish, const hash::Digest& root) {
  if (!finish.agree || (applier_ && applier_->has_failures())) return false;
  if (applier_ && applier_->has_opened()) {
    is_unlike_ = true;
    replica_.set_likeness(peer_, Likeness::unlike);
    return false;
  }
  if (root == finish.root) {
    replica_.set_likeness(peer_, Likeness::like);
    return true;
  }
  if (in_step_ || !is_left_known_) return true;  // nobody tells what may differ
  const auto before = replica_.likeness(peer_);
  auto now = likeness(finish);
  const bool was_looked_into = before == Likeness::unlike || before == Likeness::accepted;
  if (was_looked_into && now != Likeness::like) now = Likeness::accepted;
  // What was left before, and nobody tells of now, cannot be told from a mistake.
  else if (before == Likeness::unknown && now == Likeness::unlike && from_records_) now = Likeness::unknown;
  is_unlike_ = now == Likeness::unlike;
  replica_.set_likeness(peer_, now);
  return !is_unlike_;
}

/// What is not left after a whole session is as the sender has it, whoever made it.
void Receiver::settle_drift(const wire::Finish& finish, const hash::Digest& root) {
  if (finish.root == root) left_.clear();
  else if (!is_left_known_ || left_.contains("")) return;
  settle_drift(*replica_.tree().root);
}

void Receiver::settle_drift(DirNode& node) {
  const auto note = [&](const std::string& name) {
    const auto found = left_.find(node.path_of(name));
    if (found == left_.end() || node.left_version(name) == found->second) return;
    node.set_left_version(name, found->second);
    node.dirty = true;
  };
  for (std::size_t i = 0; i < node.entries.size(); ++i) {
    Entry& entry = node.entries[i];
    const bool is_dir = entry.type == fs::FileType::directory;
    if (!is_dir && !entry.drifted) continue;
    const std::string name(node.name_of(entry));
    if (is_left(node.path_of(name))) {  // with all that is below it
      if (entry.drifted) note(name);
      continue;
    }
    if (entry.drifted) node.dirty = true;
    entry.drifted = false;
    if (DirNode* child = is_dir ? node.child(name) : nullptr; child != nullptr) settle_drift(*child);
  }
  const auto erased = std::erase_if(node.absent, [&](const auto& stored) {
    return node.find(stored.name) != nullptr || !is_left(node.path_of(stored.name));
  });
  if (erased != 0) node.dirty = true;
  for (const auto& stored : node.absent) note(stored.name);
  if (node.dirty) replica_.load_details(node);
}

/// Nothing where it is not what it was: that is the next scan's affair.
std::optional<fs::Stat> Receiver::stat_of_dir(const DirNode& node) {
  try {
    return replica_.open_dir(*node.parent)->stat_at(replica_.disk_name(*node.parent, node.name));
  } catch (const Error& error) {
    if (error.code().category() != std::generic_category()) throw;
    return std::nullopt;
  }
}

/// What was removed from a directory that stays moved its time, and nobody sets that of what is left.
void Receiver::refresh_left_dirs() {
  if (!applier_) return;
  const auto refresh = [&](DirNode& node) {
    if (!node.dirty || node.parent == nullptr) return;
    DirNode& parent = *node.parent;
    const Entry* entry = parent.find(node.name);
    const auto stat = stat_of_dir(node);
    if (entry == nullptr || !stat || stat->inode != entry->inode || stat->ctime_ns == entry->ctime_ns) return;
    replica_.load_details(parent);
    parent.put(node.name, *stat);
    parent.dirty = true;
  };
  std::lock_guard lock(replica_.mutex());
  for (const auto& path : all_left())
    if (DirNode* dir = replica_.tree().find_dir(RelPath::parse(path))) for_each_dir(*dir, refresh);
}

/// Directories that were lent access have their modes again, and the tree knows that their ctime has moved.
void Receiver::take_back_access() {
  if (!lent_) return;
  const auto lent = lent_->take_back();
  if (lent.empty()) return;
  std::lock_guard lock(replica_.mutex());
  for_each_dir(*replica_.tree().root, [&](DirNode& node) {
    if (node.parent == nullptr) return;  // restore_root_time() looks at that
    DirNode& parent = *node.parent;
    const Entry* entry = parent.find(node.name);
    if (entry == nullptr || !lent.contains({entry->device, entry->inode})) return;
    const auto stat = stat_of_dir(node);
    if (!stat || stat->inode != entry->inode || stat->ctime_ns == entry->ctime_ns) return;
    replica_.load_details(parent);
    parent.put(node.name, *stat);
    parent.dirty = true;
  });
}

/// The area that came and went in the root moved its time, which is not ours where only some entries take
/// part.
void Receiver::restore_root_time() {
  if (replica_.tree().is_partial) return;
  if ((rules_.attributes & wire::attr_dir_times) == 0 || !(applier_ || area_)) return;
  try {
    replica_.root().set_mtime(replica_.tree().root_stat.mtime_ns);
  } catch (const Error& error) {
    if (!error.is_errno(EPERM)) throw;  // somebody else's directory: its time stays moved
  }
  replica_.tree().root_stat = replica_.root().stat();
}

ReceiverResult Receiver::finish(const wire::Finish& finish) {
  wire::Finished out;
  if (applier_) {
    applier_->drain();
    applier_->refresh_links();
    applier_->drop_partials();
    area_written_bytes_ = applier_->written_bytes();
  }
  const bool dry_run = (begin_.flags & wire::begin_dry_run) != 0;
  if (applier_) applier_->close_clean();
  else if (area_) area_->drop_partials(), area_->close_clean();
  take_back_access();
  if (!dry_run) restore_root_time();
  if (!dry_run && (finish.agree || applier_ || is_left_known_)) {
    refresh_left_dirs();
    replica_.settle_brought();
    if (finish.agree && !(applier_ && applier_->has_failures()))
      replica_.settle_deviations([&](const std::string& path) { return is_left_with_parents(path); });
    const auto root = refreshed_root(replica_, rules_);
    out.agreed = agrees(finish, root);
    if (!is_unlike_) settle_drift(finish, root);
    if ((begin_.flags & wire::begin_index) != 0)
      index_contents(replica_, options_.threads, read_bytes_, [] {});
    out.root = refreshed_root(replica_, rules_);
    if (out.agreed) {
      state::Agreement agreement;
      agreement.own_root = out.root;
      agreement.peer_root = finish.root;
      agreement.options = begin_.options;
      agreement.at_ns = replica_.world().clock->now_ns();
      replica_.save_agreement(peer_, agreement);
    } else {
      replica_.forget_agreement(peer_);
    }
    // State is never more durable than the data: the applier's last commit came before.
    replica_.commit(options_.durability != patch::Durability::none);
  } else {
    out.root = tree_root(replica_.tree(), rules_);
    out.agreed = in_step_;
  }
  out.disk_written_bytes =
      area_written_bytes_ + replica_.database().written_bytes() + replica_.announced_bytes();
  out.content_read_bytes = read_bytes_;
  if (!finish.unanswered) {
    channel_.send(out);
    channel_.flush();
  }
  return {in_step_,
          is_unlike_,
          out.root,
          out.root == finish.root,
          out.disk_written_bytes,
          out.content_read_bytes};
}

/// The other side went away, or the person stopped us: what has arrived whole is kept, and what has not
/// serves the next session.
void Receiver::salvage(const std::exception& cause) {
  const auto* known = dynamic_cast<const Error*>(&cause);
  const bool innocent = known != nullptr && (is_lost_link(*known) || known->is(Errc::cancelled));
  if (!innocent || !applier_) return;
  try {
    applier_->salvage();
    applier_->refresh_links();
    take_back_access();
    replica_.unsettle_brought();
    replica_.commit(options_.durability != patch::Durability::none);
  } catch (const Error&) {
    // It costs bytes in the next session. The cause of this one's end is what is told.
  }
}

}  // namespace syncline::sync
