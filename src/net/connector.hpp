// SPDX-License-Identifier: Apache-2.0
// The client's way to a connection.
#pragma once

#include <chrono>

#include "net/connection.hpp"
#include "net/endpoint.hpp"
#include "net/io_threads.hpp"

namespace syncline::net {

struct ConnectOptions {
  AcceptKey accept;  ///< of the server's key; called on a network thread. Empty: nobody is accepted
  std::chrono::milliseconds deadline = limits::handshake_limit;  ///< for resolving, TCP and TLS together
  LinkOptions link;                                              ///< `peer` is set to the endpoint
};

/// Resolves, tries all addresses in turn, shakes hands. Blocks until `deadline` at most; not on a network
/// thread. Throws Error with host:port as context: unresolved, ECONNREFUSED and other errnos of TCP,
/// ETIMEDOUT for the deadline, untrusted when `accept` says no (or when the server does), unsupported for
/// another version of TLS, malformed for something that is not TLS.
Connection connect(IoThreads& threads, const Endpoint& endpoint, const TlsIdentity& identity,
                   const ConnectOptions& options);

}  // namespace syncline::net
