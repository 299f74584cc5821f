// SPDX-License-Identifier: Apache-2.0
// What a session tells the person: changes, errors, progress; and what it counts.
#pragma once

#include <atomic>
#include <mutex>

#include "base/error.hpp"
#include "syncline/copy.hpp"

namespace syncline::sync {

struct Counters {
  std::atomic<std::uint64_t> files_scanned = 0;
  std::atomic<std::uint64_t> files_done = 0;
  std::atomic<std::uint64_t> files_total = 0;
  std::atomic<std::uint64_t> bytes_done = 0;
  std::atomic<std::uint64_t> bytes_total = 0;
  std::atomic<std::uint64_t> matched_bytes = 0;
  std::atomic<std::uint64_t> literal_bytes = 0;
  std::atomic<std::uint64_t> read_bytes = 0;
  std::atomic<std::uint64_t> errors = 0;
  std::atomic<int> worst_exit_code = 0;
  std::atomic<bool> transferring = false;
};

/// Calls the observer one event at a time, from whatever thread.
class Events {
 public:
  explicit Events(const CopyObserver& observer) : observer_(observer) {}
  void change(const ChangeEvent& event) {
    std::lock_guard lock(mutex_);
    if (observer_.on_change) observer_.on_change(event);
  }
  void error(const ErrorEvent& event) {
    ++counters.errors;
    int seen = counters.worst_exit_code;
    // 24 (a vanished source) is the milder one; anything else is 23 or what it says.
    const int code = seen == 0 || seen == 24 ? event.exit_code : seen;
    counters.worst_exit_code = code;
    std::lock_guard lock(mutex_);
    if (observer_.on_error) observer_.on_error(event);
  }
  void notice(const std::string& text) {
    std::lock_guard lock(mutex_);
    if (observer_.on_notice) observer_.on_notice(text);
  }
  bool cancelled() const { return observer_.cancelled && observer_.cancelled(); }
  void check_cancelled() const {
    if (cancelled()) throw Error(Errc::cancelled, "copy");
  }
  const CopyObserver& observer() const { return observer_; }
  std::mutex& mutex() { return mutex_; }

  Counters counters;

 private:
  const CopyObserver& observer_;
  std::mutex mutex_;
};

}  // namespace syncline::sync
