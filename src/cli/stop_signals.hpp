// SPDX-License-Identifier: Apache-2.0
// Stopping on request: the first SIGINT, SIGTERM or SIGHUP asks, the second one kills.
#pragma once

#include <chrono>

namespace syncline::cli {

/// Installs the handlers, once, before any thread is started. SIGPIPE is ignored from then on: a
/// reader that goes away must not end a copy half-way.
void watch_stop_signals();

/// From now on SIGHUP means "read the configuration again".
void watch_reload_signal();
/// Whether that was asked for since the last call.
bool take_reload_request() noexcept;

/// Until one of these signals comes or end_signal_wait() is called, or was since the last call, at most
/// `limit`. One thread at a time.
void wait_for_signal(std::chrono::milliseconds limit);
/// From any thread.
void end_signal_wait() noexcept;

/// Whether a signal has asked the program to stop. Async-signal-safe, any thread.
bool stop_requested() noexcept;

}  // namespace syncline::cli
