// SPDX-License-Identifier: Apache-2.0
// Which entries take part: filter rules, .gitignore files and a list of paths, asked as one.
#pragma once

#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "filter/filter_set.hpp"
#include "filter/gitignore.hpp"
#include "filter/path_set.hpp"

namespace syncline::sync {

/// Thread-safe for questions; .gitignore files are added while a scan walks down.
class Selector {
 public:
  filter::FilterSet filters;
  std::optional<filter::PathSet> listed;
  bool use_gitignore = false;
  std::string
      prefix;  ///< what stands before every path in the rules' eyes: "name/" of a source without slash
  std::string description;  ///< of the rules (not of .gitignore files, which are content of the tree)
  std::vector<std::string> reserved;  ///< paths that never take part (the backup directory)

  /// Parents are taken to be included.
  bool excluded(const std::string& path, bool is_dir) const;
  /// For paths whose parents were not asked about.
  bool excluded_with_parents(const std::string& path, bool is_dir) const;
  void push_gitignore(const std::string& dir, std::string_view content) const;
  bool empty() const { return filters.empty() && !listed && !use_gitignore && reserved.empty(); }

 private:
  mutable std::shared_mutex mutex_;
  mutable filter::GitIgnore gitignore_;
};

}  // namespace syncline::sync
