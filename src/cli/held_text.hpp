// SPDX-License-Identifier: Apache-2.0
// What a guard holds, in words.
#pragma once

#include <cstdint>
#include <string>

#include "cli/numbers.hpp"

namespace syncline::cli {

/// "60 deletions and 70 changes of files". Where both numbers are 0 it is --max-delete that holds.
inline std::string held_text(std::uint64_t deletions, std::uint64_t changes) {
  if (deletions == 0 && changes == 0) return "deletions above --max-delete";
  std::string out;
  if (deletions != 0) out = format_count(deletions, 1) + " deletions";
  if (deletions != 0 && changes != 0) out += " and ";
  if (changes != 0) out += format_count(changes, 1) + " changes of files";
  return out;
}

}  // namespace syncline::cli
