// SPDX-License-Identifier: Apache-2.0
// What is known of the content of files, and what is settled of it.
#include "sync/replica.hpp"

namespace syncline::sync {

void Replica::record_content(DirNode& node, Entry& entry, const manifest::Manifest& manifest,
                             state::ManifestId replaces) {
  if (node.extra_of(entry).deviating_content) node.make_extra(entry).deviating_content = manifest.root();
  node.dirty = true;
  manifests_.drop(replaces);
  const bool single =
      manifest.chunks.empty() || (manifest.chunks.size() == 1 && manifest.chunks[0].repeat_count == 1);
  if (single) {
    if (replaces != 0) writer().erase_manifest(replaces);
    node.set_content(entry, single_content(manifest));
    return;
  }
  Content content;
  content.id = manifest.root();
  content.manifest_id = writer().put_manifest(manifest, replaces);
  node.set_content(entry, content);
}

void Replica::keep_manifest(const DirNode& node, const Entry& entry, manifest::Manifest&& manifest) {
  const auto* content = node.content_of(entry);
  if (!is_followed() || content == nullptr || content->manifest_id == 0) return;
  manifests_.put(content->manifest_id, content->id, std::move(manifest));
}

SharedManifest Replica::manifest_of(const Content& content, std::uint64_t size_bytes) {
  if (content.single) {
    manifest::Manifest out;
    out.params = manifest::params_for_size(size_bytes);
    out.size_bytes = size_bytes;
    if (size_bytes != 0)
      out.chunks.push_back({content.id, content.quick, static_cast<std::uint32_t>(size_bytes), 1});
    return std::make_shared<const manifest::Manifest>(std::move(out));
  }
  if (content.manifest_id == 0) return nullptr;
  if (auto kept = manifests_.find(content.manifest_id, content.id)) return kept;
  auto read = content_reader().manifest(content.manifest_id);
  return read ? std::make_shared<const manifest::Manifest>(*std::move(read)) : nullptr;
}

SharedManifest Replica::manifest_of(const state::StoredEntry& stored) {
  if (!stored.content) return nullptr;
  Content content;
  content.single = stored.only_chunk.has_value() || stored.stat.size_bytes == 0;
  content.id = *stored.content;
  if (stored.only_chunk) {
    content.id = stored.only_chunk->id;
    content.quick = stored.only_chunk->quick;
  }
  content.manifest_id = stored.manifest_id;
  return manifest_of(content, stored.stat.size_bytes);
}

void Replica::drop_manifest(state::ManifestId id) {
  if (id == 0) return;
  manifests_.drop(id);
  writer().erase_manifest(id);
}

void Replica::settle_deviations(const std::function<bool(const std::string& path)>& is_left) {
  const std::lock_guard lock(mutex_);
  bool found = tree_.has_gone_back;
  for_each_dir(*tree_.root, [&](DirNode& node) {
    if (node.extras.empty()) return;
    for (Entry& entry : node.entries) {
      if (!node.extra_of(entry).deviating_content) continue;
      if (is_left && is_left(node.path_of(node.name_of(entry)))) continue;
      node.make_extra(entry).deviating_content.reset();
      node.dirty = found = true;
    }
  });
  if (found) note_hidden();
}

/// Of a source: all its destinations but the one of this session may have it still under the same times.
void Replica::note_hidden() {
  tree_.has_gone_back = false;
  if (!options_.is_source) return;
  std::uint64_t count = 0;
  if (const auto known = database_->value("hidden")) count = ByteReader(*known, "state: hidden").u64();
  hidden_.emplace();
  ByteWriter(*hidden_).u64(count + 1);
  writer().put_value("hidden", *hidden_);
}

void Replica::unsettle_brought() {
  const std::lock_guard lock(mutex_);
  for_each_brought([](DirNode& node, Entry& entry) {
    if (const Content* content = node.content_of(entry))
      node.make_extra(entry).deviating_content = content_root(*content, entry.size_bytes);
  });
}

void Replica::settle_brought() {
  const std::lock_guard lock(mutex_);
  for_each_brought([](DirNode&, Entry&) {});
}

template <class F>
void Replica::for_each_brought(F&& visit) {
  for_each_dir(*tree_.root, [&](DirNode& node) {
    if (!node.dirty) return;
    for (Entry& entry : node.entries) {
      if (!entry.brought) continue;
      entry.brought = false;
      visit(node, entry);
    }
  });
}

}  // namespace syncline::sync
