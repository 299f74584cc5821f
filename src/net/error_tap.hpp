// SPDX-License-Identifier: Apache-2.0
// What a program says on standard error. Internal to src/net and whoever explains its end.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

#include "base/kept_thread.hpp"
#include "net/fd.hpp"

namespace syncline::net {

/// Passes on to our own standard error what comes, byte by byte, and remembers the last line of it.
class ErrorTap {
 public:
  /// Throws Error(errno).
  ErrorTap();
  /// Passes on what has come by now: somebody whom the program has left behind may hold its end open for
  /// ever.
  ~ErrorTap();
  ErrorTap(const ErrorTap&) = delete;
  ErrorTap& operator=(const ErrorTap&) = delete;

  /// For the program.
  int write_fd() const { return write_.get(); }
  /// Once the program has it.
  void start();
  /// The last line that is not empty, at most limits::tapped_line_bytes_max of it; once all writers are gone,
  /// or after `limit`.
  std::string last_line(std::chrono::milliseconds limit);

 private:
  void run();
  bool pass_on();
  void note(std::string_view text);

  Fd read_, write_, stop_;
  std::mutex mutex_;
  std::condition_variable over_;
  bool is_over_ = false;
  std::string line_, last_;  ///< the one that is under way, and the one before
  KeptThread thread_;
};

}  // namespace syncline::net
