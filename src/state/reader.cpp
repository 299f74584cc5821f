// SPDX-License-Identifier: Apache-2.0
// Reads of the state database.
#include "state/reader.hpp"

#include <algorithm>

#include "state/dir_codec.hpp"
#include "state/segment_codec.hpp"

namespace syncline::state {
namespace {

// Whatever a damaged count says, no more than this is reserved ahead of the data.
constexpr std::size_t reserve_items_max = 64 * 1024;

std::size_t item_count(const PartList& parts) {
  std::size_t total = 0;
  for (const auto& part : parts) total += part.item_count;
  return std::min(total, reserve_items_max);
}

}  // namespace

std::int64_t value_seal_key(const std::string& key) {
  return static_cast<std::int64_t>(cut_hash(as_bytes(key)));
}

std::string row_name(const std::string& path, const char* what, std::int64_t key) {
  return "state database " + escape_name(path) + ": " + what + " " + std::to_string(key);
}

void ReaderRegistry::add(SqliteReader* reader) {
  const std::lock_guard lock(mutex_);
  readers_.insert(reader);
}

void ReaderRegistry::remove(SqliteReader* reader) {
  const std::lock_guard lock(mutex_);
  readers_.erase(reader);
}

/// A body that its seal confirms and that no decoder understands is none that we wrote, either.
bool ReaderRegistry::means_damage(const Error& error) {
  return error.is(Errc::corrupt) || error.is(Errc::malformed) || error.is(Errc::truncated) ||
         error.is(Errc::limit_exceeded);
}

void ReaderRegistry::refresh_all() {
  const std::lock_guard lock(mutex_);
  for (auto* reader : readers_) reader->refresh();
}

void ReaderRegistry::rest_all() {
  const std::lock_guard lock(mutex_);
  for (auto* reader : readers_) reader->rest();
}

SqliteReader::SqliteReader(const std::string& path, std::shared_ptr<ReaderRegistry> registry)
    : registry_(std::move(registry)),
      connection_(path, Connection::Mode::read_only),
      begin_(connection_, "BEGIN"),
      end_(connection_, "COMMIT"),
      select_dir_(connection_, "SELECT head FROM dir WHERE dir_id=?1"),
      select_manifest_(connection_, "SELECT head FROM manifest WHERE manifest_id=?1"),
      select_value_(connection_, "SELECT body FROM value WHERE key=?1"),
      select_dirs_(connection_, "SELECT dir_id FROM dir ORDER BY dir_id"),
      parts_(connection_) {
  registry_->add(this);
}

SqliteReader::~SqliteReader() { registry_->remove(this); }

/// One call at a time; damage that it meets is remembered.
template <class Read>
auto SqliteReader::locked(Read&& read) {
  const std::lock_guard lock(mutex_);
  return registry_->watch(read);
}

void SqliteReader::begin() {
  if (in_transaction_) return;
  begin_.run();
  in_transaction_ = true;
}

void SqliteReader::refresh() {
  locked([&] {
    if (!in_transaction_) return;
    in_transaction_ = false;
    end_.run();
  });
}

void SqliteReader::rest() {
  refresh();
  connection_.give_back_memory();
}

template <class Use>
bool SqliteReader::row(Statement& select, RowKind kind, std::int64_t key, const char* what, Use use) {
  begin();
  const ResetAtExit reset_later(select);
  select.bind(1, key);
  if (!select.step()) return false;
  use(unseal(kind, key, select.blob(0), [&] { return row_name(connection_.path(), what, key); }));
  return true;
}

std::optional<DirSummary> SqliteReader::summary(DirId id) {
  return locked([&]() -> std::optional<DirSummary> {
    std::optional<DirSummary> out;
    row(select_dir_, RowKind::dir, id, "directory", [&](ByteView body) { out = decode_summary(body); });
    return out;
  });
}

std::optional<DirRecord> SqliteReader::dir(DirId id) {
  return locked([&]() -> std::optional<DirRecord> {
    DirHead head;
    if (!row(select_dir_, RowKind::dir, id, "directory",
             [&](ByteView body) { head = decode_dir_head(body); }))
      return std::nullopt;
    DirRecord out{head.summary, {}};
    out.entries.reserve(item_count(head.parts));
    parts_.each(head.parts, "directory " + std::to_string(id),
                [&](ByteView body, std::uint32_t count) { decode_entries(body, count, out.entries); });
    return out;
  });
}

std::optional<manifest::Manifest> SqliteReader::manifest(ManifestId id) {
  return locked([&]() -> std::optional<manifest::Manifest> {
    ManifestHead head;
    if (!row(select_manifest_, RowKind::manifest, id, "manifest",
             [&](ByteView body) { head = decode_manifest_head(body); }))
      return std::nullopt;
    manifest::Manifest out{head.params, head.size_bytes, {}};
    out.chunks.reserve(item_count(head.parts) + head.inline_count);
    decode_chunks(head.inline_chunks, head.inline_count, out.chunks);
    parts_.each(head.parts, "manifest " + std::to_string(id),
                [&](ByteView body, std::uint32_t count) { decode_chunks(body, count, out.chunks); });
    return out;
  });
}

std::vector<DirId> SqliteReader::dirs() {
  return locked([&]() -> std::vector<DirId> {
    begin();
    const ResetAtExit reset_later(select_dirs_);
    std::vector<DirId> out;
    while (select_dirs_.step()) out.push_back(select_dirs_.integer(0));
    return out;
  });
}

std::optional<Bytes> SqliteReader::value_row(const std::string& key) {
  return locked([&]() -> std::optional<Bytes> {
    begin();
    const ResetAtExit reset_later(select_value_);
    select_value_.bind(1, as_bytes(key));
    if (!select_value_.step()) return std::nullopt;
    const auto body = unseal(RowKind::value, value_seal_key(key), select_value_.blob(0), [&] {
      return "state database " + escape_name(connection_.path()) + ": value '" + escape_name(key) + "'";
    });
    return Bytes(body.begin(), body.end());
  });
}

}  // namespace syncline::state
