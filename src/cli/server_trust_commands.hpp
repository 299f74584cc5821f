// SPDX-License-Identifier: Apache-2.0
// The commands `syncline id`, `syncline pair` and `syncline grants`.
#pragma once

#include <string>
#include <vector>

#include "cli/console.hpp"

namespace syncline::cli {

int run_id(const std::vector<std::string>& args, Console& console);
int run_pair(const std::vector<std::string>& args, Console& console);
int run_grants(const std::vector<std::string>& args, Console& console);

}  // namespace syncline::cli
