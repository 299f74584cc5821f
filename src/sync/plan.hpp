// SPDX-License-Identifier: Apache-2.0
// The plan: what must be done to the other side so that its tree equals ours.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "sync/replica.hpp"
#include "syncline/copy.hpp"

namespace syncline::sync {

/// What the other side has under the name of a file that changed.
struct Base {
  std::uint64_t size_bytes = 0;
  std::uint64_t content = 0;  ///< first 8 bytes of its manifest root; 0: unknown
  bool attributes_differ = true;
  /// Nothing shows that the contents differ, or that they are equal: told when they are found to differ.
  mutable std::unique_ptr<ChangeEvent> untold;
  /// Our own record of that content, when we hold its manifest.
  std::optional<state::StoredEntry> stored;
};

struct Item {
  DirNode* node = nullptr;
  std::uint32_t entry = 0;  ///< index into node->entries
  std::int32_t base = -1;   ///< index into Plan::bases; -1: new
};

struct PlannedRename {
  std::string from;
  std::string to;
};
struct PlannedRemove {
  std::string path;
  bool directory = false;
  bool keep = false;     ///< as a whole, under another name
  bool drifted = false;  ///< over there it is not known to be ours
  bool edited = false;   ///< over there, since the last session
};
struct PlannedLink {
  std::string path;
  std::string existing;
};

/// In the order of execution; every list is in tree order, removals children first.
struct Plan {
  /// New directories, renames, and removals of what stands where something of another type must come; parents
  /// first.
  std::vector<std::variant<Item, PlannedRename, PlannedRemove>> structure;
  std::uint64_t make_way_count = 0;
  std::uint64_t rename_count = 0;
  std::vector<Item> others;  ///< symlinks and nodes
  std::vector<Item> files;
  std::vector<Item> metas;  ///< attributes only, no directories
  std::vector<PlannedLink> links;
  std::vector<PlannedRemove> removes;
  /// Directories that are to go, once what is in them is known: the receiver makes that possible, for the
  /// next session.
  std::vector<std::string> closed;
  std::vector<DirNode*> dir_metas;  ///< directories whose attributes must be set at the end, deepest first
  std::vector<Base> bases;
  std::vector<state::ManifestId> dropped_manifests;
  std::vector<wire::Left::Entry> left;  ///< what stays over there although it is not ours
  bool needs_listings = false;          ///< nothing else: the records tell nothing of where directories were
  bool delete_limit_reached = false;
  std::uint64_t held_removes = 0;  ///< by the guard; not in `removes`
  std::vector<Item> held_files;    ///< the same, of `files`
  HeldPlan held;                   ///< the first of them, and of what max_delete keeps back, for a person
  std::uint64_t file_bytes = 0;
  std::uint64_t untold_count = 0;  ///< of `files`
  std::uint64_t untold_bytes = 0;
  bool empty() const {
    return structure.empty() && others.empty() && files.empty() && metas.empty() && links.empty() &&
           removes.empty() && closed.empty() && dir_metas.empty() && held_removes == 0 && held_files.empty();
  }
};

/// A directory of the other side as it was told. All lists are sorted by name.
struct RemoteDir {
  std::vector<wire::EntryInfo> entries;
  std::vector<std::string> gone;  ///< partial listings only
  std::vector<std::string> unknown;
  std::vector<wire::EntryInfo> absent;  ///< what others removed; partial: also in `gone`
  bool whole = false;                   ///< the entries are all that is there

  const wire::EntryInfo* find(std::string_view name) const;
  bool is_gone(std::string_view name) const;
  bool is_unknown(std::string_view name) const;
  const wire::EntryInfo* find_absent(std::string_view name) const;
};
using RemoteDirs = std::unordered_map<std::string, RemoteDir>;

/// In what is left: of an entry that the sender has not.
inline constexpr std::uint64_t no_version = 1;

struct PlanOptions {
  const CopyOptions* copy = nullptr;
  const Selector* selector = nullptr;
  IdentityRules rules;
  DriftKeep keep = DriftKeep::none;  ///< what the receiver does with what drifted and has to go
  /// The other side equals our records but for `remote` (partial listings); otherwise `remote`
  /// holds whole directories, and those it lacks are equal to ours.
  bool from_records = false;
  bool remote_is_empty = false;
  bool incomplete = false;  ///< a source is missing: what it would have had must not be deleted
  bool may_open = false;    ///< another session follows: a directory that cannot be read may become readable
  bool is_content_hidden = false;  ///< equal sizes and times prove nothing where one content is not known
  std::function<void(const ChangeEvent&)> on_change;
  std::function<void(const ErrorEvent&)> on_error;
  /// Asked before anything is deleted: where it says no, all deletions are held.
  std::function<bool()> source_is_whole = {};
};

/// Whether every directory of `drift` is the one that our records have under its path. What was changed over
/// there in a directory that we moved or removed, or that was put in its place, cannot be compared by
/// records.
bool is_in_place(Replica& replica, const RemoteDirs& drift);
/// Whether a directory stands where our records have another one: that one may be anywhere by now, or
/// nowhere, and records do not tell what of it is still over there.
bool has_replaced_dirs(Replica& replica);
/// Whether the tree has a name that our records have not: where the other side holds entries of its own (no
/// --delete), one of them may stand there.
bool has_new_names(Replica& replica);

/// Compares the replica's tree with what the other side has. Needs no I/O but the records.
Plan make_plan(Replica& replica, const RemoteDirs& remote, const wire::EntryInfo& remote_root,
               const PlanOptions& options);

}  // namespace syncline::sync
