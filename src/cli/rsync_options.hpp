// SPDX-License-Identifier: Apache-2.0
// What rsync calls its options, so that a refusal can tell a missing option from a typing error.
#pragma once

#include <string_view>

namespace syncline::cli {

/// Whether rsync (3.5) has this long option; `name` without dashes, "=VALUE" or a "no-" in front.
bool rsync_has_long(std::string_view name);

/// Whether rsync has this option letter.
bool rsync_has_short(char letter);

/// What to use instead, or an empty text. `name` is a long name, or one letter.
std::string_view instead_of(std::string_view name);

}  // namespace syncline::cli
