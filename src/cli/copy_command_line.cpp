// SPDX-License-Identifier: Apache-2.0
// From arguments to a CopyCommand.
#include "cli/copy_command_line.hpp"

#include <utility>

#include "base/error.hpp"
#include "cli/option_grammar.hpp"
#include "cli/option_table.hpp"

namespace syncline::cli {

CopyCommand parse_copy(const std::vector<std::string>& args, std::istream& standard_input) {
  CopyDraft draft;
  draft.standard_input = &standard_input;
  auto paths = take_options(args, {copy_options()}, draft);
  if (draft.command.help) return std::move(draft.command);
  check_paths(paths);
  auto& options = draft.command.options;
  options.destination = std::move(paths.back());
  paths.pop_back();
  options.sources = std::move(paths);
  settle_options(draft);
  return std::move(draft.command);
}

}  // namespace syncline::cli
