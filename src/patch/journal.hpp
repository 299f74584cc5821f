// SPDX-License-Identifier: Apache-2.0
// The redo journal of a running Area: appends transactions, commits and forgets them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fs/fs.hpp"
#include "hash/digest.hpp"
#include "patch/journal_format.hpp"
#include "patch/transaction.hpp"

namespace syncline::patch {

inline const std::string journal_name = "journal";

/// One file, `.syncline/journal`, made when it is first needed and emptied whenever no transaction
/// is in it. Thread-safe. After a failed commit or checkpoint it is unusable for the rest of the
/// run: what a failed sync left on the disk is unknown (a second sync may claim success).
class Journal {
 public:
  struct Options {
    bool durable = true;  ///< sync at all
    std::uint64_t bytes_max = 0;
    std::uint64_t seed = 0;  ///< random; generations are drawn from it
  };
  Journal(std::shared_ptr<fs::Dir> root, std::shared_ptr<fs::Dir> area, const Options& options,
          std::atomic<std::uint64_t>& written_bytes);

  /// True when a payload of that size fits.
  bool has_room(std::uint64_t payload_bytes) const;
  std::uint64_t generation() const;

  /// Opens a transaction and returns its jid. It must end in checkpoint(), abort(), revoke(), leave()
  /// or keep().
  std::uint64_t begin(const BeginRecord& record);
  /// Returns where the record starts. A failure leaves the journal as it was.
  std::uint64_t append(RecordType type, std::uint64_t jid, std::uint32_t sequence, ByteView body);
  /// The point of no return. When it throws, none of the transactions has happened (they are over).
  void commit(const std::vector<std::uint64_t>& jids);
  /// The targets are on disk: the transactions are never redone from here on.
  void checkpoint(const std::vector<std::uint64_t>& jids);
  /// The transaction, not committed, never happens.
  void abort(std::uint64_t jid) noexcept;
  /// The same, but its data records stay for the next run's recovery. Nothing new is begun in this run.
  void leave(std::uint64_t jid) noexcept;
  /// Takes a commit back; only while its target was not touched. Throws when that cannot be
  /// recorded: the transaction is kept then.
  void revoke(std::uint64_t jid);
  /// Committed, but the targets could not be patched: left for the next run's recovery. Nothing
  /// new is begun in this run.
  void keep(std::uint64_t count);

  /// For transactions that this journal holds.
  JournalReader reader() const;
  /// Deletes the file unless something in it is still needed.
  void remove();

 private:
  using Lock = std::lock_guard<std::mutex>;
  void start_generation();
  std::uint64_t append_locked(RecordType type, std::uint64_t jid, std::uint32_t sequence, ByteView body);
  void reserve(std::uint64_t length_bytes);
  void sync();
  void end_transactions(std::uint64_t count);
  void empty();
  void check_usable() const;
  void discard_broken() noexcept;

  std::shared_ptr<fs::Dir> root_;
  std::shared_ptr<fs::Dir> area_;
  Options options_;
  std::atomic<std::uint64_t>& written_bytes_;

  mutable std::mutex mutex_;
  std::unique_ptr<fs::File> file_;
  bool broken_ = false;
  std::uint64_t generation_ = 0;
  std::uint64_t generation_count_ = 0;
  std::uint64_t next_jid_ = 1;
  std::uint64_t tail_ = 0;      ///< end of the last record, 0 when the file is empty
  std::uint64_t reserved_ = 0;  ///< end of the preallocated space
  std::uint64_t active_count_ = 0;
  std::uint64_t kept_count_ = 0;
  std::uint64_t span_start_ = 0;
  hash::Blake3 span_;  ///< of everything since span_start_
};

}  // namespace syncline::patch
