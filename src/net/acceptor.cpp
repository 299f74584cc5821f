// SPDX-License-Identifier: Apache-2.0
// accept(2) until there is nobody left, or no descriptor.
#include "net/acceptor.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "net/resolve.hpp"

namespace syncline::net {
namespace {

constexpr int accepts_max = 32;  // before others on the thread have their turn

asio::ip::tcp::endpoint address_of(int fd) {
  asio::ip::tcp::endpoint out;
  auto bytes = static_cast<socklen_t>(out.capacity());
  if (::getsockname(fd, out.data(), &bytes) == 0) out.resize(bytes);
  return out;
}

void set_flag(int fd, int level, int option) {
  const int on = 1;
  ::setsockopt(fd, level, option, &on, sizeof on);
}

}  // namespace

Fd listen_on(const asio::ip::tcp::endpoint& address) {
  const auto name = endpoint_of(address).text();
  Fd out(::socket(address.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (out.get() < 0) throw_errno(name);
  set_flag(out.get(), SOL_SOCKET, SO_REUSEADDR);
  if (address.protocol() == asio::ip::tcp::v6()) set_flag(out.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  if (::bind(out.get(), address.data(), static_cast<socklen_t>(address.size())) != 0 ||
      ::listen(out.get(), SOMAXCONN) != 0)
    throw_errno(name);
  return out;
}

Fd adopt_listening(int fd) {
  Fd out(fd);
  const auto name = "inherited socket " + std::to_string(fd);
  int listening = 0;
  socklen_t bytes = sizeof listening;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &bytes) != 0) throw_errno(name);
  if (listening == 0) throw Error(EINVAL, name);
  const auto family = address_of(fd).protocol().family();
  if (family != AF_INET && family != AF_INET6) throw Error(EAFNOSUPPORT, name);
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) throw_errno(name);
  return out;
}

Acceptor::Acceptor(std::shared_ptr<IoThread> thread, Fd listening)
    : thread_(std::move(thread)), acceptor_(thread_->context()), timer_(thread_->context()) {
  const auto address = address_of(listening.get());
  asio::error_code failed;
  acceptor_.assign(address.protocol(), listening.get(), failed);
  if (!failed) listening.release();
  if (!failed) acceptor_.non_blocking(true, failed);
  endpoint_ = endpoint_of(address);
  if (failed) throw Error(failed.value(), endpoint_.text());
}

void Acceptor::start(Accepted accepted) {
  thread_->post([self = shared_from_this(), accepted = std::move(accepted)] {
    if (!self->thread_->attach(*self)) return self->stop_running();
    self->accepted_ = accepted;
    if (self->acceptor_.is_open()) self->wait();
  });
}

void Acceptor::close() {
  thread_->post([self = shared_from_this()] { self->stop_running(); });
}

void Acceptor::stop_running() {
  asio::error_code ignored;
  acceptor_.close(ignored);
  timer_.cancel();
  thread_->detach(*this);
  accepted_ = nullptr;
}

void Acceptor::wait() {
  acceptor_.async_wait(asio::socket_base::wait_read, [self = shared_from_this()](std::error_code failed) {
    if (!self->acceptor_.is_open()) return;
    if (failed) self->pause();
    else self->accept_all();
  });
}

/// The connection stays in the queue of the socket, which stays readable: to wait for it would be to spin.
void Acceptor::pause() {
  timer_.expires_after(limits::accept_pause);
  timer_.async_wait([self = shared_from_this()](std::error_code) {
    if (self->acceptor_.is_open()) self->wait();
  });
}

void Acceptor::accept_all() {
  for (int turn = 0; turn < accepts_max && acceptor_.is_open(); ++turn) {
    asio::ip::tcp::endpoint address;
    auto bytes = static_cast<socklen_t>(address.capacity());
    Fd fd(::accept4(acceptor_.native_handle(), address.data(), &bytes, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd.get() >= 0) {
      address.resize(bytes);
      accepted_(std::move(fd), address);
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) break;
    if (errno == EINTR || errno == ECONNABORTED) continue;
    return pause();  // EMFILE, ENFILE, ENOBUFS, ENOMEM, and what the network itself reports
  }
  if (acceptor_.is_open()) wait();
}

}  // namespace syncline::net
