// SPDX-License-Identifier: Apache-2.0
// Small files read and written as a whole: settings, keys, lists that a person may edit.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.hpp"
#include "fs/fs.hpp"

namespace syncline::fs {

struct SmallFile {
  std::string content;
  Stat stat;
};

/// The whole of a regular file; nothing where there is none. Throws Error(limit_exceeded) past
/// `bytes_max`, Error(changed) when the file grows meanwhile, else as Dir::open_read.
std::optional<SmallFile> read_small_file(const Dir& dir, const std::string& name, std::size_t bytes_max);

/// Replaces or creates `name` (mode 0600): written beside it as ".NAME.new-RANDOM", synced, renamed, the
/// directory synced. A crash leaves the old or the new file, and perhaps the one beside. Two at once:
/// the later one stays; who changes what is there takes wait_for_lock first.
void replace_small_file(Dir& dir, const std::string& name, std::string_view content);

/// The same, but never over an existing `name`: false when there is one by then. Of several at once
/// exactly one gets true.
bool create_small_file(Dir& dir, const std::string& name, std::string_view content);

/// Dir::try_lock until it succeeds, 10 ms apart; held until `dir` is closed. Throws Error(locked) after
/// `attempts_max` tries. False where the file system has no such lock (NFS).
bool wait_for_lock(Dir& dir, int attempts_max = limits::dir_lock_attempts_max);

}  // namespace syncline::fs
