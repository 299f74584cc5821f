// SPDX-License-Identifier: Apache-2.0
// Reading what others append to and rename.
#include "cli/event_log_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "cli/event_log_file.hpp"

namespace syncline::cli {
namespace {

constexpr std::size_t read_step_bytes = 64 * limits::kib;

std::unique_ptr<fs::File> open_if_there(const fs::Dir& dir, const std::string& name) {
  try {
    return dir.open_read(name);
  } catch (const Error& error) {
    if (error.is_errno(ENOENT)) return nullptr;
    throw;
  }
}

}  // namespace

std::optional<std::string> EventLogLines::next() {
  for (;;) {
    const auto end = buffer_.find('\n', scanned_);
    if (end == buffer_.npos) {
      scanned_ = buffer_.size();
      if (!fill()) return std::nullopt;
      continue;
    }
    const auto line = std::string_view(buffer_).substr(begin_, end - begin_);
    begin_ = scanned_ = end + 1;
    if (std::exchange(is_skipping_, false)) continue;
    if (line.size() <= limits::event_log_line_bytes_max) return std::string(line);
    ++too_long_;
  }
}

/// Of a line that is too long only its end is looked for.
bool EventLogLines::fill() {
  buffer_.erase(0, std::exchange(begin_, 0));
  if (buffer_.size() > limits::event_log_line_bytes_max) {
    if (!std::exchange(is_skipping_, true)) ++too_long_;
    buffer_.clear();
  }
  const auto old = buffer_.size();
  buffer_.resize(old + read_step_bytes);
  const auto got =
      file_->pread({reinterpret_cast<std::byte*>(buffer_.data()) + old, read_step_bytes}, offset_);
  buffer_.resize(old + got);
  offset_ += got;
  scanned_ = old;
  return got != 0;
}

EventLogReader::EventLogReader(fs::Fs& files, std::string dir) : files_(files), path_(std::move(dir)) {
  open_newer_than(std::nullopt);
}

std::optional<std::string> EventLogReader::next() {
  while (!parts_.empty()) {
    if (auto line = parts_.front().lines.next()) return line;
    if (parts_.size() == 1) return std::nullopt;
    too_long_ += parts_.front().lines.too_long_count();
    parts_.pop_front();
  }
  return std::nullopt;
}

void EventLogReader::look_again() {
  open_newer_than(parts_.empty() ? std::nullopt : std::optional(parts_.back().inode));
}

std::uint64_t EventLogReader::too_long_count() const {
  return too_long_ + (parts_.empty() ? 0 : parts_.front().lines.too_long_count());
}

/// From the newest to the oldest: what is put aside meanwhile is met twice, never missed.
void EventLogReader::open_newer_than(std::optional<std::uint64_t> known_inode) {
  if (!files_.stat_path(path_, true)) return;
  const auto dir = files_.open_root(path_);
  std::deque<Part> found;
  const auto is_found = [&](std::uint64_t inode) {
    return std::ranges::any_of(found, [&](const Part& part) { return part.inode == inode; });
  };
  for (unsigned age = 0; age <= limits::event_log_old_max; ++age) {
    auto file = open_if_there(*dir, event_log_name(age));
    if (!file) continue;
    const auto inode = file->stat().inode;
    if (inode == known_inode) break;
    if (!is_found(inode)) found.push_front({inode, EventLogLines(std::move(file))});
  }
  std::ranges::move(found, std::back_inserter(parts_));
}

}  // namespace syncline::cli
