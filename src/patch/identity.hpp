// SPDX-License-Identifier: Apache-2.0
// Whether a file is still the one that was seen before.
#pragma once

#include "fs/fs.hpp"

namespace syncline::patch {

/// Same file, untouched: reading it or taking a lease moves none of these, writing and chmod do.
/// The ctime of a file with several names also moves when one of the others is made or replaced,
/// which happens in any sync of hard links: there the mtime has to do.
inline bool same_identity(const fs::Stat& a, const fs::Stat& b) {
  const bool several_names = a.link_count > 1 || b.link_count > 1;
  return a.type == b.type && a.device == b.device && a.inode == b.inode && a.size_bytes == b.size_bytes &&
         a.mtime_ns == b.mtime_ns && (several_names || a.ctime_ns == b.ctime_ns);
}

}  // namespace syncline::patch
