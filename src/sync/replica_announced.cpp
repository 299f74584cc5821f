// SPDX-License-Identifier: Apache-2.0
// What a session tells of itself before it can be seen, for the case that it is killed.
#include "sync/replica.hpp"

namespace syncline::sync {

/// Of these records and no others: of this replica, and as they are since the last commit.
hash::Digest Replica::announcement_base() {
  hash::Blake3 hasher;
  hasher.update(id_);
  if (const auto records = database_->value("records")) hasher.update(*records);
  return hasher.finish();
}

void Replica::read_announcements() {
  announced_ = {};
  announcements_.reset();
  if (!is_tracked_ || is_snapshot_) return;
  announcements_ =
      std::make_unique<state::Announcements>(database_path_, announcement_base(), *world_.random);
  announced_ = announcements_->read();
}

void Replica::announce(std::span<const state::Announced> entries) {
  if (announcements_) announcements_->add(entries);
}

void Replica::settle_announcements() {
  announced_ = {};
  if (announcements_) announcements_->clear(announcement_base());
}

/// Under the mutex. Nothing where it is others', or a file whose content is not known.
std::optional<state::Announced> Replica::described(DirNode& node, const Entry& entry) {
  if (entry.drifted) return std::nullopt;
  load_details(node);
  state::Announced out;
  out.path = node.path_of(node.name_of(entry));
  out.type = entry.type;
  out.inode = entry.inode;
  if (entry.type == fs::FileType::symlink)
    out.content = hash::blake3(as_bytes(node.extra_of(entry).link_target));
  if (entry.type != fs::FileType::regular) return out;
  const Content* content = node.content_of(entry);
  if (content == nullptr) return std::nullopt;
  out.size_bytes = entry.size_bytes;
  out.content = content_root(*content, entry.size_bytes);
  return out;
}

std::optional<state::Announced> Replica::description(const RelPath& path) {
  const std::lock_guard lock(mutex_);
  DirNode* node = tree_.find_dir(path.parent());
  const Entry* entry = node != nullptr ? node->find(path.name()) : nullptr;
  return entry != nullptr ? described(*node, *entry) : std::nullopt;
}

std::vector<state::Announced> Replica::descriptions_of_names(const fs::Stat& file) {
  const std::lock_guard lock(mutex_);
  std::vector<state::Announced> out;
  std::vector<std::string> unknown;
  for_each_dir(*tree_.root, [&](DirNode& node) {
    for (const Entry& entry : node.entries) {
      if (entry.inode != file.inode || entry.device != file.device || entry.drifted) continue;
      if (auto known = described(node, entry)) out.push_back(std::move(*known));
      else unknown.push_back(node.path_of(node.name_of(entry)));
    }
  });
  if (out.empty()) return out;
  for (auto& path : unknown) {
    auto same = out.front();
    same.path = std::move(path);
    out.push_back(std::move(same));
  }
  return out;
}

}  // namespace syncline::sync
