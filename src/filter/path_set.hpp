// SPDX-License-Identifier: Apache-2.0
// PathSet: the entries that a --files-from list selects.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace syncline::filter {

/// A list of paths below one source, with rsync's meaning of --files-from: each listed entry and
/// the directories that lead to it are in the transfer. A listed directory brings its contents
/// along when the transfer is recursive; without that, its immediate contents if it was listed
/// with a trailing slash (or as "."), and nothing else if not.
class PathSet {
 public:
  explicit PathSet(bool recursive) : recursive_(recursive) {}

  /// One line of the list. Leading slashes, "." components and doubled slashes are dropped.
  /// Throws Error(usage) for a ".." component, for rsync's "/./" mark inside a path, for a NUL byte
  /// and for a name longer than Linux allows.
  void add(std::string_view listed);

  /// Whether the entry is in the transfer. `path` is relative to the source, no slash at either
  /// end; the root ("") always is. Cost: one look-up per component at worst.
  bool contains(std::string_view path) const;

  /// Whether a walker must look into this directory to find all that contains() accepts.
  bool descends(std::string_view dir) const;

  /// Whether the path itself was listed: it is an error when such an entry does not exist.
  bool listed(std::string_view path) const;

  /// The listed paths, in normal form, in the order they were given, each once.
  const std::vector<std::string>& paths() const { return paths_; }

 private:
  struct Node {
    bool listed = false;
    bool contents = false;  // immediate contents too
    bool leads_on = false;  // something below it was listed
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  const Node* find(std::string_view path) const;
  bool below_listed(std::string_view path) const;

  bool recursive_;
  std::unordered_map<std::string, Node, Hash, std::equal_to<>> nodes_;  // listed paths and parents
  std::vector<std::string> paths_;
};

}  // namespace syncline::filter
