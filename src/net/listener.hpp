// SPDX-License-Identifier: Apache-2.0
// The server's way to connections.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/connection.hpp"
#include "net/endpoint.hpp"
#include "net/io_threads.hpp"

namespace syncline::net {

class ListenerCore;

struct ListenOptions {
  std::vector<std::string> addresses;  ///< "host:port"; port 0 takes a free one; "[::]" is IPv6 alone
  std::vector<int> sockets;            ///< listening ones that were inherited; the listener owns them
  TlsIdentity identity;
  /// A client with a key, known or not: to decide that is the owner's part, by dropping the connection.
  /// Called on the network thread that the connection stays with, at most once at a time on each; must not
  /// block. Nothing is read from the link before it returns.
  std::function<void(Connection)> on_connection;
  /// A client that got no connection, for the audit. May be empty. As on_connection; `address` is
  /// "host:port".
  std::function<void(const std::string& address, const Error& cause)> on_refused;
  std::chrono::milliseconds handshake_limit = limits::handshake_limit;  ///< from accept(2) to the end of TLS
  std::size_t handshakes_max = limits::handshakes_max;                  ///< at a time
  std::size_t handshakes_per_address_max = limits::handshakes_per_address_max;
  LinkOptions link;  ///< `peer` is set to the client's address
};

/// Accepts connections on all addresses and gives them to the threads in turn.
class Listener {
 public:
  /// Listens when it returns. Throws Error with the address: usage, unresolved, EADDRINUSE, EACCES...
  Listener(IoThreads& threads, ListenOptions options);
  /// stop_accepting(), drops the handshakes that are going on, and waits for callbacks that are running
  /// (unless on a network thread). None is called afterwards. Connections that were handed out stay.
  ~Listener();

  /// What it listens on, with the ports that were found for 0.
  std::vector<Endpoint> endpoints() const;
  /// Closes the listening sockets; handshakes that have begun go on.
  void stop_accepting();

 private:
  std::shared_ptr<ListenerCore> core_;
};

}  // namespace syncline::net
