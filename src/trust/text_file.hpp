// SPDX-License-Identifier: Apache-2.0
// Private to src/trust: a file of lines that a person may read and edit, and who may touch it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/fs.hpp"

namespace syncline::trust {

enum class Secrecy {
  secret,  ///< nobody else may read it (0600)
  open,    ///< others may read, but not write it
};

struct Line {
  std::size_t number = 1;
  std::string_view text;  ///< without its newline
};

/// One file DIR/NAME. Errors name its path. Nothing is cached, so what another process changed counts
/// from the next call on; a copy may be used by each of several threads, and one by all of them too.
class TextFile {
 public:
  /// `files` must outlive it.
  TextFile(fs::Fs& files, std::string dir, const std::string& name, Secrecy secrecy);

  const std::string& path() const { return path_; }
  /// Its content; nothing where there is no file or no directory. Throws Error(untrusted) for a file that
  /// belongs to another user or that others may write or, if secret, read; Error(limit_exceeded) past
  /// limits::trust_file_bytes_max.
  std::optional<std::string> read() const;
  /// Creates it, and its directory (0700), unless there is one: then false. Throws Error(untrusted) in a
  /// directory of another user: root would leave a file there that its owner cannot use.
  bool create(std::string_view content) const;
  /// Lets `change` work on the content (empty where there is no file) under the lock of the directory
  /// and replaces the file if that made a difference. What `change` throws leaves the file as it is.
  /// Throws as create, and Error(locked) when the lock is not to be had for ten seconds. On a file system
  /// without locks (NFS) only a file that is not secret is changed, where losing the one of two changes at
  /// once does no harm.
  void edit(const std::function<void(std::string&)>& change) const;

  /// Splits; throws Error(malformed) unless the last line ends in a newline: a torn file is not a shorter
  /// one.
  std::vector<Line> lines(std::string_view content) const;
  /// Throws Error(malformed) with path, line number and `why`.
  [[noreturn]] void refuse_line(std::size_t number, const std::string& why) const;

 private:
  void check_owner(const fs::Stat& stat, const std::string& path) const;
  void check_access(const fs::Stat& stat) const;
  std::unique_ptr<fs::Dir> open_own_dir() const;

  fs::Fs& files_;
  std::string dir_;
  std::string name_;
  std::string path_;
  Secrecy secrecy_;
};

/// Takes the next word off `rest`, and the blanks (spaces, tabs) around it; empty at the end.
std::string_view take_word(std::string_view& rest);
/// An empty line or a comment.
bool says_nothing(std::string_view line);
/// Digits only, and below 2^63.
std::optional<std::int64_t> parse_number(std::string_view word);

}  // namespace syncline::trust
