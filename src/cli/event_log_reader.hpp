// SPDX-License-Identifier: Apache-2.0
// The lines of the event log, oldest first, over all of its files; in memory that does not grow with them.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "fs/fs.hpp"

namespace syncline::cli {

/// The whole lines of one file, which may grow meanwhile.
class EventLogLines {
 public:
  explicit EventLogLines(std::unique_ptr<fs::File> file) : file_(std::move(file)) {}

  /// The next line without its end; nothing where no other one is complete by now. One that passes
  /// limits::event_log_line_bytes_max is left out and counted.
  std::optional<std::string> next();
  std::uint64_t too_long_count() const { return too_long_; }
  const fs::File& file() const { return *file_; }

 private:
  bool fill();

  std::unique_ptr<fs::File> file_;
  std::uint64_t offset_ = 0;
  std::string buffer_;
  std::size_t begin_ = 0;    ///< of the next line in buffer_
  std::size_t scanned_ = 0;  ///< up to here there is no end of it
  bool is_skipping_ = false;
  std::uint64_t too_long_ = 0;
};

class EventLogReader {
 public:
  /// Opens what is there now: what is put aside or removed while it is read is read all the same.
  EventLogReader(fs::Fs& files, std::string dir);

  bool is_empty() const { return parts_.empty(); }
  /// The next line; nothing at the end of the newest file that is known.
  std::optional<std::string> next();
  /// Looks for files that were begun since, at the end of all lines. Then next() may go on.
  void look_again();
  std::uint64_t too_long_count() const;

 private:
  struct Part {
    std::uint64_t inode = 0;
    EventLogLines lines;
  };
  void open_newer_than(std::optional<std::uint64_t> known_inode);

  fs::Fs& files_;
  std::string path_;
  std::deque<Part> parts_;  ///< oldest first
  std::uint64_t too_long_ = 0;
};

}  // namespace syncline::cli
