// SPDX-License-Identifier: Apache-2.0
// The files of the event log (docs/format/event-log.md): appending to the newest, and putting it aside when
// full.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/limits.hpp"
#include "fs/fs.hpp"

namespace syncline::cli {

struct EventLogBounds {
  std::uint64_t bytes_max = limits::event_log_bytes_max;  ///< of one file
  unsigned old_max = limits::event_log_old_max;           ///< files beside the newest one
  int lock_attempts_max = limits::event_log_lock_attempts_max;
};

/// The directory of the log in a state directory.
std::string event_log_directory(const std::string& state_dir);
/// Of the newest file: 0, of older ones: 1, 2 ...
std::string event_log_name(unsigned age);

/// The writing end; several processes may have one each. For one thread.
class EventLogFile {
 public:
  /// Opens nothing yet. `files` lives longer.
  EventLogFile(fs::Fs& files, std::string dir, EventLogBounds bounds = {});

  /// The first line that this process writes to a file, with its end; `is_again` in all files but the first.
  using Heading = std::function<std::string(bool is_again)>;

  /// Appends `lines`, each with its end, at the beginning of a line, and the heading first where it is due.
  /// Puts the file aside first when they would pass bytes_max. Returns how many bytes of whole lines are in
  /// the log now: all but where the disk is full. Throws Error when nothing could be written.
  std::size_t append(std::string_view lines, const Heading& heading);

  /// To the disk; nothing where nothing is open.
  void sync();

 private:
  class Turn;
  void open_newest(fs::Dir& dir);
  void put_aside(fs::Dir& dir);
  bool ends_in_line(std::uint64_t size_bytes) const;

  fs::Fs& files_;
  std::string path_;
  EventLogBounds bounds_;
  std::unique_ptr<fs::File> file_;
  std::uint64_t inode_ = 0;   ///< of file_
  bool has_heading_ = false;  ///< file_
  bool has_begun_ = false;    ///< some file has it
};

}  // namespace syncline::cli
