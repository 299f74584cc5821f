// SPDX-License-Identifier: Apache-2.0
// Waker by an eventfd.
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"
#include "fs/linux_fs.hpp"
#include "fs/waker.hpp"

namespace syncline::fs {

Waker::Waker() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!event_) throw_errno("wait for changes");
}

void Waker::wait(const std::vector<int>& descriptors, std::chrono::milliseconds limit) {
  std::vector<::pollfd> waiting{{event_.get(), POLLIN, 0}};
  for (const int one : descriptors) waiting.push_back({one, POLLIN, 0});
  // A day at a time: what is longer does not fit into an int.
  const auto left =
      std::clamp<std::chrono::milliseconds>(limit, std::chrono::milliseconds(0), std::chrono::hours(24));
  const int ready = ::poll(waiting.data(), waiting.size(), static_cast<int>(left.count()));
  if (ready < 0 && errno != EINTR) throw_errno("wait for changes");
  ::eventfd_t count = 0;
  if (ready > 0 && waiting.front().revents != 0) ::eventfd_read(event_.get(), &count);
}

void Waker::wake() noexcept { ::eventfd_write(event_.get(), 1); }

}  // namespace syncline::fs
