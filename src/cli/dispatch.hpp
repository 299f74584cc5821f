// SPDX-License-Identifier: Apache-2.0
// Which command the arguments mean.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/console.hpp"

namespace syncline::cli {

/// A command: its arguments without its name; returns the exit code.
using Command = std::function<int(const std::vector<std::string>&)>;

struct Commands {
  Command copy;
  Command watch;
  Command status;
  Command wait;
  Command why;
  Command approve;
  Command log;
  Command check_ignore;
  Command manifest;
  Command config;
  Command serve;
  Command id;
  Command pair;
  Command grants;
};

/// Runs `syncline ARGS`. A first argument that starts with '-' or contains '/' or ':' means
/// `copy`, as rsync's users type it; --help, --version (and -h alone) are answered here.
int dispatch(const std::vector<std::string>& args, Console& console, const Commands& commands);

}  // namespace syncline::cli
