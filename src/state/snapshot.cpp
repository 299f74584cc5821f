// SPDX-License-Identifier: Apache-2.0
// Copies of a state database, with SQLite's own backup: it sees whole commits.
#include "state/snapshot.hpp"

#include <sqlite3.h>

#include "base/limits.hpp"
#include "state/schema.hpp"

namespace syncline::state {
namespace {

/// Nothing where another session has it.
std::unique_ptr<WriteLock> try_lock(const std::string& path) {
  try {
    return std::make_unique<WriteLock>(path);
  } catch (const Error& error) {
    if (!error.is(Errc::locked)) throw;
    return nullptr;
  }
}

void copy_committed(const std::string& from, const std::string& to) {
  const Connection source(from, Connection::Mode::read_only);
  const Connection target(to, Connection::Mode::read_write);
  sqlite3_backup* backup = sqlite3_backup_init(target.raw(), "main", source.raw(), "main");
  if (backup == nullptr) target.fail(sqlite3_errcode(target.raw()), "snapshot");
  sqlite3_backup_step(backup, -1);
  // It gives what the step met.
  const int rc = sqlite3_backup_finish(backup);
  if (rc != SQLITE_OK) source.fail(rc, "snapshot");
}

}  // namespace

std::string snapshot_path(const std::string& original, int number) {
  return original + ".snapshot-" + std::to_string(number);
}

SnapshotFile::SnapshotFile(const std::string& original) {
  for (int n = 1; n <= limits::state_snapshots_max && lock_ == nullptr; ++n) {
    path_ = snapshot_path(original, n);
    lock_ = try_lock(path_);
  }
  if (lock_ == nullptr)
    throw Error(Errc::locked, "state database " + escape_name(original) + ": " +
                                  std::to_string(limits::state_snapshots_max) +
                                  " sessions read beside the one that writes it; try again later");
  remove_files();
  create_missing(path_);
  try {
    copy_committed(original, path_);
  } catch (const Error& error) {
    if (!error.is(Errc::corrupt) && !error.is_errno(ENOENT)) throw;
    remove_files();
    create_missing(path_);
  }
}

SnapshotFile::~SnapshotFile() {
  if (lock_ == nullptr) return;
  try {
    remove_files();
  } catch (const Error&) {
    // The next session that takes this number removes them.
  }
}

void SnapshotFile::remove_files() const { remove_database_files(path_); }

}  // namespace syncline::state
