// SPDX-License-Identifier: Apache-2.0
// A verdict in the words of the person who gave the rule.
#include "cli/watch_ignored.hpp"

#include "sync/ignore_check.hpp"
#include "sync/rules_file.hpp"
#include "sync/session.hpp"

namespace syncline::cli {
namespace {

std::string words_of(const sync::Verdict& verdict, const CopyOptions& options) {
  using By = sync::Verdict::By;
  switch (verdict.by) {
    case By::filter: return "--exclude=" + options.filters[verdict.filter_index].pattern;
    case By::rules_file:
      return sync::rules_file_path(verdict.kind, std::string(verdict.rule.dir)) + ':' +
             std::to_string(verdict.rule.line) + ':' + std::string(verdict.rule.pattern);
    case By::git_directory: return "--gitignore";
    case By::reserved: return "--backup-dir=" + options.backup_dir.value_or("");
    case By::list: return "--files-from";
    case By::nothing: break;
  }
  return "";
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
    return verdict.excluded ? std::optional(words_of(verdict, options)) : std::nullopt;
  } catch (const Error& error) {
    if (error.is(Errc::usage)) return std::nullopt;
    throw;
  }
}

}  // namespace syncline::cli
