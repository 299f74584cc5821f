// SPDX-License-Identifier: Apache-2.0
// What a session of ours that came to no end was to make, found in the tree: it is not what others made.
#include <algorithm>

#include "chunk/chunker.hpp"
#include "chunk/rescan.hpp"
#include "sync/scanner.hpp"

namespace syncline::sync {

/// An entry that is as it was announced is not others'. Nor is it agreed upon: what it was read from may have
/// changed since. A regular file has to have the content, whoever had it in hand since then: its times prove
/// nothing.
bool Scanner::take_announced(DirNode& node, Entry& entry, const state::StoredEntry* stored,
                             state::Reader& reader) {
  if (replica_.announced().empty()) return false;
  auto found = replica_.announced().find(node.path_of(node.name_of(entry)));
  std::erase_if(found, [&](const state::Announced* one) {
    const bool is_other =
        one->gone || one->type != entry.type || (one->inode != 0 && one->inode != entry.inode);
    return is_other || (entry.type == fs::FileType::regular && one->size_bytes != entry.size_bytes);
  });
  if (found.empty()) return false;
  const auto has = [&](const hash::Digest& content) {
    return std::ranges::any_of(found, [&](const auto* one) { return one->content == content; });
  };
  if (entry.type == fs::FileType::symlink) {
    entry.brought = has(hash::blake3(as_bytes(node.extra_of(entry).link_target)));
  } else if (entry.type == fs::FileType::regular) {
    const auto fresh = content_on_disk(node, entry, stored, reader);
    entry.brought = fresh && has(fresh->root());
    if (entry.brought) record_announced(node, entry, *fresh, stored != nullptr ? stored->manifest_id : 0);
  } else {
    entry.brought = true;
  }
  if (entry.brought) entry.edited = false;
  return entry.brought;
}

/// Nothing where it cannot be read.
std::optional<manifest::Manifest> Scanner::content_on_disk(DirNode& node, const Entry& entry,
                                                           const state::StoredEntry* stored,
                                                           state::Reader& reader) {
  const auto size = entry.size_bytes;
  std::optional<manifest::Manifest> old;
  if (stored != nullptr && stored->manifest_id != 0) old = reader.manifest(stored->manifest_id);
  try {
    const auto file = replica_.open_read(node, entry);
    read_bytes_ += size;
    if (old) return chunk::rescan_file(*file, size, *old, replica_.key(), 1);
    return chunk::import_file(*file, size, manifest::params_for_size(size), replica_.key(), 1);
  } catch (const Error& error) {
    if (!error.is(Errc::changed) && error.code().category() != std::generic_category()) throw;
    return std::nullopt;
  }
}

void Scanner::record_announced(DirNode& node, Entry& entry, const manifest::Manifest& fresh,
                               state::ManifestId replaces) {
  const std::lock_guard lock(replica_.mutex());
  node.make_extra(entry).deviating_content = fresh.root();
  replica_.record_content(node, entry, fresh, replaces);
}

/// Removed by us, or moved away: its record goes.
bool Scanner::has_gone(const DirNode& node, const state::StoredEntry& stored) {
  if (replica_.announced().empty()) return false;
  const auto found = replica_.announced().find(node.path_of(stored.name));
  if (std::ranges::none_of(found, &state::Announced::gone)) return false;
  const std::lock_guard lock(replica_.mutex());
  replica_.drop_manifest(stored.manifest_id);
  return true;
}

}  // namespace syncline::sync
