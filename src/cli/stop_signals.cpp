// SPDX-License-Identifier: Apache-2.0
// Signal handlers.
#include "cli/stop_signals.hpp"

#include <signal.h>

#include <atomic>

namespace syncline::cli {
namespace {

std::atomic<bool> requested{false};
std::atomic<bool> reload_wanted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set in a signal handler");

void on_stop_signal(int number) {
  if (requested.exchange(true)) {
    // The second one: die of it, so that a shell sees the true cause. It stays blocked until this
    // handler returns.
    ::signal(number, SIG_DFL);
    ::raise(number);
  }
}

}  // namespace

void watch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    // A signal that was ignored from the start (nohup) stays ignored.
    struct sigaction before {};
    if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
      ::sigaction(number, &action, nullptr);
  }
  ::signal(SIGPIPE, SIG_IGN);
}

void watch_reload_signal() {
  struct sigaction action {};
  action.sa_handler = [](int) { reload_wanted.store(true); };
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGHUP, &action, nullptr);
}

bool take_reload_request() noexcept { return reload_wanted.exchange(false); }

bool stop_requested() noexcept { return requested.load(std::memory_order_relaxed); }

}  // namespace syncline::cli
