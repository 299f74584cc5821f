// SPDX-License-Identifier: Apache-2.0
// Quick identity: what makes two entries "the same" without reading content, and digests over it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "sync/tree.hpp"
#include "wire/messages.hpp"

namespace syncline::sync {

/// What users and groups of the sender's tree are at the receiver, where that is not the same number.
/// Bounded: beyond limits::owners_max of either it forgets what it knew.
class OwnerMap {
 public:
  struct Group {
    std::uint32_t id = 0;
    bool settable = true;  ///< else files keep the group they have, and new ones mostly get `id`
    bool operator==(const Group&) const = default;
  };
  std::uint32_t user(std::uint32_t uid) const;
  std::uint32_t group(std::uint32_t gid) const;
  bool is_settable(std::uint32_t gid) const;
  void set_user(std::uint32_t uid, std::uint32_t there);
  void set_group(std::uint32_t gid, const Group& there);
  const std::map<std::uint32_t, std::uint32_t>& users() const { return users_; }
  const std::map<std::uint32_t, Group>& groups() const { return groups_; }
  /// For digests of what decides; nothing for an empty one.
  void write(ByteWriter& out) const;
  bool operator==(const OwnerMap&) const = default;

 private:
  std::map<std::uint32_t, std::uint32_t> users_;
  std::map<std::uint32_t, Group> groups_;
};

/// Attribute bits (wire::Attribute) that take part, and an owner that replaces the found one.
struct IdentityRules {
  std::uint32_t attributes = 0;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  OwnerMap owners = {};  ///< of the sender
  bool operator==(const IdentityRules&) const = default;

  std::uint32_t uid_there(std::uint32_t uid_here) const { return uid ? *uid : owners.user(uid_here); }
  /// As roots count it.
  std::uint32_t gid_there(std::uint32_t gid_here) const { return owners.group(gid.value_or(gid_here)); }
  /// As entries are compared and set: wire::any_group where it cannot be set.
  std::uint32_t gid_wanted(std::uint32_t gid_here) const {
    const auto wanted = gid.value_or(gid_here);
    return owners.is_settable(wanted) ? owners.group(wanted) : wire::any_group;
  }
};

/// Digest over the extended attributes that take part; zero when there are none.
hash::Digest xattr_digest(const std::vector<fs::XattrPair>& pairs, std::uint32_t attributes);
/// The pairs that take part.
std::vector<fs::XattrPair> selected_xattrs(std::vector<fs::XattrPair> pairs, std::uint32_t attributes);

/// BLAKE3 over the entries of one directory, without what lies below its subdirectories.
hash::Digest shallow_digest(const DirNode& node, const IdentityRules& rules);
/// Keyed digest over every stat field: equal to the recorded one means that nothing moved.
hash::QuickHash fingerprint(const DirNode& node, const IdentityRules& rules, const hash::QuickKey& key,
                            Bytes& scratch);
/// Fills in DirNode::tree bottom-up.
void compute_tree_digests(DirNode& node);
/// The digest that says it all: the tree, the root directory's own attributes and the hard links.
hash::Digest tree_root(const Tree& tree, const IdentityRules& rules);
/// The same as if the entries at `left` (paths, each with all that is below it) were not there. The digests
/// of the tree must be up to date, and what is in directories with such entries loaded.
hash::Digest tree_root_without(const Tree& tree, const IdentityRules& rules,
                               const std::set<std::string>& left);

/// An entry as it is shown to the other side.
wire::EntryInfo entry_info(const DirNode& node, const Entry& entry, const IdentityRules& rules);
wire::EntryInfo stored_info(const state::StoredEntry& stored, const IdentityRules& rules);

/// Differences of one entry, for the decision and for the itemized line.
struct Difference {
  bool type = false;
  bool content = false;  ///< size, link target, device numbers, known content
  bool size = false;
  bool time = false;
  bool mode = false;
  bool owner = false;
  bool group = false;
  bool acl = false;
  bool xattr = false;
  bool attributes() const { return time || mode || owner || group || acl || xattr; }
};
Difference compare(const wire::EntryInfo& local, const wire::EntryInfo& remote, std::uint32_t attributes);

/// rsync's eleven characters. `update`: '>' transfer, 'c' local change, 'h' hard link, '.' attributes only.
std::string itemize(char update, fs::FileType type, bool is_new, const Difference& difference,
                    std::uint32_t attributes);

}  // namespace syncline::sync
