// SPDX-License-Identifier: Apache-2.0
// A client that is connected.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "net/connection.hpp"
#include "net/link.hpp"
#include "server/path_reservations.hpp"
#include "trust/fingerprint.hpp"
#include "wire/channel.hpp"

namespace syncline::server {

/// Its channel is used by one job at a time; the link's abort() and counts from anywhere.
struct Client {
  Client(net::Connection connection, std::uint64_t client_number)
      : number(client_number),
        key{connection.peer},
        exporter(connection.exporter),
        address(std::move(connection.peer_address)),
        link(connection.link.get()),
        channel(std::move(connection.link), wire::Conversation::answering(), {}) {}

  const std::uint64_t number;
  const trust::Fingerprint key;
  const std::array<std::byte, 32> exporter;
  const std::string address;
  net::Link* const link;  ///< owned by the channel
  wire::Channel channel;
  const std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
  std::atomic<bool> is_known = false;
  bool is_too_many = false;  ///< its key had all connections that it may have; set before anyone else sees it

  bool is_given_up = false;  ///< under the server's mutex

  // Of the session that runs, for the watch over it; under the server's mutex.
  std::optional<Claim> reserved;
  std::uint64_t seen_bytes = 0;
  std::chrono::steady_clock::time_point moved_at = since;
};

}  // namespace syncline::server
