// SPDX-License-Identifier: Apache-2.0
// Reading and changing the pins of the client.
#include "trust/known_servers.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace syncline::trust {
namespace {

struct Pin {
  std::size_t line_number = 0;
  std::string place;
  Fingerprint key;
};

[[noreturn]] void refuse_host(const std::string& host) {
  throw Error(Errc::usage, "'" + escape_name(host) + "' is not a host name or address");
}

bool may_be_in_a_host(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

/// The zone ("%eth0") stays as it is: it names an interface of this machine.
std::string ipv6_text(const std::string& host) {
  const auto percent = std::min(host.find('%'), host.size());
  const std::string zone = host.substr(percent);
  struct ::in6_addr address;
  char out[INET6_ADDRSTRLEN];
  if (::inet_pton(AF_INET6, host.substr(0, percent).c_str(), &address) != 1 || zone.size() == 1 ||
      !std::all_of(zone.begin() + (zone.empty() ? 0 : 1), zone.end(), may_be_in_a_host) ||
      ::inet_ntop(AF_INET6, &address, out, sizeof out) == nullptr)
    refuse_host(host);
  return out + zone;
}

std::string host_text(const std::string& host) {
  if (host.empty() || host.size() > limits::host_bytes_max) refuse_host(host);
  std::string out = host;
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (out.size() > 2 && out.front() == '[' && out.back() == ']') out = out.substr(1, out.size() - 2);
  if (out.find(':') != out.npos) return "[" + ipv6_text(out) + "]";
  if (out.front() == '-' || !std::all_of(out.begin(), out.end(), may_be_in_a_host)) refuse_host(host);
  return out;
}

std::string parse_place(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto port = colon == text.npos ? std::nullopt : parse_number(text.substr(colon + 1));
  const bool bare_ipv6 = colon != text.npos && text.front() != '[' && text.find(':') != colon;
  if (!port || *port < 1 || *port > 65535 || bare_ipv6)
    throw Error(Errc::usage, "'" + escape_name(text) + "' is not HOST:PORT (IPv6 in brackets)");
  return server_place(std::string(text.substr(0, colon)), static_cast<std::uint16_t>(*port));
}

Pin parse_pin(std::string_view text) {
  Pin out;
  out.place = parse_place(take_word(text));
  out.key = Fingerprint::parse(take_word(text));
  if (!text.empty()) throw Error(Errc::usage, "there is something behind the key");
  return out;
}

std::vector<Pin> parse_pins(const TextFile& file, std::string_view content) {
  std::vector<Pin> out;
  std::set<std::string> seen;
  for (const auto& line : file.lines(content)) {
    if (says_nothing(line.text)) continue;
    try {
      out.push_back(parse_pin(line.text));
    } catch (const Error& error) {
      file.refuse_line(line.number, error.context());
    }
    out.back().line_number = line.number;
    // Two keys of one place would make its pin a matter of luck.
    if (!seen.insert(out.back().place).second)
      file.refuse_line(line.number, "'" + out.back().place + "' stands there already");
  }
  return out;
}

const Pin* find_pin(const std::vector<Pin>& pins, const std::string& place) {
  const auto found =
      std::find_if(pins.begin(), pins.end(), [&](const Pin& pin) { return pin.place == place; });
  return found == pins.end() ? nullptr : &*found;
}

/// Every other line stays as it is, comments included. An empty `text` takes the line away.
std::string with_line(const TextFile& file, std::string_view content, std::size_t number,
                      const std::string& text) {
  std::string out;
  for (const auto& line : file.lines(content)) {
    if (line.number != number) out.append(line.text).append("\n");
    else if (!text.empty()) out.append(text).append("\n");
  }
  return out;
}

}  // namespace

std::string server_place(const std::string& host, std::uint16_t port) {
  if (port == 0) throw Error(Errc::usage, "port 0 of '" + escape_name(host) + "'");
  return host_text(host) + ":" + std::to_string(port);
}

KnownServers::KnownServers(fs::Fs& files, const std::string& dir)
    : file_(files, dir, "known_servers", Secrecy::open) {}

std::optional<Fingerprint> KnownServers::lookup(const std::string& host, std::uint16_t port) const {
  const auto place = server_place(host, port);
  const auto content = file_.read();
  if (!content) return std::nullopt;
  const auto pins = parse_pins(file_, *content);
  const auto* found = find_pin(pins, place);
  return found == nullptr ? std::nullopt : std::optional(found->key);
}

void KnownServers::pin(const std::string& host, std::uint16_t port, const Fingerprint& key, OtherPin other) {
  const auto place = server_place(host, port);
  const auto text = place + " " + key.text();
  file_.edit([&](std::string& content) {
    const auto pins = parse_pins(file_, content);
    const auto* found = find_pin(pins, place);
    if (found == nullptr) {
      content += text + "\n";
      return;
    }
    if (found->key == key) return;
    if (other == OtherPin::refuse)
      throw Error(Errc::untrusted, "'" + place + "' is pinned to " + found->key.text() + " in '" +
                                       escape_name(file_.path()) + "' and not to " + key.text() +
                                       "; ask who runs it before you replace the pin");
    content = with_line(file_, content, found->line_number, text);
  });
}

bool KnownServers::forget(const std::string& host, std::uint16_t port) {
  const auto place = server_place(host, port);
  if (!file_.read()) return false;
  bool forgotten = false;
  file_.edit([&](std::string& content) {
    const auto pins = parse_pins(file_, content);
    const auto* found = find_pin(pins, place);
    if (found == nullptr) return;
    content = with_line(file_, content, found->line_number, "");
    forgotten = true;
  });
  return forgotten;
}

}  // namespace syncline::trust
