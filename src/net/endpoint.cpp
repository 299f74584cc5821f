// SPDX-License-Identifier: Apache-2.0
// Reading and writing "host:port".
#include "net/endpoint.hpp"

#include <charconv>

#include "base/error.hpp"

namespace syncline::net {
namespace {

constexpr std::size_t host_bytes_max = 255;

[[noreturn]] void refuse(std::string_view text) {
  throw Error(Errc::usage,
              "'" + escape_name(text) + "' is no address: host:port or [address]:port is expected");
}

}  // namespace

Endpoint Endpoint::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) refuse(text);
  auto host = text.substr(0, colon);
  const auto port = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos) refuse(text);
  if (host.empty() || host.size() > host_bytes_max || host.find_first_of("[]/ ") != std::string_view::npos ||
      host.find('\0') != std::string_view::npos)
    refuse(text);
  Endpoint out{std::string(host), 0};
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (failed != std::errc() || end != port.data() + port.size()) refuse(text);
  return out;
}

std::string Endpoint::text() const {
  const auto name = escape_name(host);
  return (name.find(':') == std::string::npos ? name : "[" + name + "]") + ":" + std::to_string(port);
}

}  // namespace syncline::net
