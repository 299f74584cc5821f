// SPDX-License-Identifier: Apache-2.0
// One journalled change of one file: reading its records back and putting them onto the target.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "fs/fs.hpp"
#include "patch/journal_format.hpp"

namespace syncline::patch {

/// What a commit record makes true. The bytes stay in the journal.
struct Transaction {
  std::uint64_t jid = 0;
  BeginRecord begin;
  FinishRecord finish;
  std::vector<std::uint64_t> data_offsets;  ///< where its data records start, in order
};

/// Reads records of one generation of a journal.
class JournalReader {
 public:
  JournalReader(const fs::File& journal, std::uint64_t generation)
      : journal_(journal), generation_(generation) {}

  std::uint64_t generation() const { return generation_; }
  /// The body of the record at `offset`. Throws Error(corrupt) unless it is whole.
  Bytes body(std::uint64_t offset) const;
  /// Bytes of a body that body() has checked; Error(truncated) where the journal ends earlier.
  void read(std::span<std::byte> out, std::uint64_t offset) const;
  /// Calls visit(record) for each data record of `transaction`, in order.
  template <class Visit>
  void for_each_data(const Transaction& transaction, Visit&& visit) const {
    for (const auto offset : transaction.data_offsets) {
      const Bytes bytes = body(offset);
      visit(decode_data(bytes));
    }
  }

 private:
  const fs::File& journal_;
  std::uint64_t generation_;
};

/// How many sectors of a transaction's ranges hold the old bytes, the new ones, or others.
struct SectorCounts {
  std::uint64_t old_count = 0;
  std::uint64_t new_count = 0;
  std::uint64_t foreign_count = 0;
};
SectorCounts count_sectors(const fs::File& target, const Transaction& transaction,
                           const JournalReader& reader);

/// Reserves the space that patching will need (appended bytes, holes that are filled), so that a
/// full disk is met before the first byte is changed. Throws Error(ENOSPC).
void reserve_for_patch(fs::File& target, const fs::Stat& current, const Transaction& transaction,
                       const JournalReader& reader);

/// Gives `target` its new size and bytes. Can be repeated at will: it only ever writes what the
/// transaction says. Adds what it wrote to `written_bytes`.
void patch_target(fs::File& target, const fs::Stat& current, const Transaction& transaction,
                  const JournalReader& reader, std::atomic<std::uint64_t>& written_bytes);

/// Makes the complete new version in the empty file `temp`, from the base and the transaction. The
/// base is only read.
void build_new_version(fs::File& temp, const fs::File& base, const Transaction& transaction,
                       const JournalReader& reader, std::atomic<std::uint64_t>& written_bytes);

/// Reads `out.size()` bytes at `offset`, zeros past the end of the file.
void read_padded(const fs::File& file, std::span<std::byte> out, std::uint64_t offset);

}  // namespace syncline::patch
