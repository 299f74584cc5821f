// SPDX-License-Identifier: Apache-2.0
// The verdict on one path, and why.
#include "cli/watch_ignored.hpp"

#include "cli/deciding_rule.hpp"
#include "sync/ignore_check.hpp"
#include "sync/session.hpp"

namespace syncline::cli {
namespace {

/// As it would be typed, or FILE:LINE:PATTERN.
std::string words_of(const DecidingRule& rule) {
  if (rule.line.empty()) return rule.file + '=' + rule.pattern;
  return rule.file + ':' + rule.line + ':' + rule.pattern;
}

}  // namespace

std::optional<std::string> rule_that_ignores(const sync::World& world, const CopyOptions& options,
                                             const std::string& path, bool is_dir) {
  if (path.empty()) return std::nullopt;
  const std::string area = sync::area_name;
  if (path == area || path.starts_with(area + '/')) return "syncline's own directory";
  sync::IgnoreCheck check(world, options);
  try {
    const auto verdict = check.verdict(RelPath::parse(path), is_dir);
    return verdict.excluded ? std::optional(words_of(deciding_rule(verdict, options))) : std::nullopt;
  } catch (const Error& error) {
    if (error.is(Errc::usage)) return std::nullopt;
    throw;
  }
}

}  // namespace syncline::cli
