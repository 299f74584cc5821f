// SPDX-License-Identifier: Apache-2.0
// Starting another program.
#pragma once

#include <string>
#include <vector>

#include "child/child.hpp"

namespace syncline::child {

struct SpawnOptions {
  std::vector<std::string> argv;  ///< the program, looked for in $PATH, and its arguments
  int in_fd = 0;                  ///< what it reads
  int out_fd = 1;                 ///< what it writes
  int err_fd = 2;                 ///< its standard error
  /// NAME=VALUE each, beside our own variables or in place of them.
  std::vector<std::string> variables = {};
  /// In a process group of its own: a Ctrl-C at the terminal is not for it, and signals of ours reach all
  /// that it has started.
  bool own_group = false;
};

/// It inherits the three standard descriptors and no other one, no blocked signal, and SIGPIPE as it is by
/// default. Throws Error(usage) for no argv, or the errno of why it cannot be started.
Child spawn(const SpawnOptions& options);

}  // namespace syncline::child
