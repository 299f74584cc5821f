// SPDX-License-Identifier: Apache-2.0
// Which watch it is, and where its socket lies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fs/fs.hpp"

namespace syncline::control {

/// A watch as others know it.
struct Watched {
  /// Real path of the directory, or as typed, without a slash at its end, where it is on another machine.
  std::string source;
  std::string destination;  ///< absolute, or as typed where it is on another machine
  std::string state_dir;    ///< absolute
  std::uint64_t pid = 0;
  std::int64_t since_ns = 0;  ///< of the process
  std::string mirror = {};    ///< where the source is on another machine: the directory here that is filled

  /// What can be looked at here.
  const std::string& tree() const { return mirror.empty() ? source : mirror; }
};

/// One for the same source, destination and state.
std::string socket_name(const Watched& watched);

/// Where the socket of a new watch goes: $XDG_RUNTIME_DIR/syncline where that is set (and absolute), else
/// STATE/run.
std::string socket_directory(const std::string& state_dir);
/// All places to look for one at, existing or not: whoever started it may have had another environment.
std::vector<std::string> socket_directories(const std::string& state_dir);

/// What does not begin with a slash is taken from the current directory; nothing is resolved.
std::string absolute_path(fs::Fs& files, const std::string& path);
/// The entry that is meant: realpath(3) of its directory, as far as that is there, and its name. A slash at
/// the end means what a link leads to.
std::string entry_path(fs::Fs& files, const std::string& path);
/// Of two such paths: `path` without `top` and a slash, empty for `top` itself; nothing where it is
/// elsewhere.
std::optional<std::string> path_below(const std::string& path, const std::string& top);

}  // namespace syncline::control
