// SPDX-License-Identifier: Apache-2.0
// A pipe, and a thread at its end.
#include "net/error_tap.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace syncline::net {
namespace {

constexpr std::size_t piece_bytes = 4096;

/// Nobody is told where our own standard error is closed.
void say(std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(STDERR_FILENO, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

ErrorTap::ErrorTap() : read_(-1), write_(-1), stop_(::eventfd(0, EFD_CLOEXEC)) {
  int ends[2];
  if (stop_.get() < 0 || ::pipe2(ends, O_CLOEXEC) != 0) throw_errno("pipe");
  read_.reset(ends[0]);
  write_.reset(
      ::fcntl(ends[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1));  // above those which the program replaces
  ::close(ends[1]);
  if (write_.get() < 0) throw_errno("pipe");
  ::fcntl(read_.get(), F_SETFL, O_NONBLOCK);  // of our end alone
}

ErrorTap::~ErrorTap() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

void ErrorTap::start() {
  write_.reset(-1);
  thread_ = KeptThread("tap", [this] { run(); });
}

void ErrorTap::run() {
  for (bool is_stopping = false; pass_on() && !is_stopping;) {
    std::array<::pollfd, 2> waiting{{{read_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) break;
    is_stopping = waiting[1].revents != 0;
  }
  pass_on();
  const std::lock_guard lock(mutex_);
  is_over_ = true;
  over_.notify_all();
}

/// What is there; false at the end.
bool ErrorTap::pass_on() {
  std::array<char, piece_bytes> buffer;
  for (;;) {
    const auto count = ::read(read_.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 && errno == EAGAIN;
    const std::string_view text(buffer.data(), static_cast<std::size_t>(count));
    note(text);
    say(text);
  }
}

void ErrorTap::note(std::string_view text) {
  const std::lock_guard lock(mutex_);
  for (const char c : text) {
    if (c == '\r') continue;
    if (c != '\n' && line_.size() < limits::tapped_line_bytes_max) line_ += c;
    if (c != '\n' || line_.empty()) continue;
    last_ = std::exchange(line_, {});
  }
}

std::string ErrorTap::last_line(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  over_.wait_for(lock, limit, [&] { return is_over_; });
  return line_.empty() ? last_ : line_;
}

}  // namespace syncline::net
