// SPDX-License-Identifier: Apache-2.0
// Finding records, judging commits, collecting transactions.
#include "patch/journal_scan.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "hash/digest.hpp"

namespace syncline::patch {
namespace {

constexpr std::size_t digest_piece_bytes = 256 * limits::kib;

[[noreturn]] void throw_corrupt(std::uint64_t offset) {
  throw Error(Errc::corrupt, "journal .syncline/journal", offset);
}

struct FoundRecord {
  RecordHeader header;
  Bytes body;  ///< not kept for data records
};

class Scanner {
 public:
  explicit Scanner(const fs::File& journal) : journal_(journal), size_bytes_(journal.stat().size_bytes) {}

  JournalContent run() {
    read_file_header();
    find_records();
    judge_commits();
    collect();
    return std::move(content_);
  }

 private:
  void read_file_header();
  void find_records();
  std::optional<FoundRecord> read_record(std::uint64_t offset) const;
  void judge_commits();
  hash::Digest digest_of(std::uint64_t begin, std::uint64_t end) const;
  void collect();
  void add(const FoundRecord& record);
  Transaction& open_transaction(const FoundRecord& record);
  void commit(const FoundRecord& record);
  void drop(const FoundRecord& record);
  void leave(const FoundRecord& record);

  const fs::File& journal_;
  std::uint64_t size_bytes_;
  std::optional<std::uint64_t> generation_;
  bool has_file_header_ = false;
  std::vector<FoundRecord> records_;
  std::uint64_t committed_end_ = 0;  ///< end of the last commit
  std::map<std::uint64_t, Transaction> open_;
  std::set<std::uint64_t> finished_;
  std::vector<Transaction> committed_;
  std::set<std::uint64_t> dropped_;
  JournalContent content_;
};

void Scanner::read_file_header() {
  std::array<std::byte, sector_bytes> sector;
  const auto got = journal_.pread(sector, 0);
  generation_ = decode_file_header(ByteView(sector).first(got));
  has_file_header_ = generation_.has_value();
}

std::optional<FoundRecord> Scanner::read_record(std::uint64_t offset) const {
  std::array<std::byte, record_header_bytes> raw;
  const auto got = journal_.pread(raw, offset);
  const auto header = decode_record_header(ByteView(raw).first(got), offset, generation_);
  if (!header || offset + record_header_bytes + header->body_bytes > size_bytes_) return std::nullopt;
  FoundRecord record{*header, Bytes(header->body_bytes)};
  if (journal_.pread(record.body, offset + record_header_bytes) != record.body.size() ||
      journal_sum(record.body, header->generation) != header->body_sum)
    return std::nullopt;
  return record;
}

/// After an unreadable record the next one is looked for at each sector: whether a commit follows
/// decides between a torn tail and damage.
void Scanner::find_records() {
  for (std::uint64_t offset = sector_bytes; offset < size_bytes_;) {
    auto record = read_record(offset);
    if (!record) {
      offset += sector_bytes;
      continue;
    }
    if (!generation_) generation_ = record->header.generation;
    offset += round_up_to_sector(record_header_bytes + record->body.size());
    if (record->header.type == RecordType::data) record->body.clear();
    records_.push_back(std::move(*record));
  }
}

hash::Digest Scanner::digest_of(std::uint64_t begin, std::uint64_t end) const {
  hash::Blake3 hasher;
  Bytes bytes(digest_piece_bytes);
  while (begin < end) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(end - begin, bytes.size()));
    const auto got = journal_.pread(std::span(bytes).first(want), begin);
    hasher.update(ByteView(bytes).first(got));
    if (got < want) break;
    begin += want;
  }
  return hasher.finish();
}

/// Each commit covers everything from the one before on, itself included, and all of that was on
/// the disk before it was written: a commit that does not match tells of damage.
void Scanner::judge_commits() {
  std::uint64_t span_start = sector_bytes;
  for (const auto& record : records_) {
    if (record.header.type != RecordType::commit) continue;
    if (!has_file_header_) throw_corrupt(0);
    const auto commit = decode_commit(record.body);
    const auto offset = record.header.offset;
    if (commit.span_start != span_start || digest_of(span_start, offset) != commit.digest)
      throw_corrupt(span_start);
    span_start = offset;
    committed_end_ = offset + round_up_to_sector(record_header_bytes + record.body.size());
  }
}

Transaction& Scanner::open_transaction(const FoundRecord& record) {
  const auto found = open_.find(record.header.jid);
  const bool in_order = found != open_.end() && !finished_.contains(record.header.jid) &&
                        record.header.sequence == found->second.data_offsets.size() + 1;
  if (in_order) return found->second;
  throw_corrupt(record.header.offset);
}

void Scanner::commit(const FoundRecord& record) {
  for (const auto jid : decode_commit(record.body).jids) {
    const auto found = open_.find(jid);
    if (found == open_.end() || !finished_.contains(jid)) throw_corrupt(record.header.offset);
    committed_.push_back(std::move(found->second));
    open_.erase(found);
  }
}

void Scanner::drop(const FoundRecord& record) {
  for (const auto jid : decode_jids(record.body)) {
    dropped_.insert(jid);
    open_.erase(jid);
  }
}

void Scanner::leave(const FoundRecord& record) {
  for (const auto jid : decode_jids(record.body)) {
    const auto found = open_.find(jid);
    if (found == open_.end()) continue;
    content_.left.push_back(std::move(found->second));
    open_.erase(found);
  }
}

void Scanner::add(const FoundRecord& record) {
  const auto jid = record.header.jid;
  switch (record.header.type) {
    case RecordType::begin:
      if (open_.contains(jid)) throw_corrupt(record.header.offset);
      open_[jid].jid = jid;
      open_[jid].begin = decode_begin(record.body);
      break;
    case RecordType::data: open_transaction(record).data_offsets.push_back(record.header.offset); break;
    case RecordType::finish: {
      auto& transaction = open_transaction(record);
      transaction.finish = decode_finish(record.body);
      if (transaction.finish.data_count != transaction.data_offsets.size())
        throw_corrupt(record.header.offset);
      finished_.insert(jid);
      break;
    }
    case RecordType::commit: commit(record); break;
    case RecordType::checkpoint:
    case RecordType::abort: drop(record); break;
    case RecordType::left: leave(record); break;
  }
}

void Scanner::collect() {
  for (const auto& record : records_) {
    if (record.header.offset < committed_end_) {
      add(record);
      continue;
    }
    // In the tail a gap may have swallowed records; what remains of such a transaction is moot.
    try {
      add(record);
    } catch (const Error&) {}
  }
  content_.generation = generation_.value_or(0);
  for (auto& transaction : committed_)
    if (!dropped_.contains(transaction.jid)) content_.committed.push_back(std::move(transaction));
  for (auto& [jid, transaction] : open_) content_.unfinished.push_back(std::move(transaction));
}

}  // namespace

JournalContent scan_journal(const fs::File& journal) { return Scanner(journal).run(); }

}  // namespace syncline::patch
