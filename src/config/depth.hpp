// SPDX-License-Identifier: Apache-2.0
// Private to the loading: keeps texts away from the parser that would exhaust its stack.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace syncline::config {

struct TooDeep {
  unsigned line = 0;
  std::string cause;
};

/// toml++ 3.3 builds a table for each part of a dotted key and takes them down by recursion:
/// 100,000 parts end the process by SIGSEGV. Finds the first line with more dots outside of strings than
/// limits::config_key_parts_max, or brackets deeper than limits::config_nesting_max. One pass.
std::optional<TooDeep> find_depth(std::string_view toml);

}  // namespace syncline::config
