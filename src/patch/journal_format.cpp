// SPDX-License-Identifier: Apache-2.0
// Encoding and decoding of journal records.
#include "patch/journal_format.hpp"

#include <xxhash.h>

#include <algorithm>

namespace syncline::patch {
namespace {

constexpr std::string_view file_magic = "SLJ1";
constexpr std::string_view record_magic = "SLJR";
constexpr std::uint16_t format_version = 1;
constexpr std::size_t file_header_bytes = 32;
constexpr std::size_t range_bytes = 16;  ///< of an extent or an arrived range
// A commit of more files than a batch ever holds is no commit of ours.
constexpr std::uint32_t jid_count_max = 1 << 16;

enum MetadataBit : std::uint8_t { mode_bit = 1, uid_bit = 2, gid_bit = 4, mtime_bit = 8, xattr_bit = 16 };

void write_metadata(ByteWriter& out, const fs::Metadata& metadata) {
  out.u8(static_cast<std::uint8_t>((metadata.mode ? mode_bit : 0) | (metadata.uid ? uid_bit : 0) |
                                   (metadata.gid ? gid_bit : 0) | (metadata.mtime_ns ? mtime_bit : 0) |
                                   (metadata.xattrs ? xattr_bit : 0)));
  if (metadata.mode) out.u32(*metadata.mode);
  if (metadata.uid) out.u32(*metadata.uid);
  if (metadata.gid) out.u32(*metadata.gid);
  if (metadata.mtime_ns) out.u64(static_cast<std::uint64_t>(*metadata.mtime_ns));
  if (!metadata.xattrs) return;
  out.varint(metadata.xattrs->size());
  for (const auto& pair : *metadata.xattrs) {
    out.text(pair.name);
    out.blob(pair.value);
  }
}

fs::Metadata read_metadata(ByteReader& in) {
  fs::Metadata out;
  const auto bits = in.u8();
  if (bits >= 2 * xattr_bit) in.fail(Errc::malformed);
  if (bits & mode_bit) out.mode = in.u32();
  if (bits & uid_bit) out.uid = in.u32();
  if (bits & gid_bit) out.gid = in.u32();
  if (bits & mtime_bit) out.mtime_ns = static_cast<std::int64_t>(in.u64());
  if (!(bits & xattr_bit)) return out;
  auto& xattrs = out.xattrs.emplace();
  for (auto count = in.varint_max(limits::xattr_count_max); count > 0; --count) {
    auto name = in.text(limits::name_bytes_max);
    const auto value = in.blob(limits::xattr_bytes_max);
    xattrs.push_back({std::move(name), Bytes(value.begin(), value.end())});
  }
  return out;
}

void write_jids(ByteWriter& out, const std::vector<std::uint64_t>& jids) {
  out.u32(static_cast<std::uint32_t>(jids.size()));
  out.u32(0);
  for (const auto jid : jids) out.u64(jid);
}

std::vector<std::uint64_t> read_jids(ByteReader& in) {
  const auto count = in.u32();
  if (count > jid_count_max) in.fail(Errc::limit_exceeded);
  if (in.u32() != 0) in.fail(Errc::malformed);
  if (in.remaining() / sizeof(std::uint64_t) < count) in.fail(Errc::truncated);
  std::vector<std::uint64_t> jids(count);
  for (auto& jid : jids) jid = in.u64();
  return jids;
}

template <class Range>
void read_range(ByteReader& in, Range& range) {
  range.offset = in.u64();
  range.length_bytes = in.u32();
  if (in.u32() != 0 || range.length_bytes == 0) in.fail(Errc::malformed);
  if (range.offset > ~std::uint64_t{0} - range.length_bytes) in.fail(Errc::malformed);
}

}  // namespace

std::uint64_t journal_sum(ByteView data, std::uint64_t seed) { return XXH64(data.data(), data.size(), seed); }

Bytes encode_file_header(std::uint64_t generation) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.bytes(as_bytes(file_magic));
  out.u16(format_version);
  out.u16(0);
  out.u64(generation);
  out.u32(sector_bytes);
  out.u32(0);
  out.u64(journal_sum(bytes, 0));
  bytes.resize(sector_bytes);
  return bytes;
}

std::optional<std::uint64_t> decode_file_header(ByteView sector) {
  if (sector.size() < file_header_bytes) return std::nullopt;
  ByteReader in(sector.first(file_header_bytes));
  if (as_text(in.bytes(file_magic.size())) != file_magic) return std::nullopt;
  const auto version = in.u16();
  const auto reserved = in.u16();
  const auto generation = in.u64();
  const auto unit = in.u32();
  if (version != format_version || reserved != 0 || unit != sector_bytes || in.u32() != 0)
    return std::nullopt;
  if (in.u64() != journal_sum(sector.first(file_header_bytes - 8), 0)) return std::nullopt;
  return generation;
}

Bytes encode_record(RecordHeader header, ByteView body) {
  Bytes bytes;
  bytes.reserve(round_up_to_sector(record_header_bytes + body.size()));
  ByteWriter out(bytes);
  out.bytes(as_bytes(record_magic));
  out.u8(static_cast<std::uint8_t>(header.type));
  out.u8(0);
  out.u16(0);
  out.u64(header.generation);
  out.u64(header.offset);
  out.u64(header.jid);
  out.u32(header.sequence);
  out.u32(static_cast<std::uint32_t>(body.size()));
  out.u64(journal_sum(body, header.generation));
  out.u64(0);
  out.u64(journal_sum(bytes, header.generation));
  out.bytes(body);
  bytes.resize(round_up_to_sector(bytes.size()));
  return bytes;
}

std::optional<RecordHeader> decode_record_header(ByteView in, std::uint64_t offset,
                                                 std::optional<std::uint64_t> generation) {
  if (in.size() < record_header_bytes) return std::nullopt;
  ByteReader reader(in.first(record_header_bytes));
  if (as_text(reader.bytes(record_magic.size())) != record_magic) return std::nullopt;
  RecordHeader header;
  const auto type = reader.u8();
  const auto reserved_low = reader.u8();
  const auto reserved_high = reader.u16();
  header.type = static_cast<RecordType>(type);
  header.generation = reader.u64();
  header.offset = reader.u64();
  header.jid = reader.u64();
  header.sequence = reader.u32();
  header.body_bytes = reader.u32();
  header.body_sum = reader.u64();
  const auto zero = reader.u64();
  const auto sum = journal_sum(in.first(record_header_bytes - 8), header.generation);
  if (reader.u64() != sum || reserved_low != 0 || reserved_high != 0 || zero != 0) return std::nullopt;
  if (type < 1 || type > static_cast<std::uint8_t>(RecordType::left) || header.offset != offset)
    return std::nullopt;
  if (generation && header.generation != *generation) return std::nullopt;
  if (header.body_bytes > record_body_bytes_max) return std::nullopt;
  return header;
}

Bytes encode_begin(const BeginRecord& record) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.u64(record.device);
  out.u64(record.inode);
  out.u64(record.base_bytes);
  out.u64(static_cast<std::uint64_t>(record.base_mtime_ns));
  out.u64(static_cast<std::uint64_t>(record.base_ctime_ns));
  out.u64(record.new_bytes);
  out.text(record.path);
  return bytes;
}

BeginRecord decode_begin(ByteView body) {
  ByteReader in(body, "journal begin record");
  BeginRecord record;
  record.device = in.u64();
  record.inode = in.u64();
  record.base_bytes = in.u64();
  record.base_mtime_ns = static_cast<std::int64_t>(in.u64());
  record.base_ctime_ns = static_cast<std::int64_t>(in.u64());
  record.new_bytes = in.u64();
  record.path = in.text(limits::path_bytes_max);
  in.expect_done();
  return record;
}

std::size_t data_position(const DataRecord& record) {
  return 8 + range_bytes * (record.extents.size() + record.arrived.size()) + 8 * record.old_sums.size();
}

Bytes encode_data(const DataRecord& record) {
  Bytes bytes;
  bytes.reserve(data_position(record) + record.data.size());
  ByteWriter out(bytes);
  out.u32(static_cast<std::uint32_t>(record.extents.size()));
  out.u32(static_cast<std::uint32_t>(record.arrived.size()));
  const auto write_range = [&](const auto& range) {
    out.u64(range.offset);
    out.u32(range.length_bytes);
    out.u32(0);
  };
  for (const auto& extent : record.extents) write_range(extent);
  for (const auto& range : record.arrived) write_range(range);
  for (const auto sum : record.old_sums) out.u64(sum);
  out.bytes(record.data);
  return bytes;
}

DataRecord decode_data(ByteView body) {
  ByteReader in(body, "journal data record");
  DataRecord record;
  const std::uint64_t count = in.u32();
  const std::uint64_t arrived_count = in.u32();
  if (in.remaining() / range_bytes < count + arrived_count) in.fail(Errc::truncated);
  record.extents.resize(static_cast<std::size_t>(count));
  record.arrived.resize(static_cast<std::size_t>(arrived_count));
  std::uint64_t data_bytes = 0;
  std::uint64_t sums = 0;
  for (auto& extent : record.extents) {
    read_range(in, extent);
    if (extent.offset % sector_bytes != 0) in.fail(Errc::malformed);
    data_bytes += extent.length_bytes;
    sums += sector_count(extent.length_bytes);
  }
  for (auto& range : record.arrived) read_range(in, range);
  if (in.remaining() / sizeof(std::uint64_t) < sums) in.fail(Errc::truncated);
  record.old_sums.resize(static_cast<std::size_t>(sums));
  for (auto& sum : record.old_sums) sum = in.u64();
  if (in.remaining() != data_bytes) in.fail(Errc::malformed);
  record.data = in.bytes(in.remaining());
  return record;
}

Bytes encode_finish(const FinishRecord& record) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.u32(record.data_count);
  write_metadata(out, record.metadata);
  return bytes;
}

FinishRecord decode_finish(ByteView body) {
  ByteReader in(body, "journal finish record");
  FinishRecord record;
  record.data_count = in.u32();
  record.metadata = read_metadata(in);
  in.expect_done();
  return record;
}

Bytes encode_commit(const CommitRecord& record) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.u64(record.span_start);
  write_jids(out, record.jids);
  out.bytes(record.digest.view());
  return bytes;
}

CommitRecord decode_commit(ByteView body) {
  ByteReader in(body, "journal commit record");
  CommitRecord record;
  record.span_start = in.u64();
  record.jids = read_jids(in);
  record.digest.bytes = in.array<hash::digest_bytes>();
  in.expect_done();
  return record;
}

Bytes encode_jids(const std::vector<std::uint64_t>& jids) {
  Bytes bytes;
  ByteWriter out(bytes);
  write_jids(out, jids);
  return bytes;
}

std::vector<std::uint64_t> decode_jids(ByteView body) {
  ByteReader in(body, "journal record");
  auto jids = read_jids(in);
  in.expect_done();
  return jids;
}

}  // namespace syncline::patch
