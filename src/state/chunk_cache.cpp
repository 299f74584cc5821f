// SPDX-License-Identifier: Apache-2.0
// The sender's cache of recently changed chunks, in a database of its own.
#include <sqlite3.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "fs/fs.hpp"
#include "state/schema.hpp"
#include "state/sqlite.hpp"
#include "state/state.hpp"

namespace syncline::state {
namespace {

constexpr std::int64_t cache_application_id = 0x534C6363;  // "SLcc"
constexpr std::int64_t cache_format_version = 1;
// What a chunk costs in the file beside its bytes: half a page lost at its end, the index row.
constexpr std::uint64_t overhead_bytes = 2048 + 96;

constexpr const char* create_sql = R"sql(
BEGIN IMMEDIATE;
CREATE TABLE chunk(
  id BLOB PRIMARY KEY, slot INTEGER NOT NULL, used INTEGER NOT NULL, cost INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX chunk_used ON chunk(used);
CREATE TABLE body(slot INTEGER PRIMARY KEY, data BLOB NOT NULL);
)sql";

/// One open cache file. Any of its calls may throw; the cache around it takes that as a loss.
class CacheFile {
 public:
  explicit CacheFile(const std::string& path)
      : connection_(open(path)),
        select_(connection_, "SELECT slot,cost FROM chunk WHERE id=?1"),
        select_body_(connection_, "SELECT data FROM body WHERE slot=?1"),
        touch_(connection_, "UPDATE chunk SET used=?2 WHERE id=?1"),
        insert_(connection_, "INSERT INTO chunk(id,slot,used,cost) VALUES(?1,?2,?3,?4)"),
        insert_body_(connection_, "INSERT INTO body(data) VALUES(?1)"),
        oldest_(connection_, "SELECT id,slot,cost FROM chunk ORDER BY used LIMIT 1"),
        erase_(connection_, "DELETE FROM chunk WHERE id=?1"),
        erase_body_(connection_, "DELETE FROM body WHERE slot=?1") {
    total_bytes_ = static_cast<std::uint64_t>(connection_.integer("SELECT coalesce(sum(cost),0) FROM chunk"));
    clock_ = connection_.integer("SELECT coalesce(max(used),0) FROM chunk");
  }

  std::optional<Bytes> get(const hash::ChunkId& id) {
    const auto place = find(id);
    if (!place) return std::nullopt;
    auto data = body(place->slot);
    if (!data || hash::blake3(*data) != id) {
      erase(id, *place);
      return std::nullopt;
    }
    touched_[id] = ++clock_;
    return data;
  }

  void put(const hash::ChunkId& id, ByteView data) {
    if (find(id)) {
      touched_[id] = ++clock_;
      return;
    }
    begin();
    insert_body_.bind(1, data).run();
    const auto slot = sqlite3_last_insert_rowid(connection_.raw());
    const auto cost = data.size() + overhead_bytes;
    insert_.bind(1, id.view()).bind(2, slot).bind(3, ++clock_).bind(4, static_cast<std::int64_t>(cost)).run();
    total_bytes_ += cost;
  }

  void commit(std::uint64_t bytes_max) {
    if (!touched_.empty()) begin();
    for (const auto& [id, used] : touched_) touch_.bind(1, id.view()).bind(2, used).run();
    touched_.clear();
    while (total_bytes_ > bytes_max && evict_oldest()) {}
    if (in_transaction_) connection_.exec("COMMIT");
    in_transaction_ = false;
  }

 private:
  struct Place {
    std::int64_t slot = 0;
    std::int64_t cost = 0;
  };

  static Connection open(const std::string& path) {
    create_missing(path);
    Connection connection(path, Connection::Mode::read_write);
    // A rollback journal without syncs: new pages are written once, not twice as with a write-ahead
    // log, and a killed process leaves a sound file. After a power loss the file may be damaged;
    // every chunk is checked by its id, so that costs bytes only. Pages hold a chunk or two: of 4 KiB each
    // takes many, and as many writes.
    connection.exec(
        "PRAGMA busy_timeout=0; PRAGMA page_size=32768; PRAGMA locking_mode=EXCLUSIVE;"
        "PRAGMA journal_mode=TRUNCATE;"
        "PRAGMA synchronous=OFF; PRAGMA cache_size=-4096");
    if (connection.integer("PRAGMA user_version") == 0 &&
        connection.integer("SELECT count(*) FROM sqlite_schema") == 0) {
      connection.exec(create_sql);
      connection.exec(("PRAGMA application_id=" + std::to_string(cache_application_id) +
                       ";PRAGMA user_version=" + std::to_string(cache_format_version) + ";COMMIT")
                          .c_str());
    }
    if (connection.integer("PRAGMA application_id") != cache_application_id)
      throw Error(Errc::foreign, "chunk cache " + escape_name(path));
    if (connection.integer("PRAGMA user_version") != cache_format_version) connection.fail_corrupt("version");
    return connection;
  }

  void begin() {
    if (in_transaction_) return;
    connection_.exec("BEGIN IMMEDIATE");
    in_transaction_ = true;
  }

  std::optional<Place> find(const hash::ChunkId& id) {
    const ResetAtExit reset_later(select_);
    select_.bind(1, id.view());
    if (!select_.step()) return std::nullopt;
    return Place{select_.integer(0), select_.integer(1)};
  }

  std::optional<Bytes> body(std::int64_t slot) {
    const ResetAtExit reset_later(select_body_);
    select_body_.bind(1, slot);
    if (!select_body_.step()) return std::nullopt;
    const auto data = select_body_.blob(0);
    return Bytes(data.begin(), data.end());
  }

  void erase(const hash::ChunkId& id, const Place& place) {
    begin();
    erase_.bind(1, id.view()).run();
    erase_body_.bind(1, place.slot).run();
    touched_.erase(id);
    total_bytes_ -= std::min(static_cast<std::uint64_t>(place.cost), total_bytes_);
  }

  bool evict_oldest() {
    hash::ChunkId id;
    Place place;
    {
      const ResetAtExit reset_later(oldest_);
      if (!oldest_.step()) return false;
      const auto key = oldest_.blob(0);
      if (key.size() != hash::digest_bytes) connection_.fail_corrupt("chunk id");
      std::memcpy(id.bytes.data(), key.data(), key.size());
      place = {oldest_.integer(1), oldest_.integer(2)};
    }
    erase(id, place);
    return true;
  }

  Connection connection_;
  Statement select_, select_body_, touch_, insert_, insert_body_, oldest_, erase_, erase_body_;
  std::unordered_map<hash::ChunkId, std::int64_t, hash::DigestHasher> touched_;
  std::uint64_t total_bytes_ = 0;
  std::int64_t clock_ = 0;
  bool in_transaction_ = false;
};

void remove_file(const std::string& path) {
  const auto split = split_path(path);
  const auto dir = fs::linux_fs().open_root(split.directory);
  for (const auto* suffix : {"", "-journal"})
    if (dir->stat_at(split.name + suffix)) dir->unlink(split.name + suffix);
}

class SqliteChunkCache final : public ChunkCache {
 public:
  SqliteChunkCache(std::string path, std::uint64_t bytes_max)
      : path_(std::move(path)), bytes_max_(bytes_max) {
    try {
      file_.emplace(path_);
    } catch (const Error& error) {
      if (error.is(Errc::locked)) return;  // another process has it: this one goes without
      if (!error.is(Errc::corrupt)) throw;
      remove_file(path_);
      file_.emplace(path_);
    }
  }

  std::optional<Bytes> get(const hash::ChunkId& id) override {
    std::optional<Bytes> out;
    guarded([&](CacheFile& file) { out = file.get(id); });
    return out;
  }

  void put(const hash::ChunkId& id, ByteView data) override {
    if (data.size() > bytes_max_) return;
    guarded([&](CacheFile& file) { file.put(id, data); });
  }

  void commit() override {
    guarded([&](CacheFile& file) { file.commit(bytes_max_); });
  }

 private:
  /// A full disk or a damaged file must not stop a sync for the sake of a cache: from the first
  /// failure on the cache is empty and stays so; a damaged file is removed.
  template <class Use>
  void guarded(Use use) {
    if (!file_) return;
    try {
      use(*file_);
    } catch (const Error& error) {
      file_.reset();
      if (error.is(Errc::corrupt)) remove_quietly();
    }
  }

  void remove_quietly() noexcept {
    try {
      remove_file(path_);
    } catch (const std::exception&) {
      // The next open() meets the damage again and reports what it cannot remove.
    }
  }

  std::string path_;
  std::uint64_t bytes_max_;
  std::optional<CacheFile> file_;
};

}  // namespace

std::unique_ptr<ChunkCache> ChunkCache::open(const std::string& path, std::uint64_t bytes_max) {
  return std::make_unique<SqliteChunkCache>(path, bytes_max);
}

}  // namespace syncline::state
