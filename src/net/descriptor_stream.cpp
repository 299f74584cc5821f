// SPDX-License-Identifier: Apache-2.0
// Reading and writing pipes without blocking.
#include "net/descriptor_stream.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace syncline::net {
namespace {

constexpr std::size_t iovecs_max = 64;

}  // namespace

NonBlocking::NonBlocking(asio::io_context& context, Fd fd)
    : descriptor_(context), flags_(::fcntl(fd.get(), F_GETFL)) {
  asio::error_code failed;
  descriptor_.assign(fd.get(), failed);
  if (failed) throw Error(failed.value(), "descriptor " + std::to_string(fd.get()));
  fd.release();
  descriptor_.non_blocking(true, failed);
  if (failed) throw Error(failed.value(), "descriptor");
}

void NonBlocking::close() noexcept {
  if (!descriptor_.is_open()) return;
  if (flags_ >= 0 && (flags_ & O_NONBLOCK) == 0) ::fcntl(descriptor_.native_handle(), F_SETFL, flags_);
  asio::error_code ignored;
  descriptor_.close(ignored);
}

DescriptorStream::DescriptorStream(IoThread& thread, Fd in, Fd out)
    : in_(thread.context(), std::move(in)), out_(thread.context(), std::move(out)) {}

Stream::Input DescriptorStream::read(std::span<std::byte> into) {
  for (;;) {
    const auto got = ::read(in_.get(), into.data(), into.size());
    if (got > 0) {
      count_received(static_cast<std::size_t>(got));
      return {State::data, static_cast<std::size_t>(got)};
    }
    if (got == 0) return {State::end};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {State::wait_input};
    if (errno != EINTR) throw_errno("receiving");
  }
}

/// SIGPIPE is blocked in network threads.
std::size_t DescriptorStream::write(std::span<const ByteView> pieces) {
  std::array<iovec, iovecs_max> parts;
  const auto count = std::min(pieces.size(), parts.size());
  for (std::size_t k = 0; k < count; ++k)
    parts[k] = {const_cast<std::byte*>(pieces[k].data()), pieces[k].size()};
  for (;;) {
    const auto sent = ::writev(out_.get(), parts.data(), static_cast<int>(count));
    if (sent >= 0) {
      count_sent(static_cast<std::size_t>(sent));
      return static_cast<std::size_t>(sent);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    if (errno != EINTR) throw_errno("sending");
  }
}

bool DescriptorStream::flush() {
  if (finishing_ && !finished_) {
    ::shutdown(out_.get(),
               SHUT_WR);  // of a socket, whoever else has it; a pipe ends with its last descriptor
    out_.close();
    finished_ = true;
  }
  return true;
}

void DescriptorStream::wait_readable(Wake wake) {
  in_.descriptor().async_wait(asio::posix::descriptor_base::wait_read, std::move(wake));
}

void DescriptorStream::wait_writable(Wake wake) {
  out_.descriptor().async_wait(asio::posix::descriptor_base::wait_write, std::move(wake));
}

void DescriptorStream::close() noexcept {
  in_.close();
  out_.close();
}

}  // namespace syncline::net
