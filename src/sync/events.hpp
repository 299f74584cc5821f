// SPDX-License-Identifier: Apache-2.0
// What a session tells the person: changes, errors, progress; and what it counts.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "syncline/copy.hpp"

namespace syncline::sync {

struct Counters {
  /// What was counted as found at the other side is sent after all.
  void count_as_sent(std::uint64_t bytes) {
    literal_bytes += bytes;
    auto matched = matched_bytes.load();
    while (!matched_bytes.compare_exchange_weak(matched, matched - std::min(matched, bytes))) {}
  }

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

/// The counters at one moment, to go back to when a session is begun anew.
class CounterMark {
 public:
  explicit CounterMark(const Counters& now) {
    for (std::size_t i = 0; i < fields.size(); ++i) values_[i] = now.*fields[i];
    worst_exit_code_ = now.worst_exit_code;
  }
  void restore(Counters& counters) const {
    for (std::size_t i = 0; i < fields.size(); ++i) counters.*fields[i] = values_[i];
    counters.worst_exit_code = worst_exit_code_;
    counters.transferring = false;
  }

 private:
  static constexpr std::array fields{
      &Counters::files_scanned, &Counters::files_done,  &Counters::files_total,
      &Counters::bytes_done,    &Counters::bytes_total, &Counters::matched_bytes,
      &Counters::literal_bytes, &Counters::read_bytes,  &Counters::errors};
  std::array<std::uint64_t, fields.size()> values_{};
  int worst_exit_code_ = 0;
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
    count_error(event.exit_code);
    std::lock_guard lock(mutex_);
    if (failed_paths_.size() <= limits::left_entries_max) failed_paths_.push_back(event.path);
    if (observer_.on_error) observer_.on_error(event);
  }
  void count_error(int exit_code) {
    ++counters.errors;
    const int seen = counters.worst_exit_code;
    // 24 (a source that vanished or kept changing) is the milder one; anything else is 23 or what it says.
    counters.worst_exit_code = seen == 0 || seen == 24 ? exit_code : seen;
  }
  void notice(const std::string& text) {
    std::lock_guard lock(mutex_);
    if (observer_.on_notice) observer_.on_notice(text);
  }
  /// Of all errors so far, or of those that there may be and one more.
  std::vector<std::string> failed_paths() {
    std::lock_guard lock(mutex_);
    return failed_paths_;
  }
  void forget_failed_paths() {
    std::lock_guard lock(mutex_);
    failed_paths_.clear();
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
  std::vector<std::string> failed_paths_;
};

}  // namespace syncline::sync
