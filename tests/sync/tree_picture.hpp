// SPDX-License-Identifier: Apache-2.0
// All that a person can see of a tree, to compare two of them.
#pragma once

#include <map>
#include <string>

namespace syncline::test {

struct PicturedEntry {
  char type = '?';         ///< f, d, l, p (fifo), or ? for another
  std::string attributes;  ///< mode, owner, times, extended attributes, the first name of its hard links
  std::string content;     ///< bytes of a file, target of a symlink
  bool operator==(const PicturedEntry&) const = default;
};

/// By path relative to the root, which is "". A root's `.syncline` is left out.
using TreePicture = std::map<std::string, PicturedEntry>;

TreePicture picture_of(const std::string& root);
/// One line for each path that differs, empty when nothing does.
std::string differences(const TreePicture& expected, const TreePicture& found);

}  // namespace syncline::test
