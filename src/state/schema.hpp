// SPDX-License-Identifier: Apache-2.0
// The file of a state database: its creation, its check at opening, its lock, its setting aside.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "state/sqlite.hpp"

namespace syncline::state {

/// The directory of a path and the last component.
struct SplitPath {
  std::string directory;
  std::string name;
};
SplitPath split_path(const std::string& path);

/// Creates an empty file of mode 0600 at `path`, and its directory with 0700, where they are missing.
void create_missing(const std::string& path);

/// Behind PATH: the file of announcements.
inline const std::string announced_suffix = ".announced";

/// Removes PATH, PATH-wal, PATH-shm and PATH.announced where they are there, not the lock. No connection may
/// be open.
void remove_database_files(const std::string& path);

/// Renames PATH, PATH-wal and PATH-shm to PATH.corrupt-N (-wal, -shm) with the first N that is free;
/// returns the new name of the first.
std::string set_aside_files(const std::string& path);

/// Holds the lock of `path` against other writers as long as it lives, in this process and others: an
/// exclusive transaction on the empty database PATH.lock. The database itself cannot serve, since its lock
/// is free between transactions.
class WriteLock {
 public:
  /// Throws Error(locked).
  explicit WriteLock(const std::string& path);

  void give_back();
  /// After give_back(). False where the lock was removed meanwhile, and with it what it is for. Throws
  /// Error(locked).
  bool take_again();

 private:
  bool is_in_place() const;

  std::unique_ptr<Connection> connection_;
  std::uint64_t inode_ = 0;
};

/// The inode that `path` leads to, 0 where there is none.
std::uint64_t inode_of(const std::string& path);

/// Opens a state database, creating its tables when the file is empty. Throws Error(corrupt) for
/// damage, Error(unsupported) for a newer format, Error(foreign) for another program's database.
Connection open_checked(const std::string& path, Connection::Mode mode);

}  // namespace syncline::state
