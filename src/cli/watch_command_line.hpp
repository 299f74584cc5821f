// SPDX-License-Identifier: Apache-2.0
// The command line of `syncline watch`, as typed and as understood.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "cli/copy_command_line.hpp"
#include "cli/option_table.hpp"

namespace syncline::cli {

struct WatchCommand {
  CopyOptions options;                    ///< of each copy, with its one source, if any; no destination
  std::vector<std::string> destinations;  ///< none without a source: the watches of a configuration are meant
  OutputOptions output;
  WatchOptions watch;
  bool help = false;
};

/// Understands the arguments behind `syncline watch`: SRC DST..., or no path. Deletions and the event log are
/// on unless they are switched off. Throws as parse_copy().
WatchCommand parse_watch(const std::vector<std::string>& args, std::istream& standard_input);

}  // namespace syncline::cli
