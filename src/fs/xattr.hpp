// SPDX-License-Identifier: Apache-2.0
// Private to src/fs: extended attributes of an open file or of a name in an open directory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fs/fs.hpp"

namespace syncline::fs {

/// What the calls act on: an open file, or an entry of an open directory, which is not followed. `name` must
/// outlive it.
struct XattrTarget {
  int fd = -1;
  bool is_entry = false;    ///< `name` in the directory `fd`; else `fd` itself
  const std::string& name;  ///< of an open file: for messages

  static XattrTarget of_fd(int fd, const std::string& name) { return {fd, false, name}; }
  static XattrTarget of_entry(int dir_fd, const std::string& name) { return {dir_fd, true, name}; }
  /// Of an entry, for the calls that know paths only: /proc/self/fd/N/NAME, so NAME alone is looked up and
  /// /proc must be mounted; O_PATH descriptors take no xattr calls.
  std::string path() const;
};

/// The attributes that are kept in step, sorted by name; empty where the file system has none.
///  - user.* and the POSIX ACLs system.posix_acl_access and system.posix_acl_default always;
///  - security.* and trusted.* when the effective user is root, without the labels that each
///    machine's own policy computes (selinux, SMACK64*, apparmor, ima, evm) and without
///    trusted.SGI_ACL_*, under which XFS lists the same ACLs a second time;
///  - no other system.* (NFSv4 ACLs and the like are views of something else).
/// Throws Error(limit_exceeded) past limits::xattr_bytes_max or limits::xattr_count_max.
std::vector<XattrPair> read_xattrs(const XattrTarget& target);
void write_xattr(const XattrTarget& target, const std::string& xattr, ByteView value);
/// An attribute that is not there is no error.
void erase_xattr(const XattrTarget& target, const std::string& xattr);

/// The choice described at read_xattrs.
bool is_synced_xattr(std::string_view xattr, bool privileged);

}  // namespace syncline::fs
