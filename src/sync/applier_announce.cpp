// SPDX-License-Identifier: Apache-2.0
// What is about to be seen in the tree is told first, so that it is known for ours if we are killed.
#include <algorithm>
#include <utility>

#include "sync/applier.hpp"

namespace syncline::sync {

/// Contents, links and nodes: right before a commit gives them their names.
void Applier::announce(std::span<const patch::Foreseen> entries) {
  std::vector<state::Announced> out;
  std::vector<std::pair<std::size_t, std::string>> links;
  {
    const std::lock_guard lock(pending_mutex_);
    out.reserve(entries.size());
    for (const auto& one : entries) {
      const auto found = pending_.find(one.token);
      if (found == pending_.end()) continue;
      const Pending& pending = found->second;
      state::Announced entry;
      entry.path = pending.path.text();
      entry.type = pending.type;
      entry.inode = one.inode;
      if (pending.manifest) entry.size_bytes = one.size_bytes, entry.content = pending.manifest->root();
      if (!pending.link_target.empty()) entry.content = hash::blake3(as_bytes(pending.link_target));
      if (!pending.like.empty()) links.emplace_back(out.size(), pending.like);
      out.push_back(std::move(entry));
    }
  }
  for (const auto& [index, like] : links) {
    auto path = std::exchange(out[index].path, {});  // untold where nobody knows what it will be
    if (auto known = replica_.description(RelPath::parse(like))) {
      known->path = std::move(path);
      out[index] = std::move(*known);
    }
  }
  std::erase_if(out, [](const auto& entry) { return entry.path.empty(); });
  replica_.announce(out);
}

/// Of a whole batch at once: directories, which have no number before they are there, and what is to go.
void Applier::announce(const wire::Batch& batch) {
  std::vector<state::Announced> out;
  for (const auto& op : batch.ops) {
    state::Announced entry;
    if (const auto* dir = std::get_if<wire::MakeDir>(&op)) {
      entry.path = dir->path;
      entry.type = fs::FileType::directory;
    } else if (const auto* removed = std::get_if<wire::Remove>(&op)) {
      entry.path = removed->path;
      entry.gone = true;
    } else {
      continue;
    }
    out.push_back(std::move(entry));
  }
  replica_.announce(out);
}

/// A file's attributes, which all of its names show: its content, which tells that it is ours, stays.
void Applier::announce_change(const RelPath& path, const fs::Stat& stat) {
  if (stat.link_count > 1) return replica_.announce(replica_.descriptions_of_names(stat));
  if (const auto known = replica_.description(path)) replica_.announce({&*known, 1});
}

void Applier::announce_rename(const RelPath& from, const RelPath& to) {
  std::vector<state::Announced> out(1);
  out.front().path = from.text();
  out.front().gone = true;
  if (auto known = replica_.description(from)) {
    known->path = to.text();
    known->renamed_from = from.text();
    out.push_back(std::move(*known));
  }
  replica_.announce(out);
}

}  // namespace syncline::sync
