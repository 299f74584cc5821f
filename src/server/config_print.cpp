// SPDX-License-Identifier: Apache-2.0
// A configuration as TOML.
#include <array>
#include <cstdio>

#include "server/config_keys.hpp"
#include "server/config_text.hpp"

namespace syncline::server {
namespace {

/// A basic string of TOML.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= ' ' && c != 0x7F) {
      out += c;
      continue;
    }
    std::array<char, 8> code;
    std::snprintf(code.data(), code.size(), "\\u%04X", static_cast<unsigned>(c));
    out += code.data();
  }
  return out + "\"";
}

std::string line(std::string_view key, std::string_view value) {
  return std::string(key) + " = " + std::string(value) + "\n";
}

struct Printed {
  std::string operator()(const std::string& text) const { return quoted(text); }
  std::string operator()(std::int64_t number) const { return std::to_string(number); }
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
};

std::string values_of(const ServerConfig& config, std::string_view table) {
  std::string out;
  for (const auto& key : config_keys())
    if (const auto value = key.get(config); value && key.table == table)
      out += line(key.name, std::visit(Printed{}, *value));
  return out;
}

std::string listen_line(const std::vector<Endpoint>& endpoints) {
  std::string list;
  for (const auto& endpoint : endpoints) list += (list.empty() ? "" : ", ") + quoted(to_text(endpoint));
  return line("listen", "[" + list + "]");
}

}  // namespace

std::string to_toml(const ServerConfig& config) {
  auto out = listen_line(config.listen) + values_of(config, "");
  for (const auto* table : {"log", "limits"})
    out += "\n[" + std::string(table) + "]\n" + values_of(config, table);
  for (const auto& share : config.shares)
    out += "\n[[share]]\n" + line("name", quoted(share.name)) + line("dir", quoted(share.dir)) +
           line("mode", quoted(to_text(share.mode)));
  for (const auto& one : config.authorize)
    out += "\n[[authorize]]\n" + line("fingerprint", quoted(one.fingerprint)) +
           line("share", quoted(one.share)) + line("right", quoted(to_text(one.right)));
  return out;
}

}  // namespace syncline::server
