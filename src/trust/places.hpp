// SPDX-License-Identifier: Apache-2.0
// Where the identity and the pinned servers of a user lie.
#pragma once

#include <optional>
#include <string>

namespace syncline::trust {

/// `given` (a command line's --config), else $XDG_CONFIG_HOME/syncline, else ~/.config/syncline. A relative
/// $XDG_CONFIG_HOME does not count (XDG Base Directory Specification). Throws Error(usage) when none is
/// known.
std::string config_directory(const std::optional<std::string>& given = std::nullopt);

}  // namespace syncline::trust
