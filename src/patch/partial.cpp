// SPDX-License-Identifier: Apache-2.0
// Partial files: from temporary ones as they are, and out of the journal.
#include "patch/partial.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "base/limits.hpp"
#include "patch/temp.hpp"

namespace syncline::patch {
namespace {

/// The name of the next one; none when there are enough. Makes the directory.
class PartialDir {
 public:
  explicit PartialDir(fs::Dir& area) {
    if (!area.stat_at(partial_dir_name)) area.make_dir(partial_dir_name, 0700);
    dir_ = area.open_dir(partial_dir_name);
  }
  std::optional<std::string> free_name() {
    while (number_ < limits::partial_count_max && dir_->stat_at(std::to_string(number_))) ++number_;
    if (number_ == limits::partial_count_max) return std::nullopt;
    return std::to_string(number_);
  }
  fs::Dir& dir() { return *dir_; }

 private:
  std::unique_ptr<fs::Dir> dir_;
  std::uint32_t number_ = 0;
};

/// Where the journal has the new bytes of a range of the target.
struct Patch {
  std::uint64_t offset = 0;
  std::uint64_t journal_offset = 0;
  std::uint32_t length_bytes = 0;
};

struct Arrived {
  std::vector<ArrivedRange> ranges;
  std::vector<Patch> patches;  ///< by offset, without overlap
  std::uint64_t total_bytes = 0;
};

Arrived arrived_of(const Transaction& transaction, const JournalReader& reader) {
  Arrived out;
  std::size_t record_index = 0;
  reader.for_each_data(transaction, [&](const DataRecord& record) {
    auto at = transaction.data_offsets[record_index++] + record_header_bytes + data_position(record);
    for (const auto& extent : record.extents) {
      out.patches.push_back({extent.offset, at, extent.length_bytes});
      at += extent.length_bytes;
    }
    for (const auto& range : record.arrived) {
      out.ranges.push_back(range);
      out.total_bytes += range.length_bytes;
    }
  });
  std::ranges::sort(out.patches, {}, &Patch::offset);
  return out;
}

/// Bytes of the new version, as far as they are known.
void read_new(std::span<std::byte> out, std::uint64_t offset, const fs::File& base, const Arrived& arrived,
              const JournalReader& reader) {
  read_padded(base, out, offset);
  const auto end = offset + out.size();
  auto patch = std::ranges::upper_bound(arrived.patches, offset, {}, &Patch::offset);
  if (patch != arrived.patches.begin()) --patch;
  for (; patch != arrived.patches.end() && patch->offset < end; ++patch) {
    const auto from = std::max(offset, patch->offset);
    const auto to = std::min(end, patch->offset + patch->length_bytes);
    if (from >= to) continue;
    reader.read(out.subspan(static_cast<std::size_t>(from - offset), static_cast<std::size_t>(to - from)),
                patch->journal_offset + (from - patch->offset));
  }
}

}  // namespace

std::uint64_t keep_partials(fs::Dir& temp_dir, fs::Dir& area) {
  std::vector<const fs::DirEntry*> worth;
  const auto listing = temp_dir.list();
  for (const auto& entry : listing.entries)
    if (entry.stat.type == fs::FileType::regular && entry.stat.allocated_bytes >= limits::partial_bytes_min)
      worth.push_back(&entry);
  if (worth.empty()) return 0;
  PartialDir partials(area);
  std::uint64_t count = 0;
  for (const auto* entry : worth) {
    const auto name = partials.free_name();
    if (!name) break;  // the rest is removed with the other dead ones
    temp_dir.rename(entry->name, partials.dir(), *name);
    ++count;
  }
  return count;
}

bool keep_partial(const fs::File& base, const Transaction& transaction, const JournalReader& reader,
                  fs::Dir& area) {
  const auto arrived = arrived_of(transaction, reader);
  const auto new_bytes = transaction.begin.new_bytes;
  if (arrived.total_bytes < limits::partial_bytes_min || arrived.total_bytes > new_bytes) return false;
  PartialDir partials(area);
  const auto name = partials.free_name();
  if (!name) return false;
  try {
    const auto file = partials.dir().create(*name, private_file_mode);
    file->truncate(new_bytes);
    Bytes bytes;
    std::uint64_t at = 0;
    for (const auto& range : arrived.ranges) {
      bytes.resize(range.length_bytes);
      read_new(bytes, range.offset, base, arrived, reader);
      file->pwrite(bytes, at);
      at += bytes.size();
    }
  } catch (const Error&) {
    partials.dir().unlink(*name);
    throw;
  }
  return true;
}

}  // namespace syncline::patch
