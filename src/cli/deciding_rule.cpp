// SPDX-License-Identifier: Apache-2.0
// By what decided.
#include "cli/deciding_rule.hpp"

#include "sync/rules_file.hpp"

namespace syncline::cli {

DecidingRule deciding_rule(const sync::Verdict& verdict, const CopyOptions& options) {
  using By = sync::Verdict::By;
  switch (verdict.by) {
    case By::filter: {
      const auto& rule = options.filters[verdict.filter_index];
      return {rule.include ? "--include" : "--exclude", "", rule.pattern};
    }
    case By::rules_file:
      return {sync::rules_file_path(verdict.kind, std::string(verdict.rule.dir)),
              std::to_string(verdict.rule.line), std::string(verdict.rule.pattern)};
    case By::git_directory: return {"--gitignore", "", ".git"};
    case By::reserved: return {"--backup-dir", "", options.backup_dir.value_or("")};
    case By::list: return {"--files-from", "", ""};
    case By::nothing: break;
  }
  return {};
}

}  // namespace syncline::cli
