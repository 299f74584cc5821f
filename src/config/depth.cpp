// SPDX-License-Identifier: Apache-2.0
// A scan of TOML that knows strings and comments and counts dots and brackets.
#include "config/depth.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace syncline::config {
namespace {

/// Behind the string that begins at `at`; one that is not closed ends with its line (or the text),
/// where the parser stops too.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string fence(3, quote);
  const bool multiline = text.substr(at).starts_with(fence);
  for (auto k = at + (multiline ? 3 : 1); k < text.size(); ++k) {
    if (text[k] == '\\' && quote == '"') ++k;
    else if (multiline && text.substr(k).starts_with(fence)) return k + 3;
    else if (!multiline && text[k] == quote) return k + 1;
    else if (!multiline && text[k] == '\n') return k;
  }
  return text.size();
}

}  // namespace

std::optional<TooDeep> find_depth(std::string_view text) {
  unsigned line = 1;
  std::size_t dots = 0, depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      const auto end = end_of_string(text, at);
      line += static_cast<unsigned>(std::ranges::count(text.substr(at, end - at), '\n'));
      at = end;
      continue;
    }
    if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    ++at;
    if (c == '\n') {
      ++line;
      dots = 0;
    } else if (c == '.' && ++dots > limits::config_key_parts_max) {
      return TooDeep{line, "has more than " + std::to_string(limits::config_key_parts_max) + " dots"};
    } else if ((c == '[' || c == '{') && ++depth > limits::config_nesting_max) {
      return TooDeep{line, "is the " + std::to_string(depth) + "th bracket inside another"};
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return std::nullopt;
}

}  // namespace syncline::config
