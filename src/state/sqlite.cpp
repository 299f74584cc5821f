// SPDX-License-Identifier: Apache-2.0
// SQLite connections and statements; the one place where result codes become errors.
#include "state/sqlite.hpp"

#include <sqlite3.h>

#include <cerrno>

namespace syncline::state {
namespace {

constexpr int busy_wait_ms = 5000;

/// The errno that stands for a result code, 0 for codes that are not about the system.
int errno_of(int rc, sqlite3* db) {
  const int system = db != nullptr ? sqlite3_system_errno(db) : 0;
  switch (rc & 0xFF) {
    case SQLITE_FULL: return ENOSPC;
    case SQLITE_NOMEM: return ENOMEM;
    case SQLITE_READONLY: return EROFS;
    case SQLITE_PERM:
    case SQLITE_AUTH: return EACCES;
    case SQLITE_IOERR: return system != 0 ? system : EIO;
    case SQLITE_CANTOPEN: return system != 0 ? system : ENOENT;
    default: return 0;
  }
}

}  // namespace

void Connection::Close::operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }

Connection::Connection(const std::string& path, Mode mode) : path_(path) {
  const int flags = (mode == Mode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  sqlite3* db = nullptr;
  const int rc = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  db_.reset(db);
  if (rc != SQLITE_OK) fail(rc, "open");
  sqlite3_busy_timeout(db, busy_wait_ms);
  // The file may have been tampered with: let it define nothing that runs.
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  exec("PRAGMA cell_size_check=ON");
}

void Connection::exec(const char* sql) {
  const int rc = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) fail(rc, sql);
}

std::int64_t Connection::integer(const char* sql) {
  Statement statement(*this, sql);
  if (!statement.step()) fail_corrupt(sql);
  return statement.integer(0);
}

std::string Connection::text(const char* sql) {
  sqlite3_stmt* raw = nullptr;
  int rc = sqlite3_prepare_v2(db_.get(), sql, -1, &raw, nullptr);
  if (rc != SQLITE_OK) fail(rc, sql);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> owner(raw, sqlite3_finalize);
  rc = sqlite3_step(raw);
  if (rc != SQLITE_ROW) fail(rc, sql);
  const auto* value = sqlite3_column_text(raw, 0);
  return value != nullptr ? reinterpret_cast<const char*>(value) : "";
}

void Connection::sync(Part part) {
  sqlite3_file* file = nullptr;
  const int which = part == Part::log ? SQLITE_FCNTL_JOURNAL_POINTER : SQLITE_FCNTL_FILE_POINTER;
  sqlite3_file_control(db_.get(), "main", which, &file);
  if (file == nullptr || file->pMethods == nullptr) fail(SQLITE_IOERR, "sync");
  const int rc = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  if (rc != SQLITE_OK) fail(rc, "sync");
}

void Connection::give_back_memory() { sqlite3_db_release_memory(db_.get()); }

void Connection::fail(int rc, const std::string& action) const {
  const auto context = "state database " + escape_name(path_) + " (" + action + ")";
  const int primary = rc & 0xFF;
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) throw Error(Errc::locked, context);
  if (const int number = errno_of(rc, db_.get()); number != 0) throw Error(number, context);
  // What is left is damage (CORRUPT, NOTADB) or a schema that our statements do not fit (ERROR).
  fail_corrupt(action + ": " + sqlite3_errstr(rc));
}

void Connection::fail_corrupt(const std::string& detail) const {
  throw Error(Errc::corrupt, "state database " + escape_name(path_) + " (" + detail + ")");
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }

Statement::Statement(Connection& connection, const char* sql) : connection_(&connection) {
  sqlite3_stmt* raw = nullptr;
  const int rc = sqlite3_prepare_v3(connection.raw(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  statement_.reset(raw);
  if (rc != SQLITE_OK) connection.fail(rc, sql);
}

Statement& Statement::bind(int index, std::int64_t value) {
  const int rc = sqlite3_bind_int64(statement_.get(), index, value);
  if (rc != SQLITE_OK) connection_->fail(rc, "bind");
  return *this;
}

Statement& Statement::bind(int index, ByteView value) {
  // A null pointer would bind NULL: an empty blob needs a place.
  static constexpr char nothing = 0;
  const void* data = value.empty() ? &nothing : static_cast<const void*>(value.data());
  const int rc = sqlite3_bind_blob64(statement_.get(), index, data, value.size(), SQLITE_STATIC);
  if (rc != SQLITE_OK) connection_->fail(rc, "bind");
  return *this;
}

bool Statement::step() {
  const int rc = sqlite3_step(statement_.get());
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  sqlite3_reset(statement_.get());
  connection_->fail(rc, sqlite3_sql(statement_.get()));
}

void Statement::run() {
  const ResetAtExit reset_later(*this);
  while (step()) {}
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

ByteView Statement::blob(int column) const {
  if (sqlite3_column_type(statement_.get(), column) != SQLITE_BLOB)
    connection_->fail_corrupt("a column is not a blob");
  // The pointer first, then the size: the documented order.
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  if (data == nullptr && size != 0) throw Error(ENOMEM, "state database");
  return {data, size};
}

}  // namespace syncline::state
