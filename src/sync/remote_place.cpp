// SPDX-License-Identifier: Apache-2.0
// Parsing of remote places.
#include "sync/remote_place.hpp"

#include <charconv>

#include "base/error.hpp"
#include "base/relpath.hpp"

namespace syncline::sync {
namespace {

constexpr std::string_view scheme = "syncline://";

[[noreturn]] void refuse(const std::string& typed, const std::string& cause) {
  throw Error(Errc::usage, "'" + escape_name(typed) + "': " + cause);
}

std::string percent_decoded(const std::string& typed, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    const auto* begin = text.data() + i + 1;
    const auto* end = text.data() + text.size();
    if (end - begin < 2 || std::from_chars(begin, begin + 2, value, 16).ptr != begin + 2)
      refuse(typed, "'%' must be followed by two hexadecimal digits; write %25 for '%' itself");
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

/// "a//b/./c/" as "a/b/c".
void set_path(RemotePlace& out, std::string_view text) {
  out.contents = text.empty() || text.ends_with('/') || text == "." || text.ends_with("/.");
  while (!text.empty()) {
    const auto slash = text.find('/');
    const auto part = text.substr(0, slash);
    text = slash == text.npos ? std::string_view() : text.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") refuse(out.typed, "'..' is not possible in a path on another machine");
    if (!out.path.empty()) out.path += '/';
    out.path += part;
  }
  if (out.path.empty()) out.contents = true;
  try {
    (void)RelPath::parse(out.path);
  } catch (const Error& error) {
    refuse(out.typed, error.code().message());
  }
}

std::uint16_t parse_port(const std::string& typed, std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0)
    refuse(typed, "port '" + escape_name(text) + "' is no number from 1 to 65535");
  return port;
}

RemotePlace parse_address(const std::string& typed) {
  RemotePlace out;
  out.typed = typed;
  std::string_view rest = std::string_view(typed).substr(scheme.size());
  const auto slash = rest.find('/');
  auto host = rest.substr(0, slash);
  rest = slash == rest.npos ? std::string_view() : rest.substr(slash + 1);
  out.port = default_port;
  if (host.starts_with('[')) {
    const auto close = host.find(']');
    if (close == host.npos) refuse(typed, "']' is missing after the address");
    out.host = host.substr(1, close - 1);
    host = host.substr(close + 1);
    if (host.starts_with(':')) out.port = parse_port(typed, host.substr(1));
    else if (!host.empty()) refuse(typed, "':' is missing before the port");
  } else {
    const auto colon = host.find(':');
    out.host = host.substr(0, colon);
    if (colon != host.npos) out.port = parse_port(typed, host.substr(colon + 1));
  }
  if (out.host.empty()) refuse(typed, "the host is missing; write syncline://HOST/SHARE/PATH");
  const auto end_of_share = rest.find('/');
  out.share = percent_decoded(typed, rest.substr(0, end_of_share));
  set_path(out,
           end_of_share == rest.npos ? std::string() : percent_decoded(typed, rest.substr(end_of_share + 1)));
  // The share's own name has no slash after it when it is typed alone, and means its contents all the same.
  return out;
}

}  // namespace

std::string RemotePlace::name() const {
  if (path.empty()) return kind == Kind::server ? share : std::string();
  const auto slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

std::string RemotePlace::peer() const {
  if (kind == Kind::ssh) return "ssh " + host;
  return host + ':' + std::to_string(port);
}

std::optional<RemotePlace> parse_remote(const std::string& typed) {
  if (typed.starts_with(scheme)) return parse_address(typed);
  // An IPv6 address has colons of its own and stands in brackets.
  const auto bracket = typed.find('[');
  const auto close = bracket == 0 || (bracket != typed.npos && typed[bracket - 1] == '@')
                         ? typed.find("]:", bracket)
                         : typed.npos;
  const auto colon = close == typed.npos ? typed.find(':') : close + 1;
  if (colon == typed.npos || colon == 0 || typed.find('/') < colon) return std::nullopt;
  if (typed.compare(colon, 3, "://") == 0)
    refuse(typed, "only syncline://HOST/SHARE/PATH and [USER@]HOST:PATH are spoken");
  RemotePlace out;
  out.kind = RemotePlace::Kind::ssh;
  out.typed = typed;
  out.host = typed.substr(0, colon);
  if (close != typed.npos) {
    out.host.pop_back();
    out.host.erase(bracket, 1);
  }
  if (out.host.starts_with('-')) refuse(typed, "a host does not begin with '-'");
  std::string_view path = std::string_view(typed).substr(colon + 1);
  if (path.starts_with(':')) refuse(typed, "rsync's daemon is not spoken; write syncline://HOST/SHARE/PATH");
  out.share = path.starts_with('/') ? "/" : ".";
  set_path(out, path);
  return out;
}

}  // namespace syncline::sync
