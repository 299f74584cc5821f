// SPDX-License-Identifier: Apache-2.0
// From a command line, or a configuration, to the pairs that are followed.
#pragma once

#include <string>
#include <vector>

#include "cli/watch_command_line.hpp"
#include "cli/watch_pair.hpp"
#include "config/client_config.hpp"

namespace syncline::cli {

/// The pairs of a command line with paths. Throws Error(usage) for two ends on other machines, too many
/// pairs, and such as fill the same directory.
std::vector<WatchPlan> plans_of(const WatchCommand& command);

/// Those of a configuration.
struct ClientPlans {
  std::vector<WatchPlan> plans;  ///< of those in `only`, or all
  std::vector<config::Problem> problems;
};

/// `shared`: arguments without paths, which count for all watches, before their own. All watches are checked,
/// and with problems nothing is to be started. Throws Error(usage) for a name in `only` that no watch has.
ClientPlans plans_of(config::LoadedClient loaded, const std::vector<std::string>& shared,
                     const std::vector<std::string>& only);

}  // namespace syncline::cli
