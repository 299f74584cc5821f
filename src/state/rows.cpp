// SPDX-License-Identifier: Apache-2.0
// Seals and head codecs of the state database.
#include "state/rows.hpp"

#include <algorithm>

namespace syncline::state {
namespace {

constexpr std::size_t seal_bytes = 8;
constexpr std::size_t part_ref_bytes_min = 2 + sizeof(PartDigest);

/// splitmix64 (Steele, Lea, Flood 2014), also the source of the fixed checksum secret.
constexpr std::uint64_t mix(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15u;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

/// A checksum against damage, not against people: the secret is a constant of the format.
const hash::QuickKey& seal_key() {
  static const hash::QuickKey key = [] {
    std::array<std::byte, hash::QuickKey::size_bytes> secret{};
    for (std::size_t k = 0; k < secret.size(); k += 8) {
      const auto word = mix(k);
      std::memcpy(&secret[k], &word, sizeof word);
    }
    return hash::QuickKey(secret);
  }();
  return key;
}

std::uint64_t checksum(RowKind kind, std::int64_t key, ByteView body) {
  const auto place = mix(mix(static_cast<std::uint64_t>(key)) + static_cast<std::uint64_t>(kind));
  return seal_key()(body).low ^ place;
}

void write_quick(ByteWriter& out, const hash::QuickHash& quick) {
  out.u64(quick.low);
  out.u64(quick.high);
}

hash::QuickHash read_quick(ByteReader& in) {
  hash::QuickHash out;
  out.low = in.u64();
  out.high = in.u64();
  return out;
}

hash::Digest read_digest(ByteReader& in) { return {in.array<hash::digest_bytes>()}; }

void write_parts(ByteWriter& out, const PartList& parts) {
  out.varint(parts.size());
  std::int64_t previous = 0;
  for (const auto& part : parts) {
    out.svarint(part.part_id - previous);
    previous = part.part_id;
    out.varint(part.item_count);
    out.bytes(part.digest);
  }
}

PartList read_parts(ByteReader& in) {
  const auto count = in.varint_max(in.remaining() / part_ref_bytes_min);
  PartList parts(static_cast<std::size_t>(count));
  std::int64_t previous = 0;
  for (auto& part : parts) {
    // Unsigned: damaged input must not overflow a signed sum.
    part.part_id = static_cast<std::int64_t>(static_cast<std::uint64_t>(previous) +
                                             static_cast<std::uint64_t>(in.svarint()));
    previous = part.part_id;
    part.item_count = static_cast<std::uint32_t>(in.varint_max(UINT32_MAX));
    part.digest = in.array<sizeof(PartDigest)>();
  }
  return parts;
}

DirSummary read_summary(ByteReader& in) {
  DirSummary out;
  out.fingerprint = read_quick(in);
  out.shallow = read_digest(in);
  return out;
}

}  // namespace

void seal(RowKind kind, std::int64_t key, Bytes& body) {
  const auto sum = checksum(kind, key, body);
  ByteWriter(body).u64(sum);
}

std::optional<ByteView> try_unseal(RowKind kind, std::int64_t key, ByteView sealed) {
  if (sealed.size() < seal_bytes) return std::nullopt;
  const auto body = sealed.first(sealed.size() - seal_bytes);
  ByteReader tail(sealed.last(seal_bytes));
  if (tail.u64() != checksum(kind, key, body)) return std::nullopt;
  return body;
}

std::uint64_t cut_hash(ByteView data) { return seal_key()(data).low; }

PartDigest part_digest(ByteView body) {
  const auto full = hash::blake3(body);
  PartDigest out;
  std::copy_n(full.bytes.begin(), out.size(), out.begin());
  return out;
}

Bytes encode_dir_head(const DirHead& head) {
  Bytes body;
  ByteWriter out(body);
  write_quick(out, head.summary.fingerprint);
  out.bytes(head.summary.shallow.view());
  write_parts(out, head.parts);
  return body;
}

DirSummary decode_summary(ByteView body) {
  ByteReader in(body, "state: directory row");
  return read_summary(in);
}

DirHead decode_dir_head(ByteView body) {
  ByteReader in(body, "state: directory row");
  DirHead head;
  head.summary = read_summary(in);
  head.parts = read_parts(in);
  in.expect_done();
  return head;
}

Bytes encode_manifest_head(const ManifestHead& head) {
  Bytes body;
  ByteWriter out(body);
  out.varint(head.params.min_bytes);
  out.varint(head.params.avg_bytes);
  out.varint(head.params.max_bytes);
  out.varint(head.size_bytes);
  out.varint(head.inline_count);
  out.blob(head.inline_chunks);
  write_parts(out, head.parts);
  return body;
}

ManifestHead decode_manifest_head(ByteView body) {
  ByteReader in(body, "state: manifest row");
  ManifestHead head;
  head.params.min_bytes = static_cast<std::uint32_t>(in.varint_max(UINT32_MAX));
  head.params.avg_bytes = static_cast<std::uint32_t>(in.varint_max(UINT32_MAX));
  head.params.max_bytes = static_cast<std::uint32_t>(in.varint_max(UINT32_MAX));
  head.size_bytes = in.varint();
  head.inline_count = static_cast<std::uint32_t>(in.varint_max(in.remaining()));
  const auto inline_chunks = in.blob(in.remaining());
  head.inline_chunks.assign(inline_chunks.begin(), inline_chunks.end());
  head.parts = read_parts(in);
  in.expect_done();
  return head;
}

Bytes encode_agreement(const Agreement& agreement) {
  Bytes body;
  ByteWriter out(body);
  out.bytes(agreement.own_root.view());
  out.bytes(agreement.peer_root.view());
  out.bytes(agreement.options.view());
  out.u64(static_cast<std::uint64_t>(agreement.at_ns));
  return body;
}

Agreement decode_agreement(ByteView body) {
  ByteReader in(body, "state: agreement");
  Agreement agreement;
  agreement.own_root = read_digest(in);
  agreement.peer_root = read_digest(in);
  agreement.options = read_digest(in);
  agreement.at_ns = static_cast<std::int64_t>(in.u64());
  in.expect_done();
  return agreement;
}

}  // namespace syncline::state
