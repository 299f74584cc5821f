// SPDX-License-Identifier: Apache-2.0
// An owned file descriptor and the retry rule for interrupted system calls.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace syncline::fs {

/// Closes its descriptor. An error of close(2) is not reported: whoever needs the data on disk has
/// synced before, and on Linux the descriptor is gone in any case.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  /// It is the caller's to close now.
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Repeats a system call while a signal interrupts it; returns its last result, errno untouched.
template <class Call>
auto retry(Call&& call) {
  for (;;) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

}  // namespace syncline::fs
