// SPDX-License-Identifier: Apache-2.0
// One transaction of the state database.
#include "state/writer.hpp"

#include <utility>

#include "base/limits.hpp"
#include "state/dir_codec.hpp"
#include "state/segment_codec.hpp"

namespace syncline::state {
namespace {

// Up to here a manifest fits into its own row, next to others on one page.
constexpr std::size_t inline_chunks_max = 16;

}  // namespace

SqliteWriter::SqliteWriter(std::shared_ptr<WriteSide> side, std::shared_ptr<std::atomic<bool>> open)
    : side_(std::move(side)), open_(std::move(open)) {
  if (open_->exchange(true)) throw Error(Errc::locked, "state database: a writer is open already");
  try {
    side_->begin();
  } catch (...) {
    open_->store(false);
    throw;
  }
}

SqliteWriter::~SqliteWriter() {
  if (side_ == nullptr) return;
  side_->rollback();
  finish();
}

/// Damage that a call meets is remembered.
template <class Write>
auto SqliteWriter::watched(Write&& write) {
  return side_->registry().watch(write);
}

void SqliteWriter::finish() noexcept {
  side_.reset();
  open_->store(false);
}

void SqliteWriter::put_dir(DirId id, const DirRecord& record) {
  watched([&] {
    auto head = side_->dir_head(id).value_or(DirHead{});
    PartReplacement replacement(side_->parts, head.parts);
    encode_entries(record.entries,
                   [&](Bytes&& body, std::uint32_t count) { replacement.add(std::move(body), count); });
    head.summary = record.summary;
    head.parts = replacement.finish();
    side_->put_dir_head(id, head);
  });
}

void SqliteWriter::erase_dir(DirId id) {
  watched([&] {
    const auto head = side_->dir_head(id);
    if (!head) return;
    side_->parts.erase(head->parts);
    side_->erase_dir_row(id);
  });
}

ManifestId SqliteWriter::put_manifest(const manifest::Manifest& manifest, ManifestId replaces) {
  return watched([&] {
    ManifestHead old;
    if (replaces != 0) old = side_->manifest_head(replaces).value_or(ManifestHead{});
    ManifestHead head{manifest.params, manifest.size_bytes, 0, {}, {}};
    PartReplacement replacement(side_->parts, old.parts);
    if (manifest.chunks.size() <= inline_chunks_max) {
      head.inline_count = static_cast<std::uint32_t>(manifest.chunks.size());
      head.inline_chunks = encode_chunks(manifest.chunks);
    } else {
      encode_segments(manifest.chunks,
                      [&](Bytes&& body, std::uint32_t count) { replacement.add(std::move(body), count); });
    }
    head.parts = replacement.finish();
    if (replaces != 0) side_->erase_manifest_row(replaces);
    const auto id = side_->next_manifest_id++;
    side_->put_manifest_head(id, head);
    return id;
  });
}

void SqliteWriter::erase_manifest(ManifestId id) {
  watched([&] {
    const auto head = side_->manifest_head(id);
    if (!head) return;
    side_->parts.erase(head->parts);
    side_->erase_manifest_row(id);
  });
}

void SqliteWriter::put_agreement(const std::string& peer, const Agreement& agreement) {
  watched([&] {
    const auto key = agreement_key(peer);
    side_->put_value_row(key, encode_agreement(agreement));
    side_->bound_values(agreement_key(""), key, limits::peers_max);
  });
}

void SqliteWriter::erase_agreement(const std::string& peer) {
  watched([&] { side_->erase_value_row(agreement_key(peer)); });
}

void SqliteWriter::put_value(const std::string& key, ByteView value) {
  watched([&] {
    const auto row = value_key(key);
    side_->put_value_row(row, Bytes(value.begin(), value.end()));
    const auto space = row.find(' ');
    if (space != row.npos) side_->bound_values(row.substr(0, space + 1), row, limits::peers_max);
  });
}

void SqliteWriter::commit(bool durable) {
  if (side_ == nullptr) throw Error(Errc::usage, "state database: commit() called twice");
  watched([&] { side_->commit(durable); });
  finish();
}

}  // namespace syncline::state
