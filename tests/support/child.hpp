// SPDX-License-Identifier: Apache-2.0
// Runs a piece of a test in a forked process: to be killed there, or to give up privileges.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>

namespace syncline::test {

struct ChildResult {
  int exit_code = -1;  ///< what `body` returned; 125 after an exception (told on stderr)
  int signal = 0;      ///< the signal that ended it, else 0
  bool killed() const { return signal == SIGKILL; }
};

/// Calls `body` (returning int) in a child and waits for it. Catch2 assertions do not work inside:
/// return a number instead. Call it while the process has one thread.
template <class Body>
ChildResult run_in_child(Body&& body) {
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork");
  if (pid == 0) {
    int code = 125;
    try {
      code = body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "child: %s\n", error.what());
    }
    ::_exit(code);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) throw std::runtime_error("waitpid");
  ChildResult out;
  if (WIFEXITED(status)) out.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) out.signal = WTERMSIG(status);
  return out;
}

}  // namespace syncline::test
