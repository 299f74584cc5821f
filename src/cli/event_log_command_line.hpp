// SPDX-License-Identifier: Apache-2.0
// The command line of `syncline log`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/event_log_query.hpp"

namespace syncline::cli {

struct LogCommand {
  EventLogQuery query;
  std::optional<std::string> state_dir;
  std::optional<std::uint64_t> tail;  ///< only the last so many
  bool follow = false;
  bool json = false;
  bool help = false;
};

/// `now_ns` is what relative times count from. Throws Error(usage).
LogCommand parse_log(const std::vector<std::string>& args, std::int64_t now_ns);

}  // namespace syncline::cli
