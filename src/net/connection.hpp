// SPDX-License-Identifier: Apache-2.0
// A link whose handshake is done, and whom it leads to.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "net/link.hpp"
#include "net/tls.hpp"

namespace syncline::net {

struct Connection {
  std::unique_ptr<Link> link;
  PeerKey peer{};
  /// The same on both ends and on no other connection (RFC 8446 7.5, label "EXPERIMENTAL-syncline-pair-1", no
  /// context): what is said about it was said on this connection.
  std::array<std::byte, 32> exporter{};
  std::string peer_address;  ///< "host:port"
};

}  // namespace syncline::net
