// SPDX-License-Identifier: Apache-2.0
// What a watch remembers while it does not run.
#pragma once

#include <string>
#include <vector>

#include "control/places.hpp"
#include "fs/fs.hpp"
#include "syncline/copy.hpp"

namespace syncline::cli {

/// What must not be forgotten by ending a watch and starting it again.
struct Remembered {
  bool holds_deletions = false;
  bool holds_changes = false;
  std::vector<std::string> mounts = {};  ///< paths below SRC at which file systems were when it was in step
  bool operator==(const Remembered&) const = default;
  /// To those that are known already; not where all together pass limits::mount_names_bytes_max, as much as
  /// whoever sends takes.
  void add_mounts(const std::vector<std::string>& more);
};

/// Of a watch, however its DST was typed.
std::string memory_name(fs::Fs& files, const CopyOptions& options, control::Watched watched);

/// A file of its own in STATE/watches for each name.
class WatchMemory {
 public:
  /// Reads it. One that cannot be understood holds everything: it may have said so.
  WatchMemory(fs::Fs& files, const std::string& state_dir, const std::string& name);

  const Remembered& remembered() const { return remembered_; }
  /// Written where it is another one. Throws an errno.
  void remember(Remembered now);

 private:
  fs::Fs& files_;
  const std::string directory_;
  const std::string name_;
  Remembered remembered_;
};

}  // namespace syncline::cli
