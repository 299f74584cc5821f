// SPDX-License-Identifier: Apache-2.0
// Waiting for a child without a signal handler.
#include "child/child.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>

#include "base/error.hpp"

namespace syncline::child {
namespace {

constexpr std::chrono::seconds terminate_limit{2};
constexpr std::chrono::milliseconds poll_interval{10};  // where the kernel has no pidfd_open(2): before 5.3

class PidFd {
 public:
  explicit PidFd(pid_t pid) : fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  ~PidFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  PidFd(const PidFd&) = delete;
  PidFd& operator=(const PidFd&) = delete;
  /// Returns when the process has ended, or after `limit`, or earlier.
  void wait(std::chrono::milliseconds limit) const {
    pollfd look{fd_, POLLIN, 0};
    const auto span = fd_ >= 0 ? limit : std::min(limit, poll_interval);
    const auto longest = std::chrono::milliseconds(60'000);
    ::poll(&look, fd_ >= 0 ? 1 : 0, static_cast<int>(std::min(span, longest).count()));
  }

 private:
  int fd_;
};

}  // namespace

bool Child::reap(bool blocking) {
  int status = 0;
  pid_t got = -1;
  do got = ::waitpid(pid_, &status, blocking ? 0 : WNOHANG);
  while (got < 0 && errno == EINTR);
  if (got < 0) throw_errno("process " + std::to_string(pid_));
  if (got == 0) return false;
  status_.emplace();
  if (WIFEXITED(status)) status_->code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) status_->signal = WTERMSIG(status);
  return true;
}

std::optional<ExitStatus> Child::wait(std::chrono::milliseconds limit) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + limit;
  const PidFd process(pid_);
  while (!status_ && !reap(false)) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return std::nullopt;
    process.wait(left);
  }
  return status_;
}

void Child::send(int signal) { ::kill(leads_group_ ? -pid_ : pid_, signal); }

Child::~Child() {
  if (pid_ < 0 || status_) return;
  try {
    if (reap(false)) return;
    send(SIGTERM);
    if (wait(terminate_limit)) return;
    send(SIGKILL);
    reap(true);
  } catch (const Error&) {  // somebody else has waited: the number is no longer ours
  }
}

}  // namespace syncline::child
