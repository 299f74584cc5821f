// SPDX-License-Identifier: Apache-2.0
// The file of a state that one session has for itself while another one writes the original.
#pragma once

#include <memory>
#include <string>

#include "state/schema.hpp"

namespace syncline::state {

/// The file of the snapshot with this number, from 1 to limits::state_snapshots_max.
std::string snapshot_path(const std::string& original, int number);

/// PATH.snapshot-N, a copy of what is committed in PATH; removed with this object. The lock
/// PATH.snapshot-N.lock tells whether somebody has it, and what a killed process left is taken over with its
/// number.
class SnapshotFile {
 public:
  /// Empty where the original is damaged or not there. Throws Error(locked) when every number is taken.
  explicit SnapshotFile(const std::string& original);
  SnapshotFile(SnapshotFile&&) noexcept = default;
  SnapshotFile& operator=(SnapshotFile&&) = delete;
  ~SnapshotFile();

  const std::string& path() const { return path_; }
  /// Every connection to them must be closed.
  void remove_files() const;

 private:
  std::string path_;
  std::unique_ptr<WriteLock> lock_;  ///< none: moved from
};

}  // namespace syncline::state
