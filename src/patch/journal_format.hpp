// SPDX-License-Identifier: Apache-2.0
// The records of the redo journal and their bytes; docs/format/journal.md describes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "fs/metadata.hpp"
#include "hash/digest.hpp"

namespace syncline::patch {

/// Everything in the journal and every patched range starts at a multiple of this: the unit that
/// a disk writes whole or not at all.
inline constexpr std::size_t sector_bytes = 512;
inline constexpr std::size_t record_header_bytes = 64;
inline constexpr std::size_t record_body_bytes_max = 4 * limits::mib;
/// Payload at which a data record is written; leaves room for the tables in front of it.
inline constexpr std::size_t record_payload_bytes = 1 * limits::mib;

enum class RecordType : std::uint8_t {
  begin = 1,       ///< a transaction: one file on its way
  data = 2,        ///< new bytes of that file
  finish = 3,      ///< all of its data is there; its metadata
  commit = 4,      ///< the point of no return of some transactions
  checkpoint = 5,  ///< their targets are on disk
  abort = 6,       ///< they never happened
  left = 7,        ///< they never happen either, but what they brought may serve once more
};

struct RecordHeader {
  RecordType type = RecordType::begin;
  std::uint64_t generation = 0;
  std::uint64_t offset = 0;  ///< where in the journal this record starts
  std::uint64_t jid = 0;     ///< transaction, 0 for commit, checkpoint and abort
  std::uint32_t sequence = 0;
  std::uint32_t body_bytes = 0;
  std::uint64_t body_sum = 0;
};

struct BeginRecord {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t base_bytes = 0;
  std::int64_t base_mtime_ns = 0;
  std::int64_t base_ctime_ns = 0;
  std::uint64_t new_bytes = 0;
  std::string path;
};

struct DataExtent {
  std::uint64_t offset = 0;        ///< in the target, a multiple of sector_bytes
  std::uint32_t length_bytes = 0;  ///< a multiple of it too, but for the last of the file
};

/// A range of the new version that arrived whole, at any offset: chunks that recovery can find again.
struct ArrivedRange {
  std::uint64_t offset = 0;
  std::uint32_t length_bytes = 0;
};

/// `arrived`: since the record before; of their sectors this record and those before have what differs.
/// `old_sums` has one entry for each sector of each extent, in order: journal_sum() of what stood
/// there before, over the bytes that the new sector has, zeros where the old file ended earlier.
struct DataRecord {
  std::vector<DataExtent> extents;
  std::vector<ArrivedRange> arrived;
  std::vector<std::uint64_t> old_sums;
  ByteView data;  ///< the extents' bytes one after the other, a view of the decoded body
};

struct FinishRecord {
  std::uint32_t data_count = 0;  ///< how many data records the transaction has
  fs::Metadata metadata;
};

/// `digest` covers every byte of the journal from `span_start`, the offset of the commit record before
/// or of the first record, up to this record.
struct CommitRecord {
  std::uint64_t span_start = 0;
  std::vector<std::uint64_t> jids;
  hash::Digest digest;
};

/// XXH64. Seeded with the journal's random generation, so that bytes in a payload cannot pass for
/// a record by design of their author.
std::uint64_t journal_sum(ByteView data, std::uint64_t seed);

inline std::uint64_t sector_count(std::uint64_t length_bytes) {
  return (length_bytes + sector_bytes - 1) / sector_bytes;
}
inline std::uint64_t round_up_to_sector(std::uint64_t bytes) { return sector_count(bytes) * sector_bytes; }

/// The first sector of a journal.
Bytes encode_file_header(std::uint64_t generation);
/// The generation; nothing when `sector` is no such header.
std::optional<std::uint64_t> decode_file_header(ByteView sector);

/// Header, body and padding up to a sector boundary. `header.body_*` are computed.
Bytes encode_record(RecordHeader header, ByteView body);
/// Nothing unless `in` (record_header_bytes) is a sound header of a record at `offset`, of
/// `generation` where one is given.
std::optional<RecordHeader> decode_record_header(ByteView in, std::uint64_t offset,
                                                 std::optional<std::uint64_t> generation);

// Bodies. The decoders throw Error (malformed, truncated, limit_exceeded) with the byte offset.
Bytes encode_begin(const BeginRecord& record);
BeginRecord decode_begin(ByteView body);
/// Where the new bytes start in the body of a data record.
std::size_t data_position(const DataRecord& record);
Bytes encode_data(const DataRecord& record);
DataRecord decode_data(ByteView body);
Bytes encode_finish(const FinishRecord& record);
FinishRecord decode_finish(ByteView body);
Bytes encode_commit(const CommitRecord& record);
CommitRecord decode_commit(ByteView body);
Bytes encode_jids(const std::vector<std::uint64_t>& jids);
std::vector<std::uint64_t> decode_jids(ByteView body);

}  // namespace syncline::patch
