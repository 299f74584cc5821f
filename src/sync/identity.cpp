// SPDX-License-Identifier: Apache-2.0
// Canonical coding of quick identities, and the comparison of two.
#include "sync/identity.hpp"

#include <algorithm>
#include <map>

#include "base/limits.hpp"

namespace syncline::sync {
namespace {

bool is_acl(const std::string& name) { return name.starts_with("system.posix_acl_"); }

bool has_time(fs::FileType type, std::uint32_t attributes) {
  const auto bit = type == fs::FileType::directory ? wire::attr_dir_times : wire::attr_times;
  return (attributes & bit) != 0;
}

void write_identity(ByteWriter& out, const DirNode& node, const Entry& entry, const IdentityRules& rules) {
  const auto attributes = rules.attributes;
  const Extra& extra = node.extra_of(entry);
  out.text(node.name_of(entry));
  out.u8(static_cast<std::uint8_t>(entry.type));
  if ((attributes & wire::attr_mode) != 0 && entry.type != fs::FileType::symlink)
    out.u16(static_cast<std::uint16_t>(entry.mode));
  if ((attributes & wire::attr_owner) != 0) out.u32(rules.uid_there(entry.uid));
  if ((attributes & wire::attr_group) != 0) out.u32(rules.gid_there(entry.gid));
  if (has_time(entry.type, attributes)) out.u64(static_cast<std::uint64_t>(entry.mtime_ns));
  if (entry.type == fs::FileType::regular) {
    out.u64(entry.size_bytes);
    const Content* content = node.content_of(entry);
    if ((attributes & wire::attr_content) != 0 && content != nullptr)
      out.bytes(content_root(*content, entry.size_bytes).bytes);
  }
  if (extra.empty()) return;
  out.bytes(extra.xattr_digest.bytes);
  out.text(extra.link_target);
  out.u32(extra.device_major);
  out.u32(extra.device_minor);
  if (extra.deviating_content) out.bytes(extra.deviating_content->bytes);
}

void write_root_attributes(ByteWriter& out, const Tree& tree, const IdentityRules& rules) {
  if ((rules.attributes & wire::attr_mode) != 0) out.u32(tree.root_stat.mode);
  if ((rules.attributes & wire::attr_owner) != 0) out.u32(rules.uid_there(tree.root_stat.uid));
  if ((rules.attributes & wire::attr_group) != 0) out.u32(rules.gid_there(tree.root_stat.gid));
  if ((rules.attributes & wire::attr_dir_times) != 0)
    out.u64(static_cast<std::uint64_t>(tree.root_stat.mtime_ns));
  out.bytes(tree.root_xattrs.bytes);
}

template <class IsLeftOut>
hash::Digest digest_of_entries(const DirNode& node, const IdentityRules& rules, IsLeftOut&& is_left_out) {
  Bytes coded;
  coded.reserve(node.entries.size() * 48 + node.names.size());
  ByteWriter out(coded);
  for (const Entry& entry : node.entries)
    if (!is_left_out(node.name_of(entry))) write_identity(out, node, entry, rules);
  for (const std::string& name : node.unknown) {
    out.text(name);
    out.u8(0xFF);
  }
  if (node.unreadable) out.u8(0xFE);
  return hash::blake3(coded);
}

}  // namespace

std::uint32_t OwnerMap::user(std::uint32_t uid) const {
  if (users_.empty()) return uid;
  const auto found = users_.find(uid);
  return found == users_.end() ? uid : found->second;
}

std::uint32_t OwnerMap::group(std::uint32_t gid) const {
  if (groups_.empty()) return gid;
  const auto found = groups_.find(gid);
  return found == groups_.end() ? gid : found->second.id;
}

bool OwnerMap::is_settable(std::uint32_t gid) const {
  if (groups_.empty()) return true;
  const auto found = groups_.find(gid);
  return found == groups_.end() || found->second.settable;
}

void OwnerMap::set_user(std::uint32_t uid, std::uint32_t there) {
  users_.erase(uid);
  if (uid == there) return;
  if (users_.size() == limits::owners_max) users_.clear();
  users_.emplace(uid, there);
}

void OwnerMap::set_group(std::uint32_t gid, const Group& there) {
  groups_.erase(gid);
  if (there == Group{gid, true}) return;
  if (groups_.size() == limits::owners_max) groups_.clear();
  groups_.emplace(gid, there);
}

void OwnerMap::write(ByteWriter& out) const {
  for (const auto& [here, there] : users_) out.u8(1), out.u32(here), out.u32(there);
  for (const auto& [here, there] : groups_) out.u8(there.settable ? 2 : 3), out.u32(here), out.u32(there.id);
}

std::vector<fs::XattrPair> selected_xattrs(std::vector<fs::XattrPair> pairs, std::uint32_t attributes) {
  std::erase_if(pairs, [&](const fs::XattrPair& pair) {
    return (attributes & (is_acl(pair.name) ? wire::attr_acls : wire::attr_xattrs)) == 0;
  });
  return pairs;
}

hash::Digest xattr_digest(const std::vector<fs::XattrPair>& pairs, std::uint32_t attributes) {
  Bytes coded;
  ByteWriter out(coded);
  for (const auto& pair : selected_xattrs(pairs, attributes)) {
    out.text(pair.name);
    out.blob(pair.value);
  }
  return coded.empty() ? hash::Digest{} : hash::blake3(coded);
}

hash::Digest shallow_digest(const DirNode& node, const IdentityRules& rules) {
  return digest_of_entries(node, rules, [](std::string_view) { return false; });
}

hash::QuickHash fingerprint(const DirNode& node, const IdentityRules& rules, const hash::QuickKey& key,
                            Bytes& scratch) {
  scratch.clear();
  ByteWriter out(scratch);
  scratch.reserve(node.names.size() + node.entries.size() * sizeof(Entry) + 64);
  out.u32(rules.attributes);
  out.u64(rules.uid ? *rules.uid + 1ULL : 0);
  out.u64(rules.gid ? *rules.gid + 1ULL : 0);
  rules.owners.write(out);
  for (const Entry& entry : node.entries) {
    out.bytes(as_bytes(node.name_of(entry)));
    const std::uint64_t fields[] = {entry.name_bytes |
                                        std::uint64_t{static_cast<std::uint8_t>(entry.type)} << 16 |
                                        std::uint64_t{entry.mode} << 32,
                                    entry.uid | std::uint64_t{entry.gid} << 32,
                                    entry.link_count,
                                    entry.type == fs::FileType::directory ? 0 : entry.size_bytes,
                                    static_cast<std::uint64_t>(entry.mtime_ns),
                                    static_cast<std::uint64_t>(entry.ctime_ns),
                                    entry.inode,
                                    entry.device};
    out.bytes(std::as_bytes(std::span(fields)));
  }
  for (const std::string& name : node.unknown) out.text(name);
  out.u8(node.unreadable ? 1 : 0);
  return key(scratch);
}

void compute_tree_digests(DirNode& node) {
  hash::Blake3 hasher;
  hasher.update(node.shallow.bytes);
  for (const auto& child : node.children) {
    compute_tree_digests(*child);
    hasher.update(child->tree.bytes);
  }
  node.tree = hasher.finish();
}

namespace {

bool is_at_or_below(const std::set<std::string>& left, const std::string& path) {
  for (std::size_t end = path.size(); end != std::string::npos && end != 0; end = path.rfind('/', end - 1))
    if (left.contains(path.substr(0, end))) return true;
  return false;
}

bool has_below(const std::set<std::string>& left, const std::string& dir) {
  const auto prefix = dir + '/';
  const auto at = left.lower_bound(prefix);
  return dir.empty() ? !left.empty() : at != left.end() && at->starts_with(prefix);
}

hash::Digest tree_digest_without(const DirNode& node, const IdentityRules& rules,
                                 const std::set<std::string>& left) {
  if (!has_below(left, node.path().text())) return node.tree;
  const auto is_left = [&](std::string_view name) { return left.contains(node.path_of(name)); };
  const bool has_left =
      std::ranges::any_of(node.entries, [&](const Entry& entry) { return is_left(node.name_of(entry)); });
  hash::Blake3 hasher;
  hasher.update((has_left ? digest_of_entries(node, rules, is_left) : node.shallow).bytes);
  for (const auto& child : node.children)
    if (!is_left(child->name)) hasher.update(tree_digest_without(*child, rules, left).bytes);
  return hasher.finish();
}

hash::Digest root_over(const hash::Digest& entries, const Tree& tree, const IdentityRules& rules,
                       const std::set<std::string>& left) {
  Bytes coded;
  ByteWriter out(coded);
  out.bytes(entries.bytes);
  if (!tree.is_partial) write_root_attributes(out, tree, rules);
  if ((rules.attributes & wire::attr_links) != 0) {
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<std::string>> groups;
    for_each_dir(*tree.root, [&](DirNode& node) {
      for (const Entry& entry : node.entries) {
        if (entry.type != fs::FileType::regular || entry.link_count < 2) continue;
        auto path = node.path_of(node.name_of(entry));
        if (!is_at_or_below(left, path)) groups[{entry.device, entry.inode}].push_back(std::move(path));
      }
    });
    std::vector<std::vector<std::string>> sorted;
    for (auto& [inode, paths] : groups)
      if (paths.size() > 1) sorted.push_back(std::move(paths));
    std::ranges::sort(sorted);
    for (const auto& group : sorted) {
      out.varint(group.size());
      for (const auto& path : group) out.text(path);
    }
  }
  return hash::blake3(coded);
}

}  // namespace

hash::Digest tree_root(const Tree& tree, const IdentityRules& rules) {
  return root_over(tree.root->tree, tree, rules, {});
}

hash::Digest tree_root_without(const Tree& tree, const IdentityRules& rules,
                               const std::set<std::string>& left) {
  return root_over(tree_digest_without(*tree.root, rules, left), tree, rules, left);
}

wire::EntryInfo entry_info(const DirNode& node, const Entry& entry, const IdentityRules& rules) {
  const Extra& extra = node.extra_of(entry);
  wire::EntryInfo out;
  out.name = node.name_of(entry);
  out.type = entry.type;
  out.mode = entry.mode;
  out.uid = rules.uid_there(entry.uid);
  out.gid = rules.gid_wanted(entry.gid);
  out.size_bytes = entry.type == fs::FileType::regular ? entry.size_bytes : 0;
  out.mtime_ns = entry.mtime_ns;
  out.xattr_digest = extra.xattr_digest;
  out.link_target = extra.link_target;
  out.device_major = extra.device_major;
  out.device_minor = extra.device_minor;
  out.edited = entry.edited;
  if (entry.type == fs::FileType::regular && entry.link_count > 1) out.link_group = entry.inode;
  out.deviates = extra.deviating_content.has_value();
  if (extra.deviating_content) out.content = extra.deviating_content->prefix();
  else if (const Content* content = node.content_of(entry))
    out.content = content_root(*content, entry.size_bytes).prefix();
  if (entry.type == fs::FileType::directory)
    if (const DirNode* child = node.child(node.name_of(entry))) out.tree = child->tree;
  return out;
}

wire::EntryInfo stored_info(const state::StoredEntry& stored, const IdentityRules& rules) {
  wire::EntryInfo out;
  out.name = stored.name;
  out.type = stored.stat.type;
  out.mode = stored.stat.mode;
  out.uid = rules.uid_there(stored.stat.uid);
  out.gid = rules.gid_wanted(stored.stat.gid);
  out.size_bytes = stored.stat.type == fs::FileType::regular ? stored.stat.size_bytes : 0;
  out.mtime_ns = stored.stat.mtime_ns;
  out.xattr_digest = stored.xattr_digest;
  out.link_target = stored.link_target;
  out.device_major = stored.stat.device_major;
  out.device_minor = stored.stat.device_minor;
  if (stored.stat.type == fs::FileType::regular && stored.stat.link_count > 1)
    out.link_group = stored.stat.inode;
  if (stored.content) out.content = stored.content->prefix();
  return out;
}

Difference compare(const wire::EntryInfo& local, const wire::EntryInfo& remote, std::uint32_t attributes) {
  Difference out;
  if (local.type != remote.type) {
    out.type = out.content = true;
    return out;
  }
  const bool regular = local.type == fs::FileType::regular;
  out.size = regular && local.size_bytes != remote.size_bytes;
  out.time = has_time(local.type, attributes) && local.mtime_ns != remote.mtime_ns;
  // Where one side knows that its content is not what its times say and the other knows nothing, only
  // a transfer can tell; it costs sums, not content, if they are equal after all.
  const bool unsure = (local.deviates && remote.content == 0) || (remote.edited && local.content == 0);
  const bool content_differs =
      unsure || (local.content != 0 && remote.content != 0 && local.content != remote.content);
  out.content = out.size || local.link_target != remote.link_target ||
                local.device_major != remote.device_major || local.device_minor != remote.device_minor ||
                (regular && content_differs);
  out.mode =
      (attributes & wire::attr_mode) != 0 && local.type != fs::FileType::symlink && local.mode != remote.mode;
  out.owner = (attributes & wire::attr_owner) != 0 && local.uid != remote.uid;
  out.group = (attributes & wire::attr_group) != 0 && local.gid != remote.gid &&
              local.gid != wire::any_group && remote.gid != wire::any_group;
  const bool xattrs = local.xattr_digest != remote.xattr_digest;
  out.xattr = xattrs && (attributes & wire::attr_xattrs) != 0;
  out.acl = xattrs && !out.xattr;
  return out;
}

std::string itemize(char update, fs::FileType type, bool is_new, const Difference& difference,
                    std::uint32_t attributes) {
  std::string out(11, '.');
  out[0] = update;
  switch (type) {
    case fs::FileType::regular: out[1] = 'f'; break;
    case fs::FileType::directory: out[1] = 'd'; break;
    case fs::FileType::symlink: out[1] = 'L'; break;
    case fs::FileType::char_device:
    case fs::FileType::block_device: out[1] = 'D'; break;
    default: out[1] = 'S'; break;
  }
  if (is_new) {
    std::fill(out.begin() + 2, out.end(), '+');
    return out;
  }
  if (difference.content && !difference.size && type == fs::FileType::regular && !difference.time)
    out[2] = 'c';
  if (difference.content && type != fs::FileType::regular) out[2] = 'c';
  if (difference.size) out[3] = 's';
  if (difference.time) out[4] = (attributes & wire::attr_times) != 0 ? 't' : 'T';
  if (difference.mode) out[5] = 'p';
  if (difference.owner) out[6] = 'o';
  if (difference.group) out[7] = 'g';
  if (difference.acl) out[9] = 'a';
  if (difference.xattr) out[10] = 'x';
  return out;
}

}  // namespace syncline::sync
