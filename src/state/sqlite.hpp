// SPDX-License-Identifier: Apache-2.0
// The thinnest wrapper over SQLite that the state needs: owned connections and statements, blobs as
// spans, result codes as Error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace syncline::state {

/// One SQLite connection, for one thread at a time. Movable while it has no statements.
class Connection {
 public:
  enum class Mode { read_only, read_write };
  /// Opens an existing file (an empty one is a new database). Throws Error with the errno where
  /// SQLite knows one, Error(locked), Error(corrupt).
  Connection(const std::string& path, Mode mode);
  Connection(Connection&&) noexcept = default;
  Connection& operator=(Connection&&) noexcept = default;
  ~Connection() = default;

  /// Runs statements that give no rows (rows of a PRAGMA are dropped).
  void exec(const char* sql);
  /// The first column of the only row of `sql`.
  std::int64_t integer(const char* sql);
  std::string text(const char* sql);
  enum class Part { database, log };
  /// fdatasync of the database file or its write-ahead log.
  void sync(Part part);
  /// What of the page cache is not in use.
  void give_back_memory();
  /// Throws the Error that result code `rc` of `action` stands for.
  [[noreturn]] void fail(int rc, const std::string& action) const;
  [[noreturn]] void fail_corrupt(const std::string& detail) const;

  sqlite3* raw() const { return db_.get(); }
  const std::string& path() const { return path_; }

 private:
  struct Close {
    void operator()(sqlite3* db) const noexcept;
  };
  std::string path_;
  std::unique_ptr<sqlite3, Close> db_;
};

/// A prepared statement of one connection, which must outlive it. Bound blobs are not copied: they
/// must live until the next reset().
class Statement {
 public:
  Statement(Connection& connection, const char* sql);

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, ByteView value);
  /// True while there is a row.
  bool step();
  /// For statements without rows: runs and resets.
  void run();
  void reset();

  std::int64_t integer(int column) const;
  /// Valid until the next step() or reset(). Throws Error(corrupt) if the column is no blob.
  ByteView blob(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  Connection* connection_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// Resets a statement at the end of a scope, so that no read lock stays behind an exception.
class ResetAtExit {
 public:
  explicit ResetAtExit(Statement& statement) : statement_(statement) {}
  ~ResetAtExit() { statement_.reset(); }
  ResetAtExit(const ResetAtExit&) = delete;
  ResetAtExit& operator=(const ResetAtExit&) = delete;

 private:
  Statement& statement_;
};

}  // namespace syncline::state
