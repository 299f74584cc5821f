// SPDX-License-Identifier: Apache-2.0
// Reads a journal that an interrupted run left and tells what in it is in force.
#pragma once

#include <cstdint>
#include <vector>

#include "fs/fs.hpp"
#include "patch/transaction.hpp"

namespace syncline::patch {

struct JournalContent {
  std::uint64_t generation = 0;
  /// Committed and not checkpointed, in the order of their commits: to be redone.
  std::vector<Transaction> committed;
  /// Begun and neither committed nor aborted; only what was read of them whole.
  std::vector<Transaction> unfinished;
  /// Given up by a run that left their data behind.
  std::vector<Transaction> left;
};

/// Checks every record and the digest of every commit. Bytes after the last sound commit record
/// that make no sense are the torn tail of a run that ended there. Anything wrong before it is
/// damage: throws Error(Errc::corrupt) with the offset. Reads the file about twice.
JournalContent scan_journal(const fs::File& journal);

}  // namespace syncline::patch
