// SPDX-License-Identifier: Apache-2.0
// Whole small files: read with a limit, replaced or created in one step.
#include "fs/small_file.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/error.hpp"
#include "base/world.hpp"

namespace syncline::fs {
namespace {

constexpr std::chrono::milliseconds lock_pause{10};

std::string name_beside(const std::string& name) {
  std::array<std::byte, 8> random{};
  system_random().fill(random);
  std::string out = "." + name + ".new-";
  for (const auto byte : random) {
    out += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
    out += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
  }
  return out;
}

/// A complete and synced file under a name of its own, which goes away unless it is renamed.
class FileBeside {
 public:
  FileBeside(Dir& dir, const std::string& name, std::string_view content)
      : dir_(dir), name_(name_beside(name)), file_(dir.create(name_)) {
    try {
      file_->pwrite(as_bytes(content), 0);
      file_->sync();
    } catch (...) {
      remove();
      throw;
    }
  }
  FileBeside(const FileBeside&) = delete;
  FileBeside& operator=(const FileBeside&) = delete;
  ~FileBeside() { remove(); }

  const std::string& name() const { return name_; }
  void renamed() { file_.reset(); }

 private:
  void remove() noexcept {
    if (!file_) return;
    file_.reset();
    try {
      dir_.unlink(name_);
    } catch (const std::exception&) {
      // It is in nobody's way, and the error that led here is the one to tell.
    }
  }

  Dir& dir_;
  std::string name_;
  std::unique_ptr<File> file_;
};

}  // namespace

std::optional<SmallFile> read_small_file(const Dir& dir, const std::string& name, std::size_t bytes_max) {
  std::unique_ptr<File> file;
  try {
    file = dir.open_read(name);
  } catch (const Error& error) {
    if (error.is_errno(ENOENT)) return std::nullopt;
    throw;
  }
  SmallFile out{{}, file->stat()};
  const auto size_bytes = out.stat.size_bytes;
  if (size_bytes > bytes_max)
    throw Error(Errc::limit_exceeded, "read '" + escape_name(name) + "' of " + std::to_string(size_bytes) +
                                          " bytes (at most " + std::to_string(bytes_max) + ")");
  out.content.resize(size_bytes + 1);  // one more tells whether it has grown
  const auto got = file->pread({reinterpret_cast<std::byte*>(out.content.data()), out.content.size()}, 0);
  if (got != size_bytes) throw Error(Errc::changed, "read '" + escape_name(name) + "'");
  out.content.resize(got);
  return out;
}

void replace_small_file(Dir& dir, const std::string& name, std::string_view content) {
  FileBeside fresh(dir, name, content);
  dir.rename(fresh.name(), dir, name);
  fresh.renamed();
  dir.sync();
}

bool create_small_file(Dir& dir, const std::string& name, std::string_view content) {
  FileBeside fresh(dir, name, content);
  try {
    dir.rename_new(fresh.name(), dir, name);
  } catch (const Error& error) {
    if (error.is_errno(EEXIST)) return false;
    throw;
  }
  fresh.renamed();
  dir.sync();
  return true;
}

bool wait_for_lock(Dir& dir, int attempts_max) {
  for (int attempt = 1;; ++attempt) {
    try {
      if (dir.try_lock()) return true;
    } catch (const Error& error) {
      if (error.is_errno(EBADF) || error.is_errno(ENOLCK) || error.is_errno(EOPNOTSUPP)) return false;
      throw;
    }
    if (attempt >= attempts_max) throw Error(Errc::locked, "lock the directory for a change");
    std::this_thread::sleep_for(lock_pause);
  }
}

}  // namespace syncline::fs
