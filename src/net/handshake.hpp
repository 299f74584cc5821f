// SPDX-License-Identifier: Apache-2.0
// From a TCP connection to a TLS one, within a deadline. Internal to src/net.
#pragma once

#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "net/connection.hpp"
#include "net/io_thread.hpp"
#include "net/tls_stream.hpp"

namespace syncline::net {

class Handshake final : public Running, public std::enable_shared_from_this<Handshake> {
 public:
  using Clock = std::chrono::steady_clock;
  /// Called once, on the network thread: the stream, or why there is none. The context of the error does not
  /// name the peer. Must not throw.
  using Done = std::function<void(std::unique_ptr<TlsStream>, std::optional<Error>)>;

  Handshake(std::shared_ptr<IoThread> thread, asio::ip::tcp::socket socket, const TlsContext& context,
            AcceptKey accept, Clock::time_point deadline, Done done);
  /// On the network thread.
  void start() noexcept;
  /// From any thread.
  void drop();
  void stop_running() override;

 private:
  void step();
  void await(void (Stream::*wait)(Stream::Wake));
  void finish(const std::optional<Error>& failure);

  const std::shared_ptr<IoThread> thread_;
  std::unique_ptr<TlsStream> stream_;
  Clock::time_point deadline_;
  Done done_;
  asio::steady_timer timer_;
};

/// The connection that a handshake has led to.
Connection make_connection(std::shared_ptr<IoThread> thread, std::unique_ptr<TlsStream> stream,
                           const LinkOptions& options, std::string peer_address);

}  // namespace syncline::net
