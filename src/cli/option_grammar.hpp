// SPDX-License-Identifier: Apache-2.0
// From arguments to what tables of options make of them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/option_table.hpp"

namespace syncline::cli {

using OptionTables = std::vector<std::span<const OptionSpec>>;

/// Applies the options among `args` to `draft`, in the order typed, because rsync's answer each other from
/// left to right. Returns the paths. Throws Error(usage) naming the argument, and what an option throws.
std::vector<std::string> take_options(const std::vector<std::string>& args, const OptionTables& tables,
                                      CopyDraft& draft);

/// At least two paths, none of them empty. Throws Error(usage).
void check_paths(const std::vector<std::string>& paths);

/// What options mean together, once the sources are in the draft. Throws Error(usage).
void settle_options(CopyDraft& draft);

}  // namespace syncline::cli
