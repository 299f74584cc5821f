// SPDX-License-Identifier: Apache-2.0
// Answers at a socket, in a thread of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "base/limits.hpp"
#include "control/message.hpp"
#include "fs/fd.hpp"

namespace syncline::control {

/// What the answers are taken from. Called by the server's thread alone.
class Desk {
 public:
  virtual ~Desk() = default;
  /// Of anything but `wait`. What it throws is answered as a refusal.
  virtual Json answer(const Request& request) = 0;

  // Of `wait`.
  virtual std::uint64_t want_round() = 0;
  virtual bool is_proven(std::uint64_t ticket) = 0;
  virtual Json standing() = 0;  ///< told while it lasts, each time that it differs
  virtual Json waited() = 0;    ///< told at its end
};

struct ServerOptions {
  std::size_t connections_max = limits::control_connections_max;
  std::chrono::milliseconds idle = limits::control_idle;
};

/// One request a connection, from processes of this user only. Never throws away what it was asked because
/// somebody else is slow, and keeps nobody who is.
class Server {
 public:
  /// `listening`: of listen_local(). `desk` lives longer.
  Server(fs::Fd listening, Desk& desk, const ServerOptions& options = {});
  /// Ends all connections.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// From any thread: what `wait` waits for may have come.
  void tell_news() noexcept;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace syncline::control
