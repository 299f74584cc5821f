// SPDX-License-Identifier: Apache-2.0
// The command line of `syncline copy`, as typed and as understood.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "syncline/copy.hpp"

namespace syncline::cli {

/// What to print and how.
struct OutputOptions {
  int verbosity = 0;
  bool quiet = false;
  bool itemize = false;
  int human = 1;  ///< rsync's levels: 0 bare digits, 1 grouped, 2 units of 1000, 3 units of 1024
  bool stats = false;
  bool json = false;
  std::optional<bool> progress;  ///< absent: a bar on a terminal, nothing elsewhere
  std::optional<std::string> log_file;
  bool event_log = false;  ///< in the state directory (docs/format/event-log.md)
};

/// How SRC is watched. By itself: inotify, and fanotify where that does not reach all directories and
/// fanotify is allowed.
enum class WatchWith { automatic, inotify, fanotify };

/// What only a watch has a use for.
struct WatchOptions {
  bool guard_changes = true;
  WatchWith with = WatchWith::automatic;
  std::string named;  ///< the first of these options that was given; empty: none was
};

struct CopyCommand {
  CopyOptions options;
  OutputOptions output;
  WatchOptions watch;
  bool help = false;
};

/// Understands the arguments behind `syncline copy`. Files named by --exclude-from and its kin are
/// read here, in the order of the options, so that the filter rules keep the order they were typed
/// in; "-" reads `standard_input`. Throws Error(usage) naming the argument, or Error(errno) when
/// such a file cannot be read.
CopyCommand parse_copy(const std::vector<std::string>& args, std::istream& standard_input);

}  // namespace syncline::cli
