// SPDX-License-Identifier: Apache-2.0
// One listening socket on its network thread. Internal to src/net.
#pragma once

#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "net/endpoint.hpp"
#include "net/fd.hpp"
#include "net/io_thread.hpp"

namespace syncline::net {

/// Listens on `address`. Throws Error(errno) with it.
Fd listen_on(const asio::ip::tcp::endpoint& address);
/// Takes an inherited socket. Throws Error(errno) unless it listens for TCP.
Fd adopt_listening(int fd);

class Acceptor final : public Running, public std::enable_shared_from_this<Acceptor> {
 public:
  /// A new connection (non-blocking, close-on-exec), on the acceptor's thread. Must not throw.
  using Accepted = std::function<void(Fd, const asio::ip::tcp::endpoint&)>;

  Acceptor(std::shared_ptr<IoThread> thread, Fd listening);
  Endpoint endpoint() const { return endpoint_; }
  void start(Accepted accepted);
  void close();  ///< from any thread; connections may still come until the thread has done it
  void stop_running() override;

 private:
  void wait();
  void pause();
  void accept_all();

  const std::shared_ptr<IoThread> thread_;
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer timer_;
  Accepted accepted_;
  Endpoint endpoint_;
};

}  // namespace syncline::net
