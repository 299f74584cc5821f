// SPDX-License-Identifier: Apache-2.0
// Signal handlers.
#include "cli/stop_signals.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>

namespace syncline::cli {
namespace {

std::atomic<bool> requested{false};
std::atomic<bool> reload_wanted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set in a signal handler");

/// A descriptor that can be read once a signal came; -1 where there is none.
int bell() {
  static const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return descriptor;
}

/// In a handler: bell() was called before.
void ring() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(bell(), &one, sizeof one);
}

void on_stop_signal(int number) {
  ring();
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
  bell();
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
  action.sa_handler = [](int) {
    reload_wanted.store(true);
    ring();
  };
  bell();
  ::sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGHUP, &action, nullptr);
}

void wait_for_signal(std::chrono::milliseconds limit) {
  constexpr std::chrono::milliseconds without_bell{200};
  if (bell() < 0) return std::this_thread::sleep_for(std::min(limit, without_bell));
  ::pollfd waiting{bell(), POLLIN, 0};
  std::uint64_t count = 0;
  if (::poll(&waiting, 1, static_cast<int>(limit.count())) > 0) [[maybe_unused]]
    const auto read = ::read(bell(), &count, sizeof count);
}

void end_signal_wait() noexcept { ring(); }

bool take_reload_request() noexcept { return reload_wanted.exchange(false); }

bool stop_requested() noexcept { return requested.load(std::memory_order_relaxed); }

}  // namespace syncline::cli
