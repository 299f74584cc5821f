// SPDX-License-Identifier: Apache-2.0
// What is mounted below a directory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fs/fd.hpp"
#include "fs/fs.hpp"

namespace syncline::fs {

/// The mount points of this process, of which no event of a directory tells. For one thread.
class MountTable {
 public:
  MountTable();

  /// Something was mounted or unmounted, anywhere, since the last below(). One system call. Never where the
  /// system does not tell.
  bool has_changed() const;
  /// Relative paths of the mount points below `dir`, ascending. None where it cannot be found out. Costs
  /// reading the whole table.
  std::vector<std::string> below(const Dir& dir);

 private:
  Fd fd_;  ///< none: there is no table to be read
};

/// Of /proc/PID/mountinfo: the mount points below `top`, an absolute path, without it.
std::vector<std::string> mount_points(std::string_view table, const std::string& top);

}  // namespace syncline::fs
