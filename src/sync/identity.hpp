// SPDX-License-Identifier: Apache-2.0
// Quick identity: what makes two entries "the same" without reading content, and digests over it.
#pragma once

#include <optional>
#include <string>

#include "sync/tree.hpp"
#include "wire/messages.hpp"

namespace syncline::sync {

/// Attribute bits (wire::Attribute) that take part, and an owner that replaces the found one.
struct IdentityRules {
  std::uint32_t attributes = 0;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
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
