// SPDX-License-Identifier: Apache-2.0
// Who is in the middle of writing a file.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fs/dir_watch.hpp"

namespace syncline::watch {

/// Files that events tell to be open: made or written to, and not closed since. Of those beyond
/// limits::watch_writers_max nothing is known.
class OpenWriters {
 public:
  using File = std::pair<int, std::string>;  ///< number of the directory's watch, and the name

  void take(const fs::DirChange& change);
  /// Made since the last call, and not closed yet: no file that somebody writes to, perhaps, but a link.
  std::vector<File> take_made();
  void forget(const File& file);
  void forget_dir(int watch);
  void clear();

  /// Somebody is in the middle of it, and was not yet at the last let_go().
  bool is_any() const { return begun_count_ != 0; }
  /// Whoever has not closed by now may take for ever.
  void let_go();

 private:
  std::map<File, bool> files_;   ///< true: not let go
  std::size_t begun_count_ = 0;  ///< of these
  std::vector<File> made_;
};

}  // namespace syncline::watch
