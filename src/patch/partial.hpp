// SPDX-License-Identifier: Apache-2.0
// `.syncline/partial/`: what broken transfers brought, for the next one to find by its chunks.
#pragma once

#include <cstdint>
#include <string>

#include "fs/fs.hpp"
#include "patch/transaction.hpp"

namespace syncline::patch {

inline const std::string partial_dir_name = "partial";

/// Moves the larger ones of the files in `.syncline/tmp/` to `.syncline/partial/`, as long as there is room.
/// Returns how many.
std::uint64_t keep_partials(fs::Dir& temp_dir, fs::Dir& area);

/// Makes a partial file of what has arrived of a change that was never committed: the ranges one after the
/// other, out of `base` (its target, or any other file: chunks are only ever believed by their ids) and the
/// journal. False when there is too little of it, or enough such files. Throws what the file system says;
/// nothing is left then. Memory: 24 bytes for each extent of the transaction.
bool keep_partial(const fs::File& base, const Transaction& transaction, const JournalReader& reader,
                  fs::Dir& area);

}  // namespace syncline::patch
