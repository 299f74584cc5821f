// SPDX-License-Identifier: Apache-2.0
// The metadata of an entry that syncline keeps in step, and how it is put onto a file.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fs/fs.hpp"

namespace syncline::fs {

/// What is to be set; an absent member is left as the file system made it (new entries) or as it
/// was (existing ones). POSIX ACLs travel as the xattrs system.posix_acl_access and _default.
struct Metadata {
  std::optional<std::uint32_t> mode;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::optional<std::int64_t> mtime_ns;
  std::optional<std::vector<XattrPair>> xattrs;  ///< the full wanted set, sorted by name
};

/// Applies `wanted` in the order owner, xattrs, mode, mtime (a later step would undo an earlier
/// one otherwise: chown clears setuid, ACLs change the mode). Attributes that are right already
/// (by `current`, if given) cost no call. Throws at the first failure.
void apply_metadata(File& file, const Metadata& wanted, const Stat* current);
void apply_metadata(Dir& dir, const Metadata& wanted, const Stat* current);
/// For symlinks and nodes; the mode of a symlink is ignored.
void apply_metadata_at(Dir& dir, const std::string& name, FileType type, const Metadata& wanted,
                       const Stat* current);

}  // namespace syncline::fs
