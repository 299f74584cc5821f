// SPDX-License-Identifier: Apache-2.0
// Which directories a run is about: as the event log notes them, and as a path is looked for in them.
#pragma once

#include <string>
#include <vector>

#include "cli/json_records.hpp"
#include "fs/fs.hpp"
#include "syncline/copy.hpp"

namespace syncline::cli {

/// The real path of what exists of `path` (relative to the current directory unless it is absolute), and the
/// rest of it as it stands, without "." and "..".
std::string real_as_far_as_it_exists(fs::Fs& files, const std::string& path);

/// Fields of the record run_began: sources, destination and the options that change what a run does.
/// Throws nothing for places that are not there.
void put_places(Json& record, fs::Fs& files, const CopyOptions& options);

/// A directory or file of this machine, and what the records call it: "" for the root of the transfer.
struct LoggedRoot {
  std::string at;
  std::string as;
};
std::vector<LoggedRoot> logged_roots(const Json& run_began);

}  // namespace syncline::cli
