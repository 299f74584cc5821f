// SPDX-License-Identifier: Apache-2.0
// Applies journalled bytes to a target, and tells how far that has come.
#include "patch/transaction.hpp"

#include <algorithm>
#include <cstring>

namespace syncline::patch {
namespace {

/// Calls visit(extent, its data, index of its first sum).
template <class Visit>
void for_each_extent(const DataRecord& record, Visit&& visit) {
  std::size_t data_at = 0;
  std::size_t sum_at = 0;
  for (const auto& extent : record.extents) {
    visit(extent, record.data.subspan(data_at, extent.length_bytes), sum_at);
    data_at += extent.length_bytes;
    sum_at += static_cast<std::size_t>(sector_count(extent.length_bytes));
  }
}

void reserve_holes(fs::File& target, std::uint64_t begin, std::uint64_t end) {
  while (begin < end) {
    const auto extent = target.extent_at(begin);
    const auto next = extent ? std::min(end, extent->offset + extent->length_bytes) : end;
    if (!extent || extent->hole) target.preallocate(begin, next - begin, true);
    begin = next;
  }
}

}  // namespace

Bytes JournalReader::body(std::uint64_t offset) const {
  std::array<std::byte, record_header_bytes> raw;
  const auto got = journal_.pread(raw, offset);
  const auto header = decode_record_header(ByteView(raw).first(got), offset, generation_);
  if (!header) throw Error(Errc::corrupt, "journal record", offset);
  Bytes bytes(header->body_bytes);
  if (journal_.pread(bytes, offset + record_header_bytes) != bytes.size() ||
      journal_sum(bytes, generation_) != header->body_sum)
    throw Error(Errc::corrupt, "journal record", offset);
  return bytes;
}

void JournalReader::read(std::span<std::byte> out, std::uint64_t offset) const {
  if (journal_.pread(out, offset) != out.size()) throw Error(Errc::truncated, "journal record", offset);
}

void read_padded(const fs::File& file, std::span<std::byte> out, std::uint64_t offset) {
  const auto got = file.pread(out, offset);
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(got), out.end(), std::byte{0});
}

SectorCounts count_sectors(const fs::File& target, const Transaction& transaction,
                           const JournalReader& reader) {
  SectorCounts counts;
  Bytes current;
  reader.for_each_data(transaction, [&](const DataRecord& record) {
    for_each_extent(record, [&](const DataExtent& extent, ByteView data, std::size_t sum_at) {
      current.resize(data.size());
      read_padded(target, current, extent.offset);
      for (std::size_t at = 0; at < data.size(); at += sector_bytes, ++sum_at) {
        const auto length = std::min(sector_bytes, data.size() - at);
        const auto found = ByteView(current).subspan(at, length);
        if (std::memcmp(found.data(), data.data() + at, length) == 0) ++counts.new_count;
        else if (journal_sum(found, reader.generation()) == record.old_sums[sum_at]) ++counts.old_count;
        else ++counts.foreign_count;
      }
    });
  });
  return counts;
}

void reserve_for_patch(fs::File& target, const fs::Stat& current, const Transaction& transaction,
                       const JournalReader& reader) {
  const bool has_holes = current.allocated_bytes < current.size_bytes;
  if (!has_holes && transaction.begin.new_bytes <= current.size_bytes) return;
  reader.for_each_data(transaction, [&](const DataRecord& record) {
    for (const auto& extent : record.extents) {
      const auto end = extent.offset + extent.length_bytes;
      const auto inside = std::clamp(current.size_bytes, extent.offset, end);
      if (has_holes) reserve_holes(target, extent.offset, inside);
      if (end > inside) target.preallocate(inside, end - inside, true);
    }
  });
}

void patch_target(fs::File& target, const fs::Stat& current, const Transaction& transaction,
                  const JournalReader& reader, std::atomic<std::uint64_t>& written_bytes) {
  const auto new_bytes = transaction.begin.new_bytes;
  // Growing first: then the size is the old or the new one at any moment, never in between.
  if (new_bytes > current.size_bytes) target.truncate(new_bytes);
  reader.for_each_data(transaction, [&](const DataRecord& record) {
    for_each_extent(record, [&](const DataExtent& extent, ByteView data, std::size_t) {
      target.pwrite(data, extent.offset);
      written_bytes += data.size();
    });
  });
  if (new_bytes < current.size_bytes) target.truncate(new_bytes);
}

void build_new_version(fs::File& temp, const fs::File& base, const Transaction& transaction,
                       const JournalReader& reader, std::atomic<std::uint64_t>& written_bytes) {
  const auto common =
      std::min({base.stat().size_bytes, transaction.begin.base_bytes, transaction.begin.new_bytes});
  if (common > 0) temp.copy_range(base, 0, 0, common);
  written_bytes += common;
  patch_target(temp, temp.stat(), transaction, reader, written_bytes);
}

}  // namespace syncline::patch
