// SPDX-License-Identifier: Apache-2.0
// Words, rates, names and paths: what a single value of a configuration may be.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "config/server_text.hpp"
#include "config/text.hpp"

namespace syncline::config {
namespace {

template <class Enum>
struct Word {
  std::string_view text;
  Enum value;
};

constexpr auto share_modes =
    std::to_array<Word<ShareMode>>({{"ro", ShareMode::read_only}, {"rw", ShareMode::read_write}});
constexpr auto rights = std::to_array<Word<Right>>(
    {{"ro", Right::read_only}, {"rw", Right::read_write}, {"nodelete", Right::no_delete}});
constexpr auto durabilities = std::to_array<Word<Durable>>(
    {{"none", Durable::none}, {"batch", Durable::batch}, {"file", Durable::file}});
constexpr auto updates = std::to_array<Word<Update>>(
    {{"auto", Update::automatic}, {"atomic", Update::atomic}, {"inplace", Update::inplace}});

template <class Words>
auto value_of(const Words& words, std::string_view text) {
  std::string all;
  for (const auto& word : words) {
    if (word.text == text) return word.value;
    all += std::string(all.empty() ? "" : &word == &words.back() ? " or " : ", ") + std::string(word.text);
  }
  refuse(text, "is not known; write " + all);
}

template <class Words, class Enum>
std::string_view text_of(const Words& words, Enum value) {
  return std::ranges::find(words, value, [](const auto& word) { return word.value; })->text;
}

bool is_ipv6(std::string_view host) {
  // A link-local address carries the interface: fe80::1%eth0.
  const auto percent = host.find('%');
  const std::string address(host.substr(0, percent));
  const auto zone = percent == host.npos ? std::string_view{"-"} : host.substr(percent + 1);
  in6_addr ignored{};
  return !zone.empty() && consists_of(zone, "._-") && address.find('\0') == address.npos &&
         ::inet_pton(AF_INET6, address.c_str(), &ignored) == 1;
}

/// Bytes of "K", "MiB", "GB" and so on; nothing for other words.
std::optional<double> unit_bytes(std::string_view unit) {
  if (unit == "B") return 1;
  if (unit.empty()) return std::nullopt;
  const auto power = std::string_view("KMGT").find(unit.front());
  if (power == std::string_view::npos) return std::nullopt;
  const auto rest = unit.substr(1);
  if (rest.empty() || rest == "iB") return std::pow(1024.0, static_cast<double>(power) + 1);
  if (rest == "B") return std::pow(1000.0, static_cast<double>(power) + 1);
  return std::nullopt;
}

/// The components of a path that count.
template <class Visit>
void each_component(std::string_view path, Visit visit) {
  for (std::size_t begin = 0; begin < path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    const auto part = path.substr(begin, end - begin);
    if (!part.empty() && part != ".") visit(part);
    begin = end + 1;
  }
}

}  // namespace

ShareMode parse_share_mode(std::string_view text) { return value_of(share_modes, text); }
std::string_view to_text(ShareMode mode) { return text_of(share_modes, mode); }
Right parse_right(std::string_view text) { return value_of(rights, text); }
std::string_view to_text(Right right) { return text_of(rights, right); }
Durable parse_durability(std::string_view text) { return value_of(durabilities, text); }
std::string_view to_text(Durable durability) { return text_of(durabilities, durability); }
Update parse_update(std::string_view text) { return value_of(updates, text); }
std::string_view to_text(Update update) { return text_of(updates, update); }

std::uint64_t parse_rate(std::string_view text) {
  constexpr std::string_view shape = "is not a rate; write bytes a second with a unit, as in 10M or 1.5MB";
  double number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc{} || !(number >= 0)) refuse(text, shape);
  const auto unit = unit_bytes({stop, static_cast<std::size_t>(end - stop)});
  if (!unit) refuse(text, shape);
  const double bytes = number * *unit;
  if (!(bytes >= limits::config_bwlimit_min && bytes <= limits::config_bwlimit_max))
    refuse(text, "is out of range; write a rate from 4K to 1T");
  return static_cast<std::uint64_t>(bytes);
}

std::string rate_text(std::uint64_t bytes_a_second) {
  constexpr std::string_view units = "BKMGT";
  std::size_t power = 0;
  for (; bytes_a_second != 0 && bytes_a_second % 1024 == 0 && power + 1 < units.size(); ++power)
    bytes_a_second /= 1024;
  return std::to_string(bytes_a_second) + units[power];
}

std::optional<std::string> fault_of_host(std::string_view host) {
  constexpr std::size_t host_bytes_max = 253;  // RFC 1035, as text
  if (host.find(':') != host.npos) {
    if (is_ipv6(host)) return std::nullopt;
    return "is not an IPv6 address";
  }
  if (host.empty() || host.size() > host_bytes_max || !consists_of(host, ".-_") || host.front() == '-' ||
      host.front() == '.')
    return "is neither an address nor the name of a host";
  in_addr ignored{};
  const bool numeric = host.find_first_not_of("0123456789.") == host.npos;
  if (numeric && ::inet_pton(AF_INET, std::string(host).c_str(), &ignored) != 1)
    return "is not an IPv4 address; write four numbers from 0 to 255";
  return std::nullopt;
}

std::optional<std::string> fault_of_share_name(std::string_view name) {
  constexpr const char* sane = "; write 1 to 64 of A-Z a-z 0-9 . _ - and no dot in front";
  if (name.empty()) return std::string("is empty as the name of a share") + sane;
  if (name.size() > limits::share_name_bytes_max)
    return std::string("is too long for the name of a share") + sane;
  if (name.front() == '.' || !consists_of(name, "._-"))
    return std::string("cannot be the name of a share") + sane;
  return std::nullopt;
}

std::optional<std::string> fault_of_fingerprint(std::string_view text) {
  constexpr std::string_view prefix = "SHA256:";
  constexpr std::size_t digits = 43;  // 256 bits, six in each
  constexpr const char* shape = "is not a fingerprint; write SHA256: and its 43 characters";
  if (!text.starts_with(prefix) || text.size() != prefix.size() + digits) return shape;
  if (!consists_of(text.substr(prefix.size()), "-_")) return shape;
  // 43 characters hold two bits more than the digest: one digest, one text.
  if (std::string_view("AEIMQUYcgkosw048").find(text.back()) == std::string_view::npos)
    return "is no digest's fingerprint: its last character is mistyped; copy it again";
  return std::nullopt;
}

std::optional<std::string> fault_of_directory(std::string_view dir) {
  if (dir.empty()) return "is empty; write an absolute path";
  if (dir.front() != '/') return "is relative; write the path from / on";
  // TOML and logs are UTF-8: another name could be neither printed nor read back.
  std::string printable(dir);
  std::erase(printable, '\\');
  if (escape_name(printable) != printable)
    return "has control characters or bytes that are not UTF-8; name it by a symlink";
  bool climbs = false;
  each_component(dir, [&](std::string_view part) { climbs = climbs || part == ".."; });
  if (climbs) return "goes up by '..'; write the path that is meant";
  if (dir.size() > limits::path_bytes_max) return "is too long for a path";
  return std::nullopt;
}

std::string plain_path(std::string_view path) {
  std::string out;
  each_component(path, [&](std::string_view part) { out.append("/").append(part); });
  return out.empty() ? "/" : out;
}

}  // namespace syncline::config
