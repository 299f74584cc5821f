// SPDX-License-Identifier: Apache-2.0
// Comparing what arrives with the target, sector by sector, and journalling the difference.
#include "patch/inplace.hpp"

#include <algorithm>
#include <cstring>

namespace syncline::patch {
namespace {

constexpr std::size_t piece_bytes = 256 * limits::kib;
/// After so many bytes of one call the bounds are checked.
constexpr std::size_t slice_bytes = 1 * limits::mib;
constexpr std::size_t record_extents_max = 32 * limits::kib;
constexpr std::size_t record_arrived_max = 16 * limits::kib;
/// Incomplete sectors held in memory; a recipe that leaves more is too scattered for this strategy.
constexpr std::size_t partials_max = 64 * limits::kib;

}  // namespace

InplaceWrite::InplaceWrite(std::shared_ptr<Core> core, Entry entry, std::unique_ptr<fs::File> target)
    : core_(std::move(core)), entry_(std::move(entry)), target_(std::move(target)) {
  const auto& old = *entry_.plan.expected;
  const auto& options = core_->options;
  // Above half of the file a rewrite costs less, and keeps readers out of the way.
  payload_bytes_max_ = options.journal_bytes_max;
  if (options.update != UpdateMode::inplace)
    payload_bytes_max_ = std::min(payload_bytes_max_, entry_.plan.new_bytes / 2);
  auto& begin = transaction_.begin;
  begin.device = old.device;
  begin.inode = old.inode;
  begin.base_bytes = old.size_bytes;
  begin.base_mtime_ns = old.mtime_ns;
  begin.base_ctime_ns = old.ctime_ns;
  begin.new_bytes = entry_.plan.new_bytes;
  begin.path = entry_.path.text();
  transaction_.jid = core_->journal.begin(begin);
  is_begun_ = true;
}

InplaceWrite::~InplaceWrite() {
  if (is_begun_) core_->journal.abort(transaction_.jid);
}

std::uint64_t InplaceWrite::sector_length(std::uint64_t sector) const {
  return std::min<std::uint64_t>(sector_bytes, entry_.plan.new_bytes - sector * sector_bytes);
}

/// False when the range is to be given to the rewrite that this has become.
bool InplaceWrite::accept(std::uint64_t offset, std::uint64_t length_bytes) {
  if (rewrite_) return false;
  check_range(offset, length_bytes, entry_.plan.new_bytes, entry_.path);
  if (!is_begun_)
    throw Error(Errc::protocol, "write to '" + escape_name(entry_.path.text()) + "' after its end");
  if (wants_rewrite_ || covered_.add(offset, offset + length_bytes)) become_rewrite();
  return !rewrite_;
}

/// Calls whole(offset, length, index of the first byte) for the sectors that the range covers and
/// part(...) for a piece of a sector at either end. The last sector of the file may be short.
template <class Whole, class Part>
void InplaceWrite::split(std::uint64_t offset, std::uint64_t length_bytes, Whole&& whole, Part&& part) {
  const auto end = offset + length_bytes;
  auto at = offset;
  if (const auto in_sector = at % sector_bytes; in_sector != 0 && at < end) {
    const auto stop = std::min(end, at - in_sector + sector_bytes);
    part(at, static_cast<std::size_t>(stop - at), at - offset);
    at = stop;
  }
  const auto whole_end = end == entry_.plan.new_bytes ? end : end - end % sector_bytes;
  if (at < whole_end) {
    whole(at, whole_end - at, at - offset);
    at = whole_end;
  }
  if (at < end) part(at, static_cast<std::size_t>(end - at), at - offset);
}

void InplaceWrite::write(std::uint64_t offset, ByteView data) {
  while (accept(offset, std::min(data.size(), slice_bytes))) {
    const auto slice = data.first(std::min(data.size(), slice_bytes));
    absorb(offset, slice);
    record_arrived(offset, slice.size());
    check_bounds();
    data = data.subspan(slice.size());
    if (data.empty()) return;
    offset += slice.size();
  }
  rewrite_->write(offset, data);
}

void InplaceWrite::absorb(std::uint64_t offset, ByteView data) {
  split(
      offset, data.size(),
      [&](std::uint64_t at, std::uint64_t length, std::uint64_t index) {
        compare(at, data.subspan(static_cast<std::size_t>(index), static_cast<std::size_t>(length)));
      },
      [&](std::uint64_t at, std::size_t length, std::uint64_t index) {
        give_part(at, length, data.data() + index);
      });
}

void InplaceWrite::copy(std::uint64_t offset, std::uint64_t old_offset, std::uint64_t length_bytes) {
  check_range(old_offset, length_bytes, transaction_.begin.base_bytes, entry_.path);
  if (offset != old_offset) return copy_from(offset, *basis(), old_offset, length_bytes);
  if (!accept(offset, length_bytes)) return rewrite_->copy(offset, old_offset, length_bytes);
  absorb_nothing(offset, length_bytes, nullptr);
  check_bounds();
}

void InplaceWrite::copy_from(std::uint64_t offset, const fs::File& source, std::uint64_t source_offset,
                             std::uint64_t length_bytes) {
  Bytes bytes(static_cast<std::size_t>(std::min<std::uint64_t>(length_bytes, slice_bytes)));
  while (accept(offset, std::min<std::uint64_t>(length_bytes, slice_bytes))) {
    bytes.resize(static_cast<std::size_t>(std::min<std::uint64_t>(length_bytes, slice_bytes)));
    if (source.pread(bytes, source_offset) != bytes.size())
      throw Error(Errc::changed, "copy into '" + escape_name(entry_.path.text()) + "'");
    absorb(offset, bytes);
    check_bounds();
    length_bytes -= bytes.size();
    if (length_bytes == 0) return;
    offset += bytes.size();
    source_offset += bytes.size();
  }
  rewrite_->copy_from(offset, source, source_offset, length_bytes);
}

void InplaceWrite::zeros(std::uint64_t offset, std::uint64_t length_bytes) {
  check_range(offset, length_bytes, entry_.plan.new_bytes, entry_.path);
  while (length_bytes > 0) {
    const auto slice = zero_slice(offset, length_bytes);
    if (!accept(offset, slice.length_bytes)) return rewrite_->zeros(offset, length_bytes);
    absorb_zeros(slice);
    check_bounds();
    offset += slice.length_bytes;
    length_bytes -= slice.length_bytes;
  }
}

/// The start of the range as far as the old file is all hole there, or up to slice_bytes of data.
/// Only where it has data can zeros make a difference; holes may be huge.
fs::Extent InplaceWrite::zero_slice(std::uint64_t offset, std::uint64_t length_bytes) const {
  const auto& old = rewrite_ ? *rewrite_->basis() : *target_;
  const auto extent = offset < transaction_.begin.base_bytes ? old.extent_at(offset) : std::nullopt;
  if (!extent) return {offset, length_bytes, true};
  const auto length = std::min(extent->offset + extent->length_bytes - offset, length_bytes);
  if (extent->hole) return {offset, length, true};
  return {offset, std::min<std::uint64_t>(length, slice_bytes), false};
}

void InplaceWrite::absorb_zeros(const fs::Extent& slice) {
  static const Bytes zeros(slice_bytes);
  if (slice.hole) absorb_nothing(slice.offset, slice.length_bytes, zeros.data());
  else absorb(slice.offset, ByteView(zeros).first(static_cast<std::size_t>(slice.length_bytes)));
}

/// A range whose whole sectors stay as they are; `part` are the bytes for a piece of a sector at
/// its ends, null for the old ones.
void InplaceWrite::absorb_nothing(std::uint64_t offset, std::uint64_t length_bytes, const std::byte* part) {
  split(
      offset, length_bytes, [](std::uint64_t, std::uint64_t, std::uint64_t) {},
      [&](std::uint64_t at, std::size_t length, std::uint64_t) { give_part(at, length, part); });
}

/// `data` null: the old bytes stay.
void InplaceWrite::give_part(std::uint64_t offset, std::size_t length_bytes, const std::byte* data) {
  const auto sector = offset / sector_bytes;
  auto& partial = partials_[sector];
  if (data != nullptr) {
    if (!partial.bytes) {
      partial.bytes = std::make_unique<std::array<std::byte, sector_bytes>>();
      read_padded(*target_, *partial.bytes, sector * sector_bytes);
    }
    std::memcpy(partial.bytes->data() + offset % sector_bytes, data, length_bytes);
  }
  partial.given_bytes += static_cast<std::uint32_t>(length_bytes);
  const auto whole = sector_length(sector);
  if (partial.given_bytes < whole) return;
  const auto node = partials_.extract(sector);
  if (node.mapped().bytes)
    compare(sector * sector_bytes, ByteView(*node.mapped().bytes).first(static_cast<std::size_t>(whole)));
}

/// `data` is whole sectors.
void InplaceWrite::compare(std::uint64_t offset, ByteView data) {
  Bytes old(std::min(data.size(), piece_bytes));
  while (!data.empty()) {
    const auto piece = data.first(std::min(data.size(), piece_bytes));
    const auto before = std::span(old).first(piece.size());
    read_padded(*target_, before, offset);
    for (std::size_t at = 0; at < piece.size(); at += sector_bytes) {
      const auto length = std::min(sector_bytes, piece.size() - at);
      if (std::memcmp(piece.data() + at, before.data() + at, length) != 0)
        record_changed(offset + at, piece.subspan(at, length), before.subspan(at, length));
    }
    data = data.subspan(piece.size());
    offset += piece.size();
  }
}

void InplaceWrite::record_changed(std::uint64_t offset, ByteView now, ByteView old) {
  auto& extents = record_.extents;
  if (data_.size() >= record_payload_bytes || extents.size() >= record_extents_max) flush_record();
  if (!extents.empty() && extents.back().offset + extents.back().length_bytes == offset)
    extents.back().length_bytes += static_cast<std::uint32_t>(now.size());
  else extents.push_back({offset, static_cast<std::uint32_t>(now.size())});
  record_.old_sums.push_back(journal_sum(old, core_->journal.generation()));
  data_.insert(data_.end(), now.begin(), now.end());
  payload_bytes_ += now.size();
}

void InplaceWrite::record_arrived(std::uint64_t offset, std::uint64_t length_bytes) {
  auto& arrived = record_.arrived;
  const bool follows = !arrived.empty() && arrived.back().offset + arrived.back().length_bytes == offset &&
                       arrived.back().length_bytes + length_bytes <= record_payload_bytes;
  if (follows) arrived.back().length_bytes += static_cast<std::uint32_t>(length_bytes);
  else if (length_bytes > 0) arrived.push_back({offset, static_cast<std::uint32_t>(length_bytes)});
  if (arrived.size() >= record_arrived_max) flush_record();
}

void InplaceWrite::flush_record() {
  if (record_.extents.empty() && record_.arrived.empty()) return;
  const auto sequence = static_cast<std::uint32_t>(transaction_.data_offsets.size() + 1);
  record_.data = data_;
  const auto body = encode_data(record_);
  transaction_.data_offsets.push_back(
      core_->journal.append(RecordType::data, transaction_.jid, sequence, body));
  record_ = {};
  data_.clear();
  // A lease that cannot be renewed: somebody waits to open the file.
  if (!target_->try_lease()) wants_rewrite_ = true;
}

void InplaceWrite::check_bounds() {
  if (payload_bytes_ > payload_bytes_max_ || !core_->journal.has_room(data_.size()) ||
      partials_.size() > partials_max)
    wants_rewrite_ = true;
}

void InplaceWrite::become_rewrite() {
  flush_record();
  auto temp = core_->temps.create(entry_.parent);
  restore_into(temp->file());
  core_->journal.abort(transaction_.jid);
  is_begun_ = false;
  rewrite_ = std::make_unique<RewriteWrite>(core_, std::move(entry_), std::move(temp), std::move(target_),
                                            TempContent::partly, std::move(covered_));
}

/// Everything given so far: the old bytes of the covered ranges, with the changes put over them.
void InplaceWrite::restore_into(fs::File& temp) {
  const auto base_bytes = transaction_.begin.base_bytes;
  covered_.for_each([&](std::uint64_t begin, std::uint64_t end) {
    end = std::min(end, base_bytes);
    if (begin >= end) return;
    temp.copy_range(*target_, begin, begin, end - begin);
    core_->written_bytes += end - begin;
  });
  patch_target(temp, temp.stat(), transaction_, core_->journal.reader(), core_->written_bytes);
  for (const auto& [sector, partial] : partials_) {
    if (!partial.bytes) continue;
    temp.pwrite(ByteView(*partial.bytes).first(static_cast<std::size_t>(sector_length(sector))),
                sector * sector_bytes);
  }
}

void InplaceWrite::leave_behind() noexcept {
  if (rewrite_) return rewrite_->leave_behind();
  if (!is_begun_) return;
  try {
    flush_record();
  } catch (const std::exception&) {
    return;  // a disk that is full, most likely: then the journal had better go
  }
  core_->journal.leave(transaction_.jid);
  is_begun_ = false;
}

void InplaceWrite::fill_gaps() {
  std::vector<fs::Extent> gaps;
  covered_.for_each_gap(entry_.plan.new_bytes, [&](std::uint64_t begin, std::uint64_t end) {
    gaps.push_back({begin, end - begin, true});
  });
  for (const auto& gap : gaps) zeros(gap.offset, gap.length_bytes);
}

void InplaceWrite::finish(const fs::Metadata& metadata, std::uint64_t token) {
  if (!rewrite_) {
    if (!is_begun_) accept(0, 0);
    fill_gaps();
    if (!rewrite_) flush_record();
    if (!rewrite_ && wants_rewrite_) become_rewrite();
  }
  if (rewrite_) return rewrite_->finish(metadata, token);

  transaction_.finish.data_count = static_cast<std::uint32_t>(transaction_.data_offsets.size());
  transaction_.finish.metadata = metadata;
  // Writing takes set-id bits away from a file, so the mode is always put back.
  if (!metadata.mode) transaction_.finish.metadata.mode = entry_.plan.expected->mode;
  core_->journal.append(RecordType::finish, transaction_.jid, transaction_.finish.data_count + 1,
                        encode_finish(transaction_.finish));
  Pending item;
  item.token = token;
  item.entry = std::move(entry_);
  item.inplace = std::make_unique<InplaceChange>();
  item.inplace->target = std::move(target_);
  item.inplace->transaction = std::move(transaction_);
  is_begun_ = false;
  core_->enqueue(std::move(item));
}

}  // namespace syncline::patch
