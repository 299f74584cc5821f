// SPDX-License-Identifier: Apache-2.0
// Where a server listens, as people write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace syncline::net {

struct Endpoint {
  std::string host;  ///< a name or an address, an IPv6 one without brackets
  std::uint16_t port = 0;

  /// "host:port", "192.0.2.1:port" or "[2001:db8::1]:port". Throws Error(usage).
  static Endpoint parse(std::string_view text);
  /// As parse() reads it; control bytes escaped.
  std::string text() const;
  bool operator==(const Endpoint&) const = default;
};

}  // namespace syncline::net
