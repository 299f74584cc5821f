// SPDX-License-Identifier: Apache-2.0
// Which rule leaves an entry of a watched tree out.
#pragma once

#include <optional>
#include <string>

#include "fs/fs.hpp"
#include "syncline/copy.hpp"

namespace syncline::cli {

/// The rule that decides, as it would be typed or as a line of a .gitignore file with its place; nothing
/// where the entry takes part. `root` is the source's directory, `path` below it, `prefix` what rules see
/// before every path. A parent that is left out decides for everything below it. Reads the .gitignore files
/// on the way where --gitignore counts.
std::optional<std::string> rule_that_ignores(fs::Fs& files, const CopyOptions& options,
                                             const std::string& root, const std::string& prefix,
                                             const std::string& path, bool is_dir);

}  // namespace syncline::cli
