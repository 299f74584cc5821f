// SPDX-License-Identifier: Apache-2.0
// The one writing connection of a state database and its transactions.
#pragma once

#include <atomic>
#include <memory>

#include "state/part_store.hpp"
#include "state/reader.hpp"
#include "state/state.hpp"

namespace syncline::state {

/// The writing side of an open Database, shared by its successive Writers.
class WriteSide {
 private:
  Connection connection_;  // first: statements point to it

 public:
  PartWriter parts;

  WriteSide(Connection connection, std::shared_ptr<ReaderRegistry> registry);
  ~WriteSide();
  WriteSide(const WriteSide&) = delete;
  WriteSide& operator=(const WriteSide&) = delete;

  void begin();
  void rollback() noexcept;
  void commit(bool durable);

  std::optional<DirHead> dir_head(DirId id);
  std::optional<ManifestHead> manifest_head(ManifestId id);
  void put_dir_head(DirId id, const DirHead& head);
  void put_manifest_head(ManifestId id, const ManifestHead& head);
  void erase_dir_row(DirId id);
  void erase_manifest_row(ManifestId id);
  void put_value_row(const std::string& key, Bytes body);
  void erase_value_row(const std::string& key);
  /// Of the rows whose keys begin with `prefix` so many stay, `key` among them.
  void bound_values(const std::string& prefix, const std::string& key, std::size_t max);

  /// See Database::rest() and resume().
  void rest();
  bool resume();

  ManifestId next_manifest_id = 1;
  ReaderRegistry& registry() { return *registry_; }
  /// Exact for the log, an upper bound for the database file.
  std::uint64_t written_bytes() const { return written_bytes_.load(std::memory_order_relaxed); }

 private:
  std::optional<Bytes> row(Statement& select, RowKind kind, std::int64_t key, const char* what);
  void put(Statement& insert, RowKind kind, std::int64_t key, Bytes body);
  void load_counters();
  void store_counters();
  void count_log_writes();
  void checkpoint_if_due();
  void leave_log(bool leave);

  std::shared_ptr<ReaderRegistry> registry_;
  Statement select_dir_, select_manifest_, select_value_;
  Statement put_dir_, put_manifest_, put_value_;
  Statement erase_dir_, erase_manifest_, erase_value_;
  bool open_ = false;
  std::uint64_t page_bytes_ = 0;
  int log_pages_ = 0;           // in the write-ahead log, set by SQLite's hook
  int checkpointed_pages_ = 0;  // of those, already in the database file
  std::int64_t stored_part_id_ = 1;
  ManifestId stored_manifest_id_ = 1;
  std::int64_t others_commits_ = 0;  // at rest: changes with each commit of another connection
  std::atomic<std::uint64_t> written_bytes_{0};
};

class SqliteWriter final : public Writer {
 public:
  /// Begins a transaction; `side` must have none open. `open` is cleared at the end.
  SqliteWriter(std::shared_ptr<WriteSide> side, std::shared_ptr<std::atomic<bool>> open);
  ~SqliteWriter() override;

  void put_dir(DirId id, const DirRecord& record) override;
  void erase_dir(DirId id) override;
  ManifestId put_manifest(const manifest::Manifest& manifest, ManifestId replaces) override;
  void erase_manifest(ManifestId id) override;
  void put_agreement(const std::string& peer, const Agreement& agreement) override;
  void erase_agreement(const std::string& peer) override;
  void put_value(const std::string& key, ByteView value) override;
  void commit(bool durable) override;

 private:
  template <class Write>
  auto watched(Write&& write);
  void finish() noexcept;
  std::shared_ptr<WriteSide> side_;
  std::shared_ptr<std::atomic<bool>> open_;
};

// Kinds of keys in the table `value`, by their first byte.
std::string agreement_key(const std::string& peer);
std::string value_key(const std::string& key);
std::string counters_key();

}  // namespace syncline::state
