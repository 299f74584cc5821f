// SPDX-License-Identifier: Apache-2.0
// The writing connection: rows, counters, commit, durability and checkpoints.
#include "state/writer.hpp"

#include <sqlite3.h>

#include <utility>

#include "base/limits.hpp"

namespace syncline::state {
namespace {

constexpr std::uint64_t log_frame_header_bytes = 24;
// Small commits share the page writes and the two syncs of a checkpoint.
constexpr std::uint64_t checkpoint_bytes = 16 * limits::mib;

int remember_log_pages(void* log_pages, sqlite3*, const char*, int pages) {
  *static_cast<int*>(log_pages) = pages;
  return SQLITE_OK;
}

}  // namespace

std::string agreement_key(const std::string& peer) { return "a" + peer; }
std::string value_key(const std::string& key) { return "v" + key; }
std::string counters_key() { return "c"; }

WriteSide::WriteSide(Connection connection, std::shared_ptr<ReaderRegistry> registry)
    : connection_(std::move(connection)),
      parts(connection_),
      registry_(std::move(registry)),
      select_dir_(connection_, "SELECT head FROM dir WHERE dir_id=?1"),
      select_manifest_(connection_, "SELECT head FROM manifest WHERE manifest_id=?1"),
      select_value_(connection_, "SELECT body FROM value WHERE key=?1"),
      put_dir_(connection_, "INSERT OR REPLACE INTO dir(dir_id,head) VALUES(?1,?2)"),
      put_manifest_(connection_, "INSERT OR REPLACE INTO manifest(manifest_id,head) VALUES(?1,?2)"),
      put_value_(connection_, "INSERT OR REPLACE INTO value(key,body) VALUES(?1,?2)"),
      erase_dir_(connection_, "DELETE FROM dir WHERE dir_id=?1"),
      erase_manifest_(connection_, "DELETE FROM manifest WHERE manifest_id=?1"),
      erase_value_(connection_, "DELETE FROM value WHERE key=?1") {
  page_bytes_ = static_cast<std::uint64_t>(connection_.integer("PRAGMA page_size"));
  connection_.exec("PRAGMA synchronous=NORMAL");
  connection_.exec("PRAGMA cache_size=-4096");
  connection_.exec("PRAGMA journal_size_limit=67108864");
  sqlite3_wal_hook(connection_.raw(), remember_log_pages, &log_pages_);
  load_counters();
}

WriteSide::~WriteSide() {
  sqlite3_wal_hook(connection_.raw(), nullptr, nullptr);
  if (open_) rollback();
}

void WriteSide::begin() {
  connection_.exec("BEGIN IMMEDIATE");
  open_ = true;
}

void WriteSide::rollback() noexcept {
  open_ = false;
  sqlite3_exec(connection_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
  parts.next_id = stored_part_id_;
  next_manifest_id = stored_manifest_id_;
}

void WriteSide::commit(bool durable) {
  store_counters();
  connection_.exec("COMMIT");
  open_ = false;
  stored_part_id_ = parts.next_id;
  stored_manifest_id_ = next_manifest_id;
  count_log_writes();
  // PRAGMA synchronous cannot change inside a transaction, and whether a transaction is durable is
  // known only at its end. FULL differs from NORMAL by one sync of the log after the commit: this one.
  if (durable) connection_.sync(Connection::Part::log);
  registry_->refresh_all();
  checkpoint_if_due();
}

void WriteSide::count_log_writes() {
  int pages = 0;
  int unused = 0;
  sqlite3_db_status(connection_.raw(), SQLITE_DBSTATUS_CACHE_WRITE, &pages, &unused, 1);
  written_bytes_ += static_cast<std::uint64_t>(pages) * (page_bytes_ + log_frame_header_bytes);
}

void WriteSide::checkpoint_if_due() {
  if (log_pages_ < checkpointed_pages_) checkpointed_pages_ = 0;  // the log started anew
  if (static_cast<std::uint64_t>(log_pages_ - checkpointed_pages_) * page_bytes_ < checkpoint_bytes) return;
  int done = 0;
  const int rc =
      sqlite3_wal_checkpoint_v2(connection_.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, &done);
  // The commit is in the log already; a reader of another process may keep it there for now.
  if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED) return;
  if (rc != SQLITE_OK) connection_.fail(rc, "checkpoint");
  if (done > checkpointed_pages_)
    written_bytes_ += static_cast<std::uint64_t>(done - checkpointed_pages_) * page_bytes_;
  checkpointed_pages_ = done;
}

void WriteSide::rest() {
  others_commits_ = connection_.integer("PRAGMA data_version");
  connection_.give_back_memory();
  leave_log(true);
}

bool WriteSide::resume() {
  if (connection_.integer("PRAGMA data_version") != others_commits_) return false;
  leave_log(false);
  return true;
}

/// The last connection that closes writes the log to the database and removes it, by its name: at rest that
/// may be the log of another database, which has taken the place of ours.
void WriteSide::leave_log(bool leave) {
  sqlite3_db_config(connection_.raw(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leave ? 1 : 0, nullptr);
}

std::optional<Bytes> WriteSide::row(Statement& select, RowKind kind, std::int64_t key, const char* what) {
  const ResetAtExit reset_later(select);
  select.bind(1, key);
  if (!select.step()) return std::nullopt;
  const auto body =
      unseal(kind, key, select.blob(0), [&] { return row_name(connection_.path(), what, key); });
  return Bytes(body.begin(), body.end());
}

void WriteSide::put(Statement& insert, RowKind kind, std::int64_t key, Bytes body) {
  seal(kind, key, body);
  insert.bind(1, key).bind(2, body).run();
}

std::optional<DirHead> WriteSide::dir_head(DirId id) {
  const auto body = row(select_dir_, RowKind::dir, id, "directory");
  if (!body) return std::nullopt;
  return decode_dir_head(*body);
}

std::optional<ManifestHead> WriteSide::manifest_head(ManifestId id) {
  const auto body = row(select_manifest_, RowKind::manifest, id, "manifest");
  if (!body) return std::nullopt;
  return decode_manifest_head(*body);
}

void WriteSide::put_dir_head(DirId id, const DirHead& head) {
  put(put_dir_, RowKind::dir, id, encode_dir_head(head));
}

void WriteSide::put_manifest_head(ManifestId id, const ManifestHead& head) {
  put(put_manifest_, RowKind::manifest, id, encode_manifest_head(head));
}

void WriteSide::erase_dir_row(DirId id) { erase_dir_.bind(1, id).run(); }

void WriteSide::erase_manifest_row(ManifestId id) { erase_manifest_.bind(1, id).run(); }

void WriteSide::put_value_row(const std::string& key, Bytes body) {
  seal(RowKind::value, value_seal_key(key), body);
  put_value_.bind(1, as_bytes(key)).bind(2, body).run();
}

void WriteSide::erase_value_row(const std::string& key) { erase_value_.bind(1, as_bytes(key)).run(); }

void WriteSide::bound_values(const std::string& prefix, const std::string& key, std::size_t max) {
  auto end = prefix;
  ++end.back();
  Statement count(connection_, "SELECT count(*) FROM value WHERE key>=?1 AND key<?2");
  const ResetAtExit reset_later(count);
  count.bind(1, as_bytes(prefix)).bind(2, as_bytes(end));
  if (!count.step() || count.integer(0) <= static_cast<std::int64_t>(max)) return;
  Statement erase(connection_,
                  "DELETE FROM value WHERE key IN (SELECT key FROM value WHERE key>=?1 AND key<?2 AND "
                  "key<>?3 LIMIT ?4)");
  erase.bind(1, as_bytes(prefix)).bind(2, as_bytes(end)).bind(3, as_bytes(key));
  erase.bind(4, count.integer(0) - static_cast<std::int64_t>(max)).run();
}

void WriteSide::load_counters() {
  const ResetAtExit reset_later(select_value_);
  const auto key = counters_key();
  select_value_.bind(1, as_bytes(key));
  if (!select_value_.step()) return;
  const auto body = unseal(RowKind::value, value_seal_key(key), select_value_.blob(0), [&] {
    return "state database " + escape_name(connection_.path()) + ": counters";
  });
  ByteReader in(body, "state: counters");
  parts.next_id = stored_part_id_ = static_cast<std::int64_t>(in.varint_max(INT64_MAX));
  next_manifest_id = stored_manifest_id_ = static_cast<ManifestId>(in.varint_max(INT64_MAX));
}

void WriteSide::store_counters() {
  if (parts.next_id == stored_part_id_ && next_manifest_id == stored_manifest_id_) return;
  Bytes body;
  ByteWriter out(body);
  out.varint(static_cast<std::uint64_t>(parts.next_id));
  out.varint(static_cast<std::uint64_t>(next_manifest_id));
  put_value_row(counters_key(), std::move(body));
}

}  // namespace syncline::state
