// SPDX-License-Identifier: Apache-2.0
// Which entries take part: filter rules, .gitignore files and a list of paths, asked as one.
#pragma once

#include <cstdint>
#include <map>
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

  /// What a scan finds in one origin of the tree, whose .gitignore files say nothing of the others.
  /// Parents are taken to be included.
  bool excluded(const std::string& path, bool is_dir, std::uint16_t origin) const;
  /// What the other side has: it is left alone if the .gitignore files of any origin name it.
  bool excluded(const std::string& path, bool is_dir) const;
  /// The same for paths whose parents were not asked about.
  bool excluded_with_parents(const std::string& path, bool is_dir) const;
  void push_gitignore(const std::string& dir, std::uint16_t origin, std::string_view content) const;
  bool empty() const { return filters.empty() && !listed && !use_gitignore && reserved.empty(); }

 private:
  bool excluded_by_rules(const std::string& path, bool is_dir) const;

  mutable std::shared_mutex mutex_;
  mutable std::map<std::uint16_t, filter::GitIgnore> gitignore_;
  filter::GitIgnore no_gitignore_;  ///< of an origin without such files: ".git" is left out there too
};

}  // namespace syncline::sync
