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
  explicit Scanner(const fs::File& journal)
      : journal_(journal), size_bytes_(journal.stat().size_bytes) {}

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
  bool is_valid_span(const CommitRecord& commit, std::uint64_t span_start,
                     std::uint64_t end) const;
  void collect();
  void add(const FoundRecord& record);
  Transaction& open_transaction(const FoundRecord& record);
  void commit(const FoundRecord& record);
  void drop(const FoundRecord& record);

  const fs::File& journal_;
  std::uint64_t size_bytes_;
  std::optional<std::uint64_t> generation_;
  bool has_file_header_ = false;
  std::vector<FoundRecord> records_;
  std::uint64_t valid_end_ = 0;  ///< end of the last valid commit
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
  if (!header || offset + record_header_bytes + header->body_bytes > size_bytes_)
    return std::nullopt;
  FoundRecord record{*header, Bytes(header->body_bytes)};
  if (journal_.pread(record.body, offset + record_header_bytes) != record.body.size() ||
      journal_sum(record.body, header->generation) != header->body_sum)
    return std::nullopt;
  return record;
}

/// After a damaged record the next one is looked for at each sector: whether a valid commit
/// follows decides between a torn tail and damage.
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

bool Scanner::is_valid_span(const CommitRecord& commit, std::uint64_t span_start,
                            std::uint64_t end) const {
  if (commit.span_start != span_start) return false;
  hash::Blake3 hasher;
  Bytes bytes(digest_piece_bytes);
  for (auto at = span_start; at < end;) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(end - at, bytes.size()));
    if (journal_.pread(std::span(bytes).first(want), at) != want) return false;
    hasher.update(ByteView(bytes).first(want));
    at += want;
  }
  return hasher.finish() == commit.digest;
}

/// Commits follow each other without a gap, and each was on the disk before the next was written.
/// So a broken one is the torn end of the journal, unless a valid one comes after it.
void Scanner::judge_commits() {
  std::optional<std::uint64_t> broken;
  if (!has_file_header_) broken = 0;
  std::uint64_t span_start = sector_bytes;
  valid_end_ = sector_bytes;
  for (const auto& record : records_) {
    if (record.header.type != RecordType::commit) continue;
    const auto commit = decode_commit(record.body);
    const auto offset = record.header.offset;
    const auto end = offset + round_up_to_sector(record_header_bytes + record.body.size());
    // A span that starts behind a broken one is judged by itself.
    const auto start = broken ? commit.span_start : span_start;
    if (start > offset || !is_valid_span(commit, start, offset)) {
      if (!broken) broken = span_start;
      continue;
    }
    if (broken) throw_corrupt(*broken);
    span_start = valid_end_ = end;
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
  if (record.header.offset >= valid_end_) return;  // torn
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

void Scanner::add(const FoundRecord& record) {
  const auto jid = record.header.jid;
  switch (record.header.type) {
    case RecordType::begin:
      if (open_.contains(jid)) throw_corrupt(record.header.offset);
      open_[jid].jid = jid;
      open_[jid].begin = decode_begin(record.body);
      break;
    case RecordType::data:
      open_transaction(record).data_offsets.push_back(record.header.offset);
      break;
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
  }
}

void Scanner::collect() {
  for (const auto& record : records_) {
    if (record.header.offset < valid_end_) {
      add(record);
      continue;
    }
    // In the tail a gap may have swallowed records; what remains of such a transaction is moot.
    try {
      add(record);
    } catch (const Error&) {
    }
  }
  content_.generation = generation_.value_or(0);
  for (auto& transaction : committed_)
    if (!dropped_.contains(transaction.jid)) content_.committed.push_back(std::move(transaction));
  for (auto& [jid, transaction] : open_) content_.unfinished.push_back(std::move(transaction));
}

}  // namespace

JournalContent scan_journal(const fs::File& journal) { return Scanner(journal).run(); }

}  // namespace syncline::patch
