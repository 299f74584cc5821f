// SPDX-License-Identifier: Apache-2.0
// One who asks. Internal to src/control.
#pragma once

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "control/server.hpp"

namespace syncline::control {

/// All of it on the server's thread. It lives while something of it is under way.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = asio::local::stream_protocol::socket;

  Connection(Socket socket, Desk& desk, const ServerOptions& options);
  void on_end(std::function<void()> call) { on_end_ = std::move(call); }  ///< once, when it closes
  void start();
  /// Says so and ends, whatever is asked.
  void refuse(const std::string& cause);
  void news();
  void close();

 private:
  void read_request();
  void take_request(std::size_t count);
  void begin_waiting();
  void watch_for_end();
  void send(const Json& answer);
  void write(std::string line);
  void written();
  void limit_time();

  Socket socket_;
  Desk& desk_;
  const ServerOptions options_;
  std::function<void()> on_end_;
  asio::steady_timer timer_;
  std::string input_, output_, told_;
  std::optional<std::uint64_t> ticket_;  ///< while it waits
  bool is_writing_ = false;
  bool is_last_ = false;  ///< what is written
};

}  // namespace syncline::control
