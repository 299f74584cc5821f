// SPDX-License-Identifier: Apache-2.0
// What the kernel tells of changes in directories.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fs/fs.hpp"

namespace syncline::fs {

struct DirChange {
  enum class Kind : std::uint8_t {
    written,     ///< content of an entry, by somebody who has it open still
    closed,      ///< an entry that was open for writing
    made,        ///< an entry that was not there
    gone,        ///< an entry that is removed
    moved_away,  ///< an entry; the one that arrived elsewhere has the same cookie
    moved_here,
    attributes,  ///< of an entry or of the directory itself
    left,        ///< the directory itself is removed: nothing more comes of it
    unmounted,   ///< likewise, for its file system is; another one, or the same again, may be there by now
    overflow,    ///< changes anywhere were lost
  };
  Kind kind = Kind::overflow;
  int watch = -1;  ///< the number of the directory; -1 for an overflow
  bool is_dir = false;
  std::uint32_t cookie = 0;
  std::string name;  ///< of the entry; empty for the directory itself
};

/// Watches directories, each by itself and without those below it. For one thread but for wake().
class DirWatch {
 public:
  virtual ~DirWatch() = default;
  /// From now on. The same directory gives the same number, by whatever name it was opened. Throws
  /// Error(ENOSPC) where the system's limit of watches is reached.
  virtual int add(const Dir& dir) = 0;
  /// One that is gone already is no error.
  virtual void remove(int watch) noexcept = 0;
  /// Until there is a change to be read, at most `limit`; false when there is none, also after a signal or
  /// wake().
  virtual bool wait(std::chrono::milliseconds limit) = 0;
  /// Ends a wait() that goes on, or the next one; from any thread.
  virtual void wake() noexcept = 0;
  /// Can be read when there is a change to be read; -1 where there is no such descriptor.
  virtual int descriptor() const { return -1; }
  /// What has come so far, in order; does not wait.
  virtual std::vector<DirChange> read() = 0;
};

/// inotify. Throws Error(EMFILE) where the system's limit of instances is reached.
std::unique_ptr<DirWatch> watch_dirs();

/// fanotify with a mark on each file system that has one of the directories in it: no limit of watches, but
/// the kernel tells of everything that happens on them, of which only these directories are handed on. Throws
/// Error where that is not allowed (it needs CAP_SYS_ADMIN) or where `root`'s file system does not tell of an
/// event that is made to find out.
std::unique_ptr<DirWatch> watch_file_systems(const Dir& root);

}  // namespace syncline::fs
