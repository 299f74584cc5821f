// SPDX-License-Identifier: Apache-2.0
// Row bodies of the state database: the seal that finds damage, and the heads of directories and manifests.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "manifest/manifest.hpp"
#include "state/state.hpp"

namespace syncline::state {

/// Which table a sealed body belongs to; part of the seal, so that a body cannot pass in another table.
enum class RowKind : std::uint8_t { dir = 1, manifest = 2, value = 3 };

/// Appends 8 bytes to `body`: a checksum over it, the table and the row's key. SQLite has no page
/// checksums; without the key in it, damage to a key would give another row's data.
void seal(RowKind kind, std::int64_t key, Bytes& body);
/// The body without its seal, or nothing where the seal is broken.
std::optional<ByteView> try_unseal(RowKind kind, std::int64_t key, ByteView sealed);
/// The same; throws Error(corrupt) with the text that `name_row()` gives.
template <class NameRow>
ByteView unseal(RowKind kind, std::int64_t key, ByteView sealed, NameRow name_row) {
  if (const auto body = try_unseal(kind, key, sealed)) return *body;
  throw Error(Errc::corrupt, name_row());
}

/// A fast hash that is the same on every machine; decides where lists are cut, nothing else.
std::uint64_t cut_hash(ByteView data);

using PartDigest = std::array<std::byte, 16>;

/// A piece of a long list, stored as a row of its own. Pieces are cut where the content says so,
/// which keeps a change local; the digest finds equal pieces and damaged ones.
struct PartRef {
  std::int64_t part_id = 0;
  std::uint32_t item_count = 0;
  PartDigest digest{};
  bool operator==(const PartRef&) const = default;
};
using PartList = std::vector<PartRef>;

/// Takes one finished part and the number of items in it.
using PartSink = std::function<void(Bytes&& body, std::uint32_t item_count)>;

/// BLAKE3 cut to 128 bits: names in a directory are chosen by strangers, so no weaker hash will do.
PartDigest part_digest(ByteView body);

/// The row of a directory: what summary() needs, then where its entries are.
struct DirHead {
  DirSummary summary;
  PartList parts;
};
Bytes encode_dir_head(const DirHead& head);
DirSummary decode_summary(ByteView body);
DirHead decode_dir_head(ByteView body);

/// The row of a manifest. Short ones carry their chunks in `inline_chunks` (coded as a part).
struct ManifestHead {
  manifest::ChunkParams params;
  std::uint64_t size_bytes = 0;
  std::uint32_t inline_count = 0;
  Bytes inline_chunks;
  PartList parts;
};
Bytes encode_manifest_head(const ManifestHead& head);
ManifestHead decode_manifest_head(ByteView body);

Bytes encode_agreement(const Agreement& agreement);
Agreement decode_agreement(ByteView body);

}  // namespace syncline::state
