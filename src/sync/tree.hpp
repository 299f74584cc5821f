// SPDX-License-Identifier: Apache-2.0
// A replica's tree in memory: what a scan found, compactly (about 90 bytes an entry).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/relpath.hpp"
#include "fs/fs.hpp"
#include "hash/digest.hpp"
#include "state/state.hpp"

namespace syncline::sync {

/// Of a directory's mode: its owner may see what is in it.
constexpr bool may_look_into(std::uint32_t mode) { return (mode & 0500) == 0500; }

/// What few entries have: link target, xattrs, device numbers, a content that differs from its stat.
struct Extra {
  hash::Digest xattr_digest;
  std::string link_target;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  /// Set when size and mtime stayed but the content did not, and for what came in a session that broke off:
  /// until both sides agree the content is part of the identity.
  std::optional<hash::Digest> deviating_content;
  bool empty() const {
    return xattr_digest == hash::Digest{} && link_target.empty() && device_major == 0 && device_minor == 0 &&
           !deviating_content;
  }
};

/// What is known of a regular file's content: 64 bytes. A file of one chunk keeps that chunk here, others
/// their manifest root and the state's manifest row.
struct Content {
  hash::Digest id;  ///< single: the chunk's id; else the manifest root
  hash::QuickHash quick;
  state::ManifestId manifest_id = 0;
  bool single = false;
};

struct Entry {
  std::uint32_t content = 0;  ///< index into DirNode::contents plus one; 0: unknown
  std::uint32_t name_offset = 0;
  std::uint16_t name_bytes = 0;
  fs::FileType type = fs::FileType::regular;
  bool edited : 1 = false;   ///< differs from the record although no run of ours changed it
  bool drifted : 1 = false;  ///< of a tracked replica: nothing says that it ever was the other side's
  bool brought : 1 = false;  ///< it came in this session, or in one before that came to no end
  std::uint16_t mode = 0;
  std::uint16_t origin = 0;  ///< index into ReplicaOptions::origins: where it is read from
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t link_count = 1;
  std::uint32_t extra = 0;  ///< index into DirNode::extras plus one; 0: none
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
};

/// That the other side left an entry as it is, beside this version of its own.
struct LeftBeside {
  std::string name;
  std::uint64_t version = 0;
};

/// One directory. Entries are sorted bytewise by name; children holds the directories among them in
/// the same order.
struct DirNode {
  DirNode* parent = nullptr;
  std::string name;  ///< empty for the root
  state::DirId id = 0;
  /// Of a composed replica: the origins that have this directory, the first of which owns it. Else empty.
  std::vector<std::uint16_t> origins;
  std::vector<Entry> entries;
  std::string names;
  std::vector<Extra> extras;
  std::vector<Content> contents;
  std::vector<std::unique_ptr<DirNode>> children;
  std::vector<LeftBeside> left;            ///< of entries that drifted and such that are absent; few
  std::vector<state::StoredEntry> absent;  ///< in the record and not on disk, in order; of a tracked replica
  hash::QuickHash fingerprint;
  hash::Digest shallow;
  hash::Digest tree;
  bool recorded = false;    ///< the fingerprint equals the record's: nothing in it moved
  bool detailed = false;    ///< extras and contents are filled in
  bool dirty = false;       ///< its record must be written anew
  bool unreadable = false;  ///< could not be listed: unknown, never empty
  /// Names that exist but could not be examined; "." for what one of several origins would have told.
  std::vector<std::string> unknown;

  std::string_view name_of(const Entry& entry) const {
    return std::string_view(names).substr(entry.name_offset, entry.name_bytes);
  }
  const Extra& extra_of(const Entry& entry) const;
  Extra& make_extra(Entry& entry);
  const Content* content_of(const Entry& entry) const {
    return entry.content == 0 ? nullptr : &contents[entry.content - 1];
  }
  void set_content(Entry& entry, const Content& content);
  Entry* find(std::string_view entry_name);
  const Entry* find(std::string_view entry_name) const {
    return const_cast<DirNode*>(this)->find(entry_name);
  }
  DirNode* child(std::string_view child_name) const;
  bool has_drift() const;  ///< among its own entries
  std::uint64_t left_version(std::string_view entry_name) const;
  void set_left_version(std::string_view entry_name, std::uint64_t version);  ///< 0: none
  /// Inserts or overwrites, keeping the order; an extra is dropped when `stat` is of another inode.
  Entry& put(std::string_view entry_name, const fs::Stat& stat);
  void erase(std::string_view entry_name);  ///< its child node too
  DirNode& add_child(std::string_view child_name);
  std::unique_ptr<DirNode> take_child(std::string_view child_name);
  void put_child(std::unique_ptr<DirNode> node, std::string_view child_name);
  RelPath path() const;
  std::string path_of(std::string_view entry_name) const;
};

/// Manifest root of a file of `size_bytes` whose content is known.
hash::Digest content_root(const Content& content, std::uint64_t size_bytes);
/// For a manifest of at most one chunk.
Content single_content(const manifest::Manifest& manifest);

fs::Stat stat_of(const Entry& entry, const Extra& extra);
void set_stat(Entry& entry, const fs::Stat& stat);

/// In place of a ctime in the records: the entry's content is not agreed upon (Extra::deviating_content), and
/// every scan is to see that.
inline std::int64_t unsettled(std::int64_t ctime_ns) { return -ctime_ns; }
inline bool is_unsettled_ctime(std::int64_t stored_ns) { return stored_ns < 0; }

/// A stable id of a directory for the state: its inode, made distinct between devices.
state::DirId dir_id(const fs::Stat& stat, std::uint64_t root_device);

struct Tree {
  std::unique_ptr<DirNode> root;
  fs::Stat root_stat;
  hash::Digest root_xattrs;
  std::uint16_t root_origin = 0;  ///< whose attributes the root has
  bool is_partial = false;        ///< only some entries of the root take part, its own attributes do not
  std::uint64_t file_count = 0;
  std::uint64_t entry_count = 0;
  std::uint64_t byte_count = 0;
  std::uint64_t content_read_bytes = 0;  ///< by verification of suspects
  /// Since the last commit a file was found to have an older mtime than in its record: whoever has not seen
  /// that one may have another content under this one.
  bool has_gone_back = false;

  DirNode* find_dir(const RelPath& path) const;
};

/// Depth-first, parents first.
template <class Node, class F>
void for_each_dir(Node& node, F&& visit) {
  visit(node);
  for (const auto& child : node.children) for_each_dir(static_cast<Node&>(*child), visit);
}

}  // namespace syncline::sync
