// SPDX-License-Identifier: Apache-2.0
// What was listed joined with its record: by one fingerprint if nothing moved, else entry by entry.
#include <algorithm>

#include "chunk/rescan.hpp"
#include "sync/scanner.hpp"

namespace syncline::sync {
namespace {

/// Content, target, kind: all but attributes.
bool is_as_recorded(const DirNode& node, const Entry& entry, const state::StoredEntry& stored,
                    std::uint64_t root_device) {
  if (entry.type != stored.stat.type) return false;
  const Extra& extra = node.extra_of(entry);
  switch (entry.type) {
    case fs::FileType::directory:
      return dir_id(stat_of(entry, extra), root_device) == dir_id(stored.stat, root_device);
    case fs::FileType::regular: return !entry.edited;
    default:
      return extra.link_target == stored.link_target && extra.device_major == stored.stat.device_major &&
             extra.device_minor == stored.stat.device_minor;
  }
}

}  // namespace

void Scanner::join(DirNode& node, OpenDirs& dirs, state::Reader& reader, Bytes& scratch) {
  Tree& tree = replica_.tree();
  if (node.parent == nullptr && !tree.is_partial)
    tree.root_xattrs = xattr_digest(dirs.open(tree.root_origin)->xattrs(), options_.rules.attributes);
  node.fingerprint = fingerprint(node, options_.rules, replica_.key(), scratch);
  if (const auto summary = reader.summary(node.id); summary && summary->fingerprint == node.fingerprint) {
    node.recorded = true;
    node.shallow = summary->shallow;
    node.detailed = node.entries.empty();
    return;
  }
  const auto record = reader.dir(node.id);
  auto stored = record ? record->entries.begin() : std::vector<state::StoredEntry>::const_iterator{};
  const std::size_t known_before = node.unknown.size();
  for (Entry& entry : node.entries) {
    const auto name = node.name_of(entry);
    const state::StoredEntry* match = nullptr;
    if (record) {
      while (stored != record->entries.end() && stored->name < name) ++stored;
      if (stored != record->entries.end() && stored->name == name) match = &*stored;
    }
    if (!join_entry(node, entry, dirs, match, record.has_value(), reader)) node.unknown.emplace_back(name);
  }
  if (replica_.is_tracked()) join_drift(node, record ? &*record : nullptr);
  for (std::size_t i = known_before; i < node.unknown.size(); ++i) node.erase(node.unknown[i]);
  node.shallow = shallow_digest(node, options_.rules);
  node.detailed = true;
  node.dirty = true;
}

/// False when the entry is there but could not be examined: what is not known must not be compared.
bool Scanner::join_entry(DirNode& node, Entry& entry, OpenDirs& dirs, const state::StoredEntry* stored,
                         bool recorded_dir, state::Reader& reader) {
  const std::string name(node.name_of(entry));
  const bool same_inode =
      stored != nullptr && stored->stat.type == entry.type && stored->stat.inode == entry.inode;
  const bool is_unsettled =
      same_inode && stored->content && stored->stat.ctime_ns == unsettled(entry.ctime_ns);
  const bool untouched = same_inode && (is_unsettled || stored->stat.ctime_ns == entry.ctime_ns) &&
                         stored->stat.mtime_ns == entry.mtime_ns &&
                         stored->stat.size_bytes == entry.size_bytes;
  entry.edited = recorded_dir && !untouched && entry.type != fs::FileType::directory;
  if (stored != nullptr && entry.type == fs::FileType::regular &&
      stored->stat.type == fs::FileType::regular && entry.mtime_ns < stored->stat.mtime_ns)
    has_gone_back_ = true;
  if (untouched) {
    if (stored->xattr_digest != hash::Digest{} || !stored->link_target.empty()) {
      Extra& extra = node.make_extra(entry);
      extra.xattr_digest = stored->xattr_digest;
      extra.link_target = stored->link_target;
    }
    if (stored->content) {
      Content content;
      content.single = stored->only_chunk.has_value() || entry.size_bytes == 0;
      content.id = stored->only_chunk ? stored->only_chunk->id : *stored->content;
      if (stored->only_chunk) content.quick = stored->only_chunk->quick;
      content.manifest_id = stored->manifest_id;
      node.set_content(entry, content);
    }
    if (is_unsettled) node.make_extra(entry).deviating_content = *stored->content;
    return true;
  }
  try {
    examine(node, entry, dirs, stored, reader);
  } catch (const Error& error) {
    if (error.is(Errc::changed) || error.is_errno(ENOENT)) return true;  // opening it will tell
    if (error.code().category() != std::generic_category()) throw;
    report(node.path_of(name), error.code().value());
    return false;
  }
  return true;
}

/// What is not as the record has it, or was not even then the other side's.
void Scanner::join_drift(DirNode& node, const state::DirRecord* record) {
  const auto root_device = replica_.tree().root_stat.device;
  for (Entry& entry : node.entries) {
    const auto* stored = record != nullptr ? record->find(node.name_of(entry)) : nullptr;
    if (entry.brought) continue;
    entry.drifted = stored == nullptr || !is_as_recorded(node, entry, *stored, root_device) ||
                    (stored->drift && !stored->drift->absent);
    if (stored != nullptr && stored->drift && entry.drifted)
      node.set_left_version(stored->name, stored->drift->left_version);
  }
  if (record == nullptr || node.unreadable) return;
  for (const auto& stored : record->entries) {
    if (node.find(stored.name) != nullptr ||
        std::ranges::find(node.unknown, stored.name) != node.unknown.end())
      continue;
    if (has_gone(node, stored)) continue;
    node.absent.push_back(stored);
    if (stored.drift) node.set_left_version(stored.name, stored.drift->left_version);
  }
}

/// What a listing does not tell of an entry that is not as recorded.
void Scanner::examine(DirNode& node, Entry& entry, OpenDirs& dirs, const state::StoredEntry* stored,
                      state::Reader& reader) {
  const auto on_disk = replica_.disk_name(node, node.name_of(entry));
  const bool is_origin = node.parent == nullptr && place(entry.origin).is_named();
  fs::Dir& dir = dirs.at(entry);
  Extra extra;
  if ((options_.rules.attributes & (wire::attr_xattrs | wire::attr_acls)) != 0)
    extra.xattr_digest =
        xattr_digest(is_origin ? dir.xattrs() : dir.xattrs_at(on_disk), options_.rules.attributes);
  if (entry.type == fs::FileType::symlink) extra.link_target = dir.read_link(on_disk);
  if (extra.xattr_digest != hash::Digest{} || !extra.link_target.empty()) {
    Extra& kept = node.make_extra(entry);
    kept.xattr_digest = extra.xattr_digest;
    kept.link_target = extra.link_target;
  }
  const bool suspect = stored != nullptr && entry.type == fs::FileType::regular &&
                       stored->stat.type == entry.type && stored->stat.size_bytes == entry.size_bytes &&
                       stored->stat.mtime_ns == entry.mtime_ns;
  if (take_announced(node, entry, stored, reader)) return;
  if (suspect && options_.verify_suspects) verify(node, entry, *stored, reader);
}

/// What is found is known from then on, also to those with whom it is settled later; of larger files the
/// index sees to that.
void Scanner::set_deviating(DirNode& node, Entry& entry, const manifest::Manifest& fresh) {
  node.make_extra(entry).deviating_content = fresh.root();
  const bool is_single =
      fresh.chunks.size() < 2 && (fresh.chunks.empty() || fresh.chunks[0].repeat_count == 1);
  if (is_single) node.set_content(entry, single_content(fresh));
}

/// Size and mtime are as recorded, but the inode changed meanwhile: only the content can tell.
void Scanner::verify(DirNode& node, Entry& entry, const state::StoredEntry& stored, state::Reader& reader) {
  manifest::Manifest old;
  old.params = manifest::params_for_size(entry.size_bytes);
  old.size_bytes = entry.size_bytes;
  if (!stored.content) {
    const auto file = replica_.open_read(node, entry);
    const auto fresh = chunk::import_file(*file, entry.size_bytes, old.params, replica_.key(), 1);
    read_bytes_ += entry.size_bytes;
    return set_deviating(node, entry, fresh);
  }
  if (stored.only_chunk) {
    old.chunks.push_back(*stored.only_chunk);
  } else if (stored.manifest_id != 0) {
    auto found = reader.manifest(stored.manifest_id);
    if (!found) return;
    old = std::move(*found);
  }
  const auto file = replica_.open_read(node, entry);
  const auto fresh = chunk::rescan_file(*file, entry.size_bytes, old, replica_.key(), 1);
  read_bytes_ += entry.size_bytes;
  if (fresh.root() != *stored.content) return set_deviating(node, entry, fresh);
  const bool is_left = is_unsettled_ctime(stored.stat.ctime_ns);  // known by now, but to this side alone
  if (is_left) node.make_extra(entry).deviating_content = fresh.root();
  else entry.edited = false;  // metadata may have moved; the content did not
  Content content;
  content.single = stored.only_chunk.has_value() || entry.size_bytes == 0;
  content.id = stored.only_chunk ? stored.only_chunk->id : *stored.content;
  if (stored.only_chunk) content.quick = stored.only_chunk->quick;
  content.manifest_id = stored.manifest_id;
  node.set_content(entry, content);
}

}  // namespace syncline::sync
