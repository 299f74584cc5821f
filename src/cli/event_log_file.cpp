// SPDX-License-Identifier: Apache-2.0
// Appending under a lock where there is one to be had; a writer that hangs with it in its hands stops nobody.
#include "cli/event_log_file.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "fs/small_file.hpp"

namespace syncline::cli {
namespace {

constexpr std::uint32_t log_dir_mode = 0700;

void rename_if_there(fs::Dir& dir, const std::string& from, const std::string& to) {
  try {
    dir.rename(from, dir, to);
  } catch (const Error& error) {
    if (!error.is_errno(ENOENT)) throw;
  }
}

/// Each time anew: somebody may have removed it meanwhile.
std::unique_ptr<fs::Dir> open_or_make(fs::Fs& files, const std::string& path) {
  if (!files.stat_path(path, true)) files.make_dirs(path, log_dir_mode);
  return files.open_root(path);
}

}  // namespace

/// The lock of the directory, as long as one append takes.
class EventLogFile::Turn {
 public:
  Turn(std::unique_ptr<fs::Dir> dir, int attempts_max) : dir_(std::move(dir)) {
    try {
      is_locked_ = fs::wait_for_lock(*dir_, attempts_max);
      may_rotate_ = true;  // also where the file system has no locks: one old file less is the worst of it
    } catch (const Error& error) {
      if (!error.is(Errc::locked)) throw;
    }
  }
  fs::Dir& dir() { return *dir_; }
  bool is_locked() const { return is_locked_; }
  bool may_rotate() const { return may_rotate_; }

 private:
  std::unique_ptr<fs::Dir> dir_;
  bool is_locked_ = false;
  bool may_rotate_ = false;
};

std::string event_log_directory(const std::string& state_dir) { return state_dir + "/log"; }

std::string event_log_name(unsigned age) {
  return age == 0 ? "events.jsonl" : "events.jsonl." + std::to_string(age);
}

EventLogFile::EventLogFile(fs::Fs& files, std::string dir, EventLogBounds bounds)
    : files_(files), path_(std::move(dir)), bounds_(bounds) {}

std::size_t EventLogFile::append(std::string_view lines, const Heading& heading) {
  Turn turn(open_or_make(files_, path_), bounds_.lock_attempts_max);
  open_newest(turn.dir());
  auto size_bytes = file_->stat().size_bytes;
  std::string text = has_heading_ ? "" : heading(has_begun_);
  if (size_bytes != 0 && size_bytes + text.size() + lines.size() > bounds_.bytes_max && turn.may_rotate()) {
    put_aside(turn.dir());
    size_bytes = 0;
    text = heading(has_begun_);
  }
  // What a writer left that was killed in the middle of a line. Without the lock one may be at it right now.
  if (!turn.is_locked() || !ends_in_line(size_bytes)) text.insert(0, "\n");
  const auto before_bytes = text.size();
  const auto written = file_->append(as_bytes(text.append(lines)));
  if (written < before_bytes) return 0;
  has_heading_ = has_begun_ = true;
  if (written == text.size()) return lines.size();
  const auto end = lines.substr(0, written - before_bytes).rfind('\n');
  return end == lines.npos ? 0 : end + 1;
}

void EventLogFile::sync() {
  if (file_) file_->sync_data();
}

/// Another process may have put aside the one that we have open.
void EventLogFile::open_newest(fs::Dir& dir) {
  const auto newest = dir.stat_at(event_log_name(0));
  if (file_ && newest && newest->inode == inode_) return;
  file_ = dir.open_append(event_log_name(0));
  inode_ = file_->stat().inode;
  has_heading_ = false;
}

void EventLogFile::put_aside(fs::Dir& dir) {
  for (auto age = bounds_.old_max; age > 0; --age)
    rename_if_there(dir, event_log_name(age - 1), event_log_name(age));
  open_newest(dir);
}

bool EventLogFile::ends_in_line(std::uint64_t size_bytes) const {
  std::array<std::byte, 1> last{};
  return size_bytes == 0 || file_->pread(last, size_bytes - 1) == 0 || last.front() == std::byte{'\n'};
}

}  // namespace syncline::cli
