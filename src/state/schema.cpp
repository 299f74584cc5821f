// SPDX-License-Identifier: Apache-2.0
// Schema of the state database (docs/format/state.md) and what may be wrong with its file.
#include "state/schema.hpp"

#include <array>
#include <cerrno>

#include "base/limits.hpp"
#include "fs/fs.hpp"

namespace syncline::state {
namespace {

constexpr std::int64_t application_id = 0x534C7374;  // "SLst"
constexpr std::int64_t format_version = 1;
constexpr int set_aside_max = 9999;
/// A commit writes whole pages, and a small change of a large file reaches some ten rows
/// (docs/decisions/0016-pages-of-a-state.md).
constexpr int page_bytes = 1024;

struct Table {
  const char* name;
  const char* sql;
};
// Compared with the file's own text at opening: a schema that was damaged in place is found.
constexpr std::array tables{
    Table{"dir", "CREATE TABLE dir(dir_id INTEGER PRIMARY KEY, head BLOB NOT NULL)"},
    Table{"manifest", "CREATE TABLE manifest(manifest_id INTEGER PRIMARY KEY, head BLOB NOT NULL)"},
    Table{"part", "CREATE TABLE part(part_id INTEGER PRIMARY KEY, body BLOB NOT NULL)"},
    Table{"value", "CREATE TABLE value(key BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID"},
};

std::int64_t table_count(Connection& connection) {
  return connection.integer("SELECT count(*) FROM sqlite_schema");
}

/// One sync of the finished file instead of one for every step of its making: a file that a power
/// loss leaves half-made is found to be damaged, and nothing is in it yet.
void create_tables(Connection& connection) {
  connection.exec("PRAGMA synchronous=OFF");
  connection.exec(("PRAGMA page_size=" + std::to_string(page_bytes)).c_str());
  if (connection.text("PRAGMA journal_mode=WAL") != "wal")
    throw Error(Errc::unsupported, "state database " + escape_name(connection.path()) +
                                       ": its file system has no shared memory for a write-ahead log");
  connection.exec("BEGIN IMMEDIATE");
  for (const auto& table : tables) connection.exec(table.sql);
  connection.exec(("PRAGMA application_id=" + std::to_string(application_id)).c_str());
  connection.exec(("PRAGMA user_version=" + std::to_string(format_version)).c_str());
  connection.exec("COMMIT");
  connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  connection.sync(Connection::Part::database);
  fs::linux_fs().open_root(split_path(connection.path()).directory)->sync();
}

bool has_our_tables(Connection& connection) {
  return connection.integer(
             "SELECT count(*) FROM sqlite_schema WHERE name IN ('dir','manifest','part','value')") ==
         static_cast<std::int64_t>(tables.size());
}

void check_tables(Connection& connection) {
  for (const auto& table : tables) {
    const auto sql = connection.text(
        (std::string("SELECT coalesce(max(sql),'') FROM sqlite_schema WHERE name='") + table.name + "'")
            .c_str());
    if (sql != table.sql) connection.fail_corrupt(std::string("table ") + table.name + " is not as created");
  }
}

void check_format(Connection& connection) {
  const auto path = escape_name(connection.path());
  if (connection.integer("PRAGMA application_id") != application_id && !has_our_tables(connection))
    throw Error(Errc::foreign,
                path + " is a database of another program; nothing was changed. Name another path");
  const auto version = connection.integer("PRAGMA user_version");
  if (version > format_version)
    throw Error(Errc::unsupported,
                "state database " + path + " has format " + std::to_string(version) + " of a newer syncline");
  if (version != format_version || connection.integer("PRAGMA application_id") != application_id)
    connection.fail_corrupt("header");
  check_tables(connection);
}

void rename_if_there(fs::Dir& dir, const std::string& from, const std::string& to) {
  if (dir.stat_at(from)) dir.rename(from, dir, to);
}

/// False where the name is taken.
bool try_rename_new(fs::Dir& dir, const std::string& from, const std::string& to) {
  try {
    dir.rename_new(from, dir, to);
    return true;
  } catch (const Error& error) {
    if (error.is_errno(EEXIST)) return false;
    throw;
  }
}

}  // namespace

SplitPath split_path(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

void create_missing(const std::string& path) {
  const auto split = split_path(path);
  auto& system = fs::linux_fs();
  if (!system.stat_path(split.directory, true)) system.make_dirs(split.directory, 0700);
  const auto dir = system.open_root(split.directory);
  if (dir->stat_at(split.name)) return;
  try {
    dir->create(split.name);
  } catch (const Error& error) {
    if (!error.is_errno(EEXIST)) throw;  // another process was faster
  }
}

void remove_database_files(const std::string& path) {
  const auto split = split_path(path);
  const auto dir = fs::linux_fs().open_root(split.directory);
  for (const auto& suffix : {std::string(), std::string("-wal"), std::string("-shm"), announced_suffix})
    if (dir->stat_at(split.name + suffix)) dir->unlink(split.name + suffix);
}

std::string set_aside_files(const std::string& path) {
  const auto split = split_path(path);
  const auto dir = fs::linux_fs().open_root(split.directory);
  for (int n = 1; n <= set_aside_max; ++n) {
    const auto name = split.name + ".corrupt-" + std::to_string(n);
    if (!try_rename_new(*dir, split.name, name)) continue;
    rename_if_there(*dir, split.name + "-wal", name + "-wal");
    rename_if_there(*dir, split.name + "-shm", name + "-shm");
    dir->sync();
    return split.directory == "/" ? "/" + name : path.substr(0, path.size() - split.name.size()) + name;
  }
  throw Error(EEXIST, escape_name(path) + ".corrupt-N: remove damaged copies that are no longer needed");
}

std::uint64_t inode_of(const std::string& path) {
  const auto stat = fs::linux_fs().stat_path(path, false);
  return stat ? stat->inode : 0;
}

WriteLock::WriteLock(const std::string& path) {
  const auto lock_path = path + ".lock";
  for (int attempt = 0; attempt < limits::dir_lock_attempts_max; ++attempt) {
    create_missing(lock_path);
    inode_ = inode_of(lock_path);
    connection_ = std::make_unique<Connection>(lock_path, Connection::Mode::read_write);
    connection_->exec("PRAGMA busy_timeout=0");
    connection_->exec("PRAGMA journal_mode=MEMORY");  // no file beside the lock
    connection_->exec("BEGIN EXCLUSIVE");
    if (is_in_place()) return;
  }
  throw Error(Errc::locked, escape_name(lock_path));
}

/// Who removes a database removes its lock too, and holds it meanwhile.
bool WriteLock::is_in_place() const { return inode_ != 0 && inode_of(connection_->path()) == inode_; }

void WriteLock::give_back() { connection_->exec("ROLLBACK"); }

bool WriteLock::take_again() {
  connection_->exec("BEGIN EXCLUSIVE");
  if (is_in_place()) return true;
  give_back();
  return false;
}

Connection open_checked(const std::string& path, Connection::Mode mode) {
  Connection connection(path, mode);
  const bool empty = connection.integer("PRAGMA application_id") == 0 &&
                     connection.integer("PRAGMA user_version") == 0 && table_count(connection) == 0;
  if (empty && mode == Connection::Mode::read_write) create_tables(connection);
  check_format(connection);
  return connection;
}

}  // namespace syncline::state
