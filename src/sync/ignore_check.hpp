// SPDX-License-Identifier: Apache-2.0
// Which rule decides about single paths of a source: what a scan of it would find.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "base/relpath.hpp"
#include "sync/replica.hpp"
#include "sync/selector.hpp"
#include "syncline/copy.hpp"

namespace syncline::sync {

/// Asks the selector of a copy. Of the tree only the directories that lead to a path are looked at, for their
/// files of rules.
class IgnoreCheck {
 public:
  /// `options` lives longer. Its one source is the directory that paths are relative to, as it would be given
  /// to copy: a trailing slash matters to filter rules. Throws Error(ENOENT) or Error(ENOTDIR).
  IgnoreCheck(const World& world, const CopyOptions& options);

  /// A path as typed: below the source, or absolute. Throws Error(usage) for one that is outside.
  RelPath inside(const std::string& typed) const;

  /// The verdict on a path, or on the directory above it that is left out, since nothing below one can be
  /// taken in again. It need not exist. `as_dir`: it counts as a directory in any case. What the verdict
  /// points to lives as long as this. Throws Error(usage) for a path beyond a symlink, and what
  /// read_rules_file() throws.
  Verdict verdict(const RelPath& path, bool as_dir);

 private:
  std::optional<fs::FileType> type_of(const RelPath& path) const;
  void enter(const RelPath& dir);

  World world_;
  std::string source_;
  std::shared_ptr<fs::Dir> root_;
  Selector selector_;
  std::unordered_set<std::string> entered_;  ///< directories whose rules are known
};

}  // namespace syncline::sync
