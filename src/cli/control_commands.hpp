// SPDX-License-Identifier: Apache-2.0
// The commands `syncline status`, `wait`, `why` and `approve`: they ask running watches.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/console.hpp"

namespace syncline::cli {

int run_status(const std::vector<std::string>& args, Console& console);
/// `cancelled` ends it.
int run_wait(const std::vector<std::string>& args, Console& console, const std::function<bool()>& cancelled);
int run_why(const std::vector<std::string>& args, Console& console);
int run_approve(const std::vector<std::string>& args, Console& console);

}  // namespace syncline::cli
