// SPDX-License-Identifier: Apache-2.0
// How pairs stand, in one line each or in one for all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/world.hpp"
#include "watch/board.hpp"

namespace syncline::cli {

/// One pair at one moment.
struct PairStanding {
  std::string label;                     ///< escaped, may be empty
  std::optional<watch::BoardView> view;  ///< nothing where it is not known yet
  bool has_ended = false;
  std::optional<std::int64_t> changed_ns;  ///< when something was copied the last time
};

/// "LABEL: in step since 0:12, last change 3:02 ago"; empty while it copies, which a bar shows.
std::string standing_line(const PairStanding& pair, const Clock& clock);

/// "2 in step, 1 behind by 3 files, 1.20 MB"
std::string summary_line(const std::vector<PairStanding>& pairs);

/// At most `columns` - 1 characters of it.
std::string cut_to_columns(const std::string& line, unsigned columns);

}  // namespace syncline::cli
