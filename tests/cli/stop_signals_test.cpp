// SPDX-License-Identifier: Apache-2.0
#include "cli/stop_signals.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "support/catch.hpp"

namespace syncline::cli {
namespace {

/// Runs `body` in a child and returns how the child ended, as waitpid(2) tells it.
template <class Body>
int ended(Body body) {
  const auto child = ::fork();
  if (child == 0) {
    // The test framework reports fatal signals itself; the program has no such handlers.
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_DFL);
    ::_exit(body());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

TEST_CASE("the first signal asks to stop and the second kills", "[signals]") {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    const int first = ended([&] {
      watch_stop_signals();
      if (stop_requested()) return 1;
      ::raise(number);
      return stop_requested() ? 0 : 2;
    });
    CHECK((WIFEXITED(first) && WEXITSTATUS(first) == 0));
    const int second = ended([&] {
      watch_stop_signals();
      ::raise(number);
      ::raise(number);
      return 3;
    });
    CHECK((WIFSIGNALED(second) && WTERMSIG(second) == number));
  }
}

TEST_CASE("a signal that was ignored from the start stays ignored", "[signals]") {
  const int status = ended([] {
    ::signal(SIGHUP, SIG_IGN);
    watch_stop_signals();
    ::raise(SIGHUP);
    ::raise(SIGHUP);
    return stop_requested() ? 1 : 0;
  });
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

TEST_CASE("a signal ends a wait, also one that begins after it", "[signals]") {
  const int status = ended([] {
    using namespace std::chrono_literals;
    const auto begun = std::chrono::steady_clock::now();
    watch_stop_signals();
    watch_reload_signal();
    ::raise(SIGHUP);
    wait_for_signal(60s);
    if (!take_reload_request()) return 1;
    std::thread other([] { ::kill(::getpid(), SIGTERM); });
    wait_for_signal(60s);
    other.join();
    if (!stop_requested()) return 2;
    return std::chrono::steady_clock::now() - begun < 30s ? 0 : 3;
  });
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

}  // namespace
}  // namespace syncline::cli
