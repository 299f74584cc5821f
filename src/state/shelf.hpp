// SPDX-License-Identifier: Apache-2.0
// The state databases of one directory, of which each owner may have made so many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fs/fs.hpp"

namespace syncline::state {

struct ShelfOwner {
  std::string name;  ///< whatever tells owners apart
  std::size_t states_max = 0;
};

/// Makes room for the database `name` of the directory `dir`, which is about to be opened at the time
/// `now_ns`. If it is not there, and its owner has made as many as it may, those that were opened least
/// recently are removed, but for those that are open: what they knew is found out anew. Notes the time and
/// who made it. Who opens one that somebody else made owns nothing. Returns the names of those removed.
/// Throws Error(locked) if all are open. Thread-safe.
std::vector<std::string> make_room(fs::Fs& files, const std::string& dir, const std::string& name,
                                   const ShelfOwner& owner, std::int64_t now_ns);

}  // namespace syncline::state
