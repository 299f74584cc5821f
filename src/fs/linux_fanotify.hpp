// SPDX-License-Identifier: Apache-2.0
// Private to src/fs: events of fanotify as the kernel writes them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "fs/linux_fs.hpp"

namespace syncline::fs {

/// A directory and the name of an entry in it, as an event has them; "." stands for the directory itself.
struct DirPlace {
  std::string key;
  std::string name;
};

/// One event of a group.
struct FanEvent {
  std::uint64_t mask = 0;
  int pid = 0;
  std::optional<DirPlace> place;      ///< of the entry; of a rename the old one
  std::optional<DirPlace> new_place;  ///< of a rename
};

/// What stands in DirPlace::key for this directory: its file system and its handle.
std::string handle_key_of(const LinuxDir& dir);

/// For events with directories and names (fanotify_init(2), FAN_REPORT_DFID_NAME); throws Error(EPERM)
/// without CAP_SYS_ADMIN.
Fd new_fanotify_group();

/// All events that are there now.
void read_fanotify(const Fd& group, const std::function<void(const FanEvent&)>& use);

}  // namespace syncline::fs
