// SPDX-License-Identifier: Apache-2.0
// What is mounted in a source that is followed.
#pragma once

#include <string>
#include <vector>

#include "fs/mount_table.hpp"
#include "sync/replica.hpp"
#include "sync/selector.hpp"

namespace syncline::sync {

/// Where nothing is mounted any more the tree shows an empty directory, and what was there seems to be
/// deleted. For one thread and one session.
class SourceMounts {
 public:
  /// `before`: paths at which something was mounted when both sides were in step. Looks for the first time;
  /// `replica`, that is not composed, lives longer.
  SourceMounts(Replica& replica, std::vector<std::string> before);

  /// Looks again. False where something that was mounted was not, now or at another look. Costs reading the
  /// table of mounts.
  bool is_whole();
  /// Of what is_whole() missed, the first; empty where that is nothing.
  const std::string& missing() const { return missing_; }
  /// What is mounted as far as it takes part, ascending; none where its paths together pass
  /// limits::mount_names_bytes_max.
  std::vector<std::string> mounted(const Selector* selector) const;

 private:
  Replica& replica_;
  const std::vector<std::string> before_;
  fs::MountTable table_;
  std::vector<std::string> now_;
  std::string missing_;
};

}  // namespace syncline::sync
