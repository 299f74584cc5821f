// SPDX-License-Identifier: Apache-2.0
// Reading the files of rules that lie in a tree.
#pragma once

#include <string>

#include "fs/fs.hpp"
#include "sync/selector.hpp"

namespace syncline::sync {

/// Tells `selector` the rules in the file of that kind in `dir`, which is the directory `path` of the tree.
/// To be called where a listing shows a regular file of that name; one that is gone by now has no rules.
/// Throws Error(rules) for one that passes limits::ignore_file_bytes_max or limits::ignore_patterns_max, and
/// Error(errno) for one that cannot be read: what its rules leave out must be neither sent nor deleted, so
/// nothing can be said about the directory without them.
void read_rules_file(const Selector& selector, RulesKind kind, const fs::Dir& dir, const std::string& path,
                     std::uint16_t origin);

/// The path of that file in the tree.
std::string rules_file_path(RulesKind kind, const std::string& dir);

}  // namespace syncline::sync
