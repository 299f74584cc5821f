// SPDX-License-Identifier: Apache-2.0
// Reader over one SQLite connection, and the registry through which commits move readers on.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>

#include "state/part_store.hpp"
#include "state/schema.hpp"
#include "state/state.hpp"

namespace syncline::state {

class SqliteReader;

/// The readers of one Database. They keep their read transaction open between calls, which makes a
/// read three times cheaper, so a commit must end those transactions: old ones would hide the commit
/// and keep the write-ahead log from being reused. And it remembers damage that any of them, or the
/// writer, has met.
class ReaderRegistry {
 public:
  void add(SqliteReader* reader);
  void remove(SqliteReader* reader);
  /// Ends the read transaction of every reader; waits for calls that are running.
  void refresh_all();
  /// As well gives back what memory they can do without.
  void rest_all();

  /// Runs `action`; an error of it that means damage is remembered.
  template <class Action>
  auto watch(Action&& action) {
    try {
      return action();
    } catch (const Error& error) {
      if (means_damage(error)) damaged_.store(true, std::memory_order_relaxed);
      throw;
    }
  }
  bool damaged() const { return damaged_.load(std::memory_order_relaxed); }

 private:
  static bool means_damage(const Error& error);

  std::atomic<bool> damaged_{false};
  std::mutex mutex_;
  std::set<SqliteReader*> readers_;
};

class SqliteReader final : public Reader {
 public:
  SqliteReader(const std::string& path, std::shared_ptr<ReaderRegistry> registry);
  ~SqliteReader() override;

  std::optional<DirSummary> summary(DirId id) override;
  std::optional<DirRecord> dir(DirId id) override;
  std::optional<manifest::Manifest> manifest(ManifestId id) override;
  std::vector<DirId> dirs() override;

  /// The body of a row of the table `value`.
  std::optional<Bytes> value_row(const std::string& key);
  void refresh();
  void rest();

 private:
  template <class Read>
  auto locked(Read&& read);
  /// Starts the read transaction where none is open.
  void begin();
  /// Runs `select` for `key` and gives the unsealed body to `use`; false where there is no row.
  template <class Use>
  bool row(Statement& select, RowKind kind, std::int64_t key, const char* what, Use use);

  std::shared_ptr<ReaderRegistry> registry_;
  std::mutex mutex_;  // against refresh() from the committing thread
  Connection connection_;
  bool in_transaction_ = false;
  Statement begin_;
  Statement end_;
  Statement select_dir_;
  Statement select_manifest_;
  Statement select_value_;
  Statement select_dirs_;
  PartReader parts_;
};

/// The key of a value row in its seal, which takes a number.
std::int64_t value_seal_key(const std::string& key);

/// "directory 12" and the like, with the file's path: what an Error(corrupt) names.
std::string row_name(const std::string& path, const char* what, std::int64_t key);

}  // namespace syncline::state
