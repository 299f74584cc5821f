// SPDX-License-Identifier: Apache-2.0
// Endpoints, shares and authorizations as they are typed.
#include "config/server_text.hpp"

#include <charconv>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace syncline::config {
namespace {

void require(std::string_view value, const std::optional<std::string>& fault) {
  if (fault) refuse(value, *fault);
}

std::uint16_t parse_port(std::string_view text, std::string_view digits) {
  std::uint16_t port = 0;
  const auto* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, port);
  if (error != std::errc{} || stop != end) refuse(text, "has no port from 0 to 65535 behind its last colon");
  return port;
}

/// Takes ":WORD" off the end of `text`, where there is one with no slash in it.
std::string_view take_suffix(std::string_view& text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos || text.find('/', colon) != text.npos) return {};
  const auto suffix = text.substr(colon + 1);
  text = text.substr(0, colon);
  return suffix;
}

}  // namespace

void refuse(std::string_view value, std::string_view reason) {
  throw Error(Errc::usage, "'" + escape_name(value) + "' " + std::string(reason));
}

Endpoint parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) refuse(text, "has no port; write ADDR:PORT, or :PORT for every address");
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == host.npos) refuse(text, "has no IPv6 address in its brackets");
  } else if (host.find(':') != host.npos) {
    refuse(text, "has an IPv6 address without brackets; write [ADDR]:PORT");
  }
  const auto port = parse_port(text, text.substr(colon + 1));
  if (!host.empty()) require(host, fault_of_host(host));
  return {std::string(host), port};
}

std::string to_text(const Endpoint& endpoint) {
  const bool brackets = endpoint.host.find(':') != std::string::npos;
  return (brackets ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

Share parse_share(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == text.npos) refuse(text, "has no directory; write NAME=DIR or NAME=DIR:ro");
  const auto name = text.substr(0, equals);
  require(name, fault_of_share_name(name));
  auto dir = text.substr(equals + 1);
  const auto whole = dir;
  auto mode = ShareMode::read_write;
  if (const auto suffix = take_suffix(dir); dir.size() != whole.size()) {
    // A misspelt :ro must not quietly become the name of a directory that may be written.
    if (suffix != "ro" && suffix != "rw")
      refuse(text, "ends neither in :ro nor in :rw; behind a directory whose name has a colon write :rw");
    mode = parse_share_mode(suffix);
  }
  require(dir, fault_of_directory(dir));
  return {std::string(name), plain_path(dir), mode};
}

Authorization parse_authorization(std::string_view text) {
  const auto equals = text.find('=');
  const auto fingerprint = text.substr(0, equals);
  require(fingerprint, fault_of_fingerprint(fingerprint));
  Authorization out{.fingerprint = std::string(fingerprint)};
  if (equals == text.npos) return out;
  auto share = text.substr(equals + 1);
  const auto whole = share;
  if (const auto suffix = take_suffix(share); share.size() != whole.size()) out.right = parse_right(suffix);
  if (share != "*") require(share, fault_of_share_name(share));
  out.share = share;
  return out;
}

}  // namespace syncline::config
