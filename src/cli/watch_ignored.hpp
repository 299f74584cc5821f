// SPDX-License-Identifier: Apache-2.0
// Which rule leaves an entry of a watched tree out.
#pragma once

#include <optional>
#include <string>

#include "sync/replica.hpp"
#include "syncline/copy.hpp"

namespace syncline::cli {

/// The rule that decides, as it would be typed, or FILE:LINE:PATTERN of one in the tree; nothing where the
/// entry takes part. `path` below the one source of `options`. A parent that is left out decides for
/// everything below it. Throws what sync::IgnoreCheck throws, but for a path beyond a symlink, which is none.
std::optional<std::string> rule_that_ignores(const sync::World& world, const CopyOptions& options,
                                             const std::string& path, bool is_dir);

}  // namespace syncline::cli
