// SPDX-License-Identifier: Apache-2.0
// Appending to the redo journal and its commit points.
#include "patch/journal.hpp"

#include <algorithm>
#include <cerrno>

namespace syncline::patch {
namespace {

constexpr std::uint64_t reserve_step_bytes = 8 * limits::mib;

}  // namespace

Journal::Journal(std::shared_ptr<fs::Dir> root, std::shared_ptr<fs::Dir> area, const Options& options,
                 std::atomic<std::uint64_t>& written_bytes)
    : root_(std::move(root)), area_(std::move(area)), options_(options), written_bytes_(written_bytes) {}

bool Journal::has_room(std::uint64_t payload_bytes) const {
  const Lock lock(mutex_);
  // With a change in it that could not be applied it cannot be emptied any more.
  return !broken_ && kept_count_ == 0 && payload_bytes <= options_.bytes_max &&
         tail_ <= options_.bytes_max - payload_bytes;
}

std::uint64_t Journal::generation() const {
  const Lock lock(mutex_);
  return generation_;
}

JournalReader Journal::reader() const {
  const Lock lock(mutex_);
  return {*file_, generation_};
}

void Journal::check_usable() const {
  if (broken_) throw Error(EIO, "write the journal .syncline/journal");
}

void Journal::start_generation() {
  if (!file_) {
    file_ = area_->create(journal_name);
    // Its name must outlive a power cut as well as its content.
    if (options_.durable) {
      try {
        area_->sync();
        root_->sync();
      } catch (...) {
        broken_ = true;
        throw;
      }
    }
  }
  const std::uint64_t number = ++generation_count_;
  generation_ = journal_sum({reinterpret_cast<const std::byte*>(&number), sizeof number}, options_.seed);
  const Bytes header = encode_file_header(generation_);
  file_->pwrite(header, 0);
  written_bytes_ += header.size();
  tail_ = span_start_ = header.size();
  span_ = hash::Blake3();
}

void Journal::reserve(std::uint64_t length_bytes) {
  const auto end = tail_ + length_bytes;
  if (end <= reserved_) return;
  const auto from = std::max(reserved_, tail_);
  try {
    file_->preallocate(from, std::max(reserve_step_bytes, end - from), true);
    reserved_ = from + std::max(reserve_step_bytes, end - from);
  } catch (const Error& error) {
    if (!error.is_errno(ENOSPC)) throw;
    file_->preallocate(from, end - from, true);
    reserved_ = end;
  }
}

std::uint64_t Journal::append_locked(RecordType type, std::uint64_t jid, std::uint32_t sequence,
                                     ByteView body) {
  RecordHeader header;
  header.type = type;
  header.generation = generation_;
  header.offset = tail_;
  header.jid = jid;
  header.sequence = sequence;
  const Bytes record = encode_record(header, body);
  reserve(record.size());
  file_->pwrite(record, tail_);
  written_bytes_ += record.size();
  span_.update(record);
  tail_ += record.size();
  return header.offset;
}

std::uint64_t Journal::begin(const BeginRecord& record) {
  const Lock lock(mutex_);
  check_usable();
  if (tail_ == 0) start_generation();
  append_locked(RecordType::begin, next_jid_, 0, encode_begin(record));
  ++active_count_;
  return next_jid_++;
}

std::uint64_t Journal::append(RecordType type, std::uint64_t jid, std::uint32_t sequence, ByteView body) {
  const Lock lock(mutex_);
  check_usable();
  return append_locked(type, jid, sequence, body);
}

void Journal::sync() {
  if (options_.durable) file_->sync_data();
}

void Journal::commit(const std::vector<std::uint64_t>& jids) {
  const Lock lock(mutex_);
  if (broken_) active_count_ -= jids.size();
  check_usable();
  try {
    // Two barriers: where a sound commit record stands, all before it was on the disk when it was
    // written. So what does not match it later is damage, and never a write that was overtaken.
    sync();
    const auto body = encode_commit({span_start_, jids, span_.finish()});
    span_start_ = tail_;  // the next span takes in this record
    span_ = hash::Blake3();
    append_locked(RecordType::commit, 0, 0, body);
    sync();
  } catch (...) {
    broken_ = true;
    active_count_ -= jids.size();
    discard_broken();
    throw;
  }
}

void Journal::checkpoint(const std::vector<std::uint64_t>& jids) {
  const Lock lock(mutex_);
  check_usable();
  const bool is_last = active_count_ == jids.size() && kept_count_ == 0;
  try {
    if (is_last) {
      // An empty journal asks for nothing: it stands for the record, and spares writing one.
      empty();
      if (options_.durable) file_->sync();
    } else {
      append_locked(RecordType::checkpoint, 0, 0, encode_jids(jids));
      sync();
    }
  } catch (...) {
    broken_ = true;
    active_count_ -= jids.size();
    kept_count_ += jids.size();
    throw;
  }
  active_count_ -= jids.size();
}

void Journal::abort(std::uint64_t jid) noexcept {
  const Lock lock(mutex_);
  // The last one needs no record: the journal is emptied right away.
  const bool needs_record = !broken_ && active_count_ + kept_count_ > 1;
  try {
    if (needs_record) append_locked(RecordType::abort, 0, 0, encode_jids({jid}));
  } catch (const std::exception&) {
    // Recovery drops it as well: it has no commit.
  }
  end_transactions(1);
}

void Journal::leave(std::uint64_t jid) noexcept {
  const Lock lock(mutex_);
  try {
    check_usable();
    append_locked(RecordType::left, 0, 0, encode_jids({jid}));
    --active_count_;
    ++kept_count_;
  } catch (const std::exception&) {
    end_transactions(1);  // less is left then: it serves only to spare bytes
  }
}

void Journal::revoke(std::uint64_t jid) {
  const Lock lock(mutex_);
  try {
    check_usable();
    append_locked(RecordType::abort, 0, 0, encode_jids({jid}));
    sync();
  } catch (...) {
    broken_ = true;
    --active_count_;
    ++kept_count_;
    throw;
  }
  end_transactions(1);
}

void Journal::keep(std::uint64_t count) {
  const Lock lock(mutex_);
  active_count_ -= count;
  kept_count_ += count;
}

void Journal::end_transactions(std::uint64_t count) {
  active_count_ -= count;
  if (active_count_ > 0 || kept_count_ > 0 || broken_) return;
  // Everything in it is over, and durably so where it matters: records that a power cut brings back have no
  // commit, or are followed by what took it back.
  try {
    empty();
  } catch (const Error&) {
    broken_ = true;  // the next run finds a journal that asks for nothing
  }
}

void Journal::empty() {
  file_->truncate(0);
  tail_ = reserved_ = 0;
}

/// After a failed commit: its record may be on the disk nevertheless and must not come into force
/// later, when the caller has been told that nothing was changed.
void Journal::discard_broken() noexcept {
  if (kept_count_ > 0) return;
  try {
    file_->truncate(0);
    area_->unlink(journal_name);
    if (options_.durable) area_->sync();
  } catch (const std::exception&) {
    // The disk refuses everything. Redoing the change in the next run would do no harm: its
    // target is only patched while it is still the file that the transaction began with.
  }
}

void Journal::remove() {
  const Lock lock(mutex_);
  if (!file_ || kept_count_ > 0 || active_count_ > 0) return;
  if (!area_->stat_at(journal_name)) return;
  area_->unlink(journal_name);
}

}  // namespace syncline::patch
