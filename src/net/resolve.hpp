// SPDX-License-Identifier: Apache-2.0
// Addresses of a host. Internal to src/net.
#pragma once

#include <asio/ip/tcp.hpp>
#include <chrono>
#include <vector>

#include "net/endpoint.hpp"

namespace syncline::net {

enum class Purpose { connect, listen };

/// At least one. Throws Error(unresolved), ETIMEDOUT after `deadline`. A name server that does not answer in
/// time leaves a thread behind until it does: getaddrinfo(3) cannot be stopped.
std::vector<asio::ip::tcp::endpoint> resolve(const Endpoint& endpoint, Purpose purpose,
                                             std::chrono::steady_clock::time_point deadline);

/// "192.0.2.1:7420", "[2001:db8::1]:7420".
Endpoint endpoint_of(const asio::ip::tcp::endpoint& address);

}  // namespace syncline::net
