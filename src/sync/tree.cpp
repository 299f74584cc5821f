// SPDX-License-Identifier: Apache-2.0
// Lookups and edits of the tree in memory.
#include "sync/tree.hpp"

#include <algorithm>

namespace syncline::sync {
namespace {

template <class Node>
auto child_position(Node& node, std::string_view name) {
  return std::lower_bound(node.children.begin(), node.children.end(), name,
                          [](const auto& child, std::string_view wanted) { return child->name < wanted; });
}

/// Room for one more. Doubled, a third of the memory of a tree that arrives file by file would be empty.
template <class Item>
void make_room(std::vector<Item>& items) {
  constexpr std::size_t first_count = 4;
  if (items.size() == items.capacity()) items.reserve(items.size() + items.size() / 4 + first_count);
}

}  // namespace

const Extra& DirNode::extra_of(const Entry& entry) const {
  static const Extra none;
  return entry.extra == 0 ? none : extras[entry.extra - 1];
}

Extra& DirNode::make_extra(Entry& entry) {
  if (entry.extra == 0) {
    extras.emplace_back();
    entry.extra = static_cast<std::uint32_t>(extras.size());
  }
  return extras[entry.extra - 1];
}

void DirNode::set_content(Entry& entry, const Content& content) {
  if (entry.content == 0) {
    if (contents.empty()) contents.reserve(entries.size());
    make_room(contents);
    contents.push_back(content);
    entry.content = static_cast<std::uint32_t>(contents.size());
  } else {
    contents[entry.content - 1] = content;
  }
}

hash::Digest content_root(const Content& content, std::uint64_t size_bytes) {
  if (!content.single) return content.id;
  manifest::Manifest manifest;
  manifest.params = manifest::params_for_size(size_bytes);
  manifest.size_bytes = size_bytes;
  if (size_bytes != 0)
    manifest.chunks.push_back({content.id, content.quick, static_cast<std::uint32_t>(size_bytes), 1});
  return manifest.root();
}

Content single_content(const manifest::Manifest& manifest) {
  Content out;
  out.single = true;
  if (!manifest.chunks.empty()) {
    out.id = manifest.chunks.front().id;
    out.quick = manifest.chunks.front().quick;
  }
  return out;
}

Entry* DirNode::find(std::string_view entry_name) {
  const auto at =
      std::lower_bound(entries.begin(), entries.end(), entry_name,
                       [&](const Entry& entry, std::string_view wanted) { return name_of(entry) < wanted; });
  return at != entries.end() && name_of(*at) == entry_name ? &*at : nullptr;
}

DirNode* DirNode::child(std::string_view child_name) const {
  const auto at = child_position(*this, child_name);
  return at != children.end() && (*at)->name == child_name ? at->get() : nullptr;
}

bool DirNode::has_drift() const {
  return !absent.empty() || std::ranges::any_of(entries, [](const Entry& entry) { return entry.drifted; });
}

std::uint64_t DirNode::left_version(std::string_view entry_name) const {
  const auto found = std::ranges::find(left, entry_name, &LeftBeside::name);
  return found == left.end() ? 0 : found->version;
}

void DirNode::set_left_version(std::string_view entry_name, std::uint64_t version) {
  std::erase_if(left, [&](const LeftBeside& one) { return one.name == entry_name; });
  if (version != 0) left.push_back({std::string(entry_name), version});
}

Entry& DirNode::put(std::string_view entry_name, const fs::Stat& stat) {
  dirty = true;
  recorded = false;
  if (Entry* present = find(entry_name)) {
    if (present->inode != stat.inode || present->type != stat.type) present->extra = 0;
    present->edited = false;
    set_stat(*present, stat);
    return *present;
  }
  make_room(entries);
  const auto at =
      std::lower_bound(entries.begin(), entries.end(), entry_name,
                       [&](const Entry& entry, std::string_view wanted) { return name_of(entry) < wanted; });
  Entry entry;
  entry.name_offset = static_cast<std::uint32_t>(names.size());
  entry.name_bytes = static_cast<std::uint16_t>(entry_name.size());
  names += entry_name;
  set_stat(entry, stat);
  return *entries.insert(at, entry);
}

void DirNode::erase(std::string_view entry_name) {
  dirty = true;
  recorded = false;
  if (const Entry* entry = find(entry_name)) entries.erase(entries.begin() + (entry - entries.data()));
  take_child(entry_name);
}

DirNode& DirNode::add_child(std::string_view child_name) {
  if (DirNode* present = child(child_name)) return *present;
  auto node = std::make_unique<DirNode>();
  node->detailed = true;
  DirNode& out = *node;
  put_child(std::move(node), child_name);
  return out;
}

std::unique_ptr<DirNode> DirNode::take_child(std::string_view child_name) {
  const auto at = child_position(*this, child_name);
  if (at == children.end() || (*at)->name != child_name) return nullptr;
  auto out = std::move(*at);
  children.erase(at);
  return out;
}

void DirNode::put_child(std::unique_ptr<DirNode> node, std::string_view child_name) {
  node->parent = this;
  node->name = child_name;
  children.insert(child_position(*this, child_name), std::move(node));
}

RelPath DirNode::path() const {
  if (parent == nullptr) return {};
  return parent->path().child(name);
}

std::string DirNode::path_of(std::string_view entry_name) const {
  std::string out = path().text();
  if (!out.empty()) out += '/';
  out += entry_name;
  return out;
}

fs::Stat stat_of(const Entry& entry, const Extra& extra) {
  fs::Stat out;
  out.type = entry.type;
  out.mode = entry.mode;
  out.uid = entry.uid;
  out.gid = entry.gid;
  out.link_count = entry.link_count;
  out.size_bytes = entry.size_bytes;
  out.mtime_ns = entry.mtime_ns;
  out.ctime_ns = entry.ctime_ns;
  out.inode = entry.inode;
  out.device = entry.device;
  out.device_major = extra.device_major;
  out.device_minor = extra.device_minor;
  return out;
}

void set_stat(Entry& entry, const fs::Stat& stat) {
  entry.type = stat.type;
  entry.mode = static_cast<std::uint16_t>(stat.mode);
  entry.uid = stat.uid;
  entry.gid = stat.gid;
  entry.link_count = stat.link_count;
  entry.size_bytes = stat.size_bytes;
  entry.mtime_ns = stat.mtime_ns;
  entry.ctime_ns = stat.ctime_ns;
  entry.inode = stat.inode;
  entry.device = stat.device;
}

state::DirId dir_id(const fs::Stat& stat, std::uint64_t root_device) {
  // Inode numbers stay below 2^48 in practice; a tree that crosses devices mixes the device in.
  const std::uint64_t mixed = stat.device == root_device ? 0 : (stat.device * 0x9E3779B97F4A7C15ULL) << 40;
  return static_cast<state::DirId>((stat.inode ^ mixed) & 0x7FFFFFFFFFFFFFFFULL);
}

DirNode* Tree::find_dir(const RelPath& path) const {
  DirNode* node = root.get();
  for (const auto component : path.components()) {
    node = node->child(component);
    if (node == nullptr) return nullptr;
  }
  return node;
}

}  // namespace syncline::sync
