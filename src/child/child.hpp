// SPDX-License-Identifier: Apache-2.0
// A process that was started, until its end is known.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <utility>

namespace syncline::child {

struct ExitStatus {
  int code = -1;   ///< -1 after a signal
  int signal = 0;  ///< what ended it, or 0
  bool operator==(const ExitStatus&) const = default;
};

/// Owns a child process. Not thread-safe.
class Child {
 public:
  /// `leads_group`: its process group is its own, and signals are for all in there.
  explicit Child(pid_t pid, bool leads_group = false) : pid_(pid), leads_group_(leads_group) {}
  Child(Child&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), leads_group_(other.leads_group_), status_(other.status_) {}
  Child& operator=(Child&&) = delete;
  /// Sends SIGTERM, and SIGKILL two seconds later, to a child that still runs, and waits for it.
  ~Child();

  pid_t pid() const { return pid_; }
  /// How it ended; nothing if it still runs after `limit`. Throws Error(errno) when that cannot be known
  /// (SIGCHLD is ignored, or somebody else has waited).
  std::optional<ExitStatus> wait(std::chrono::milliseconds limit);

 private:
  bool reap(bool blocking);
  void send(int signal);
  pid_t pid_;
  bool leads_group_ = false;
  std::optional<ExitStatus> status_;
};

}  // namespace syncline::child
