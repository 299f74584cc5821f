// SPDX-License-Identifier: Apache-2.0
// A configuration as TOML.
#include "config/server_keys.hpp"
#include "config/server_text.hpp"
#include "config/text.hpp"

namespace syncline::config {
namespace {

struct Printed {
  std::string operator()(const std::string& text) const { return toml_text(text); }
  std::string operator()(std::int64_t number) const { return std::to_string(number); }
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
};

std::string values_of(const ServerConfig& config, std::string_view table) {
  std::string out;
  for (const auto& key : config_keys())
    if (const auto value = key.get(config); value && key.table == table)
      out += toml_line(key.name, std::visit(Printed{}, *value));
  return out;
}

std::string listen_line(const std::vector<Endpoint>& endpoints) {
  std::string list;
  for (const auto& endpoint : endpoints) list += (list.empty() ? "" : ", ") + toml_text(to_text(endpoint));
  return toml_line("listen", "[" + list + "]");
}

}  // namespace

std::string to_toml(const ServerConfig& config) {
  auto out = listen_line(config.listen) + values_of(config, "");
  for (const auto* table : {"log", "limits"})
    out += "\n[" + std::string(table) + "]\n" + values_of(config, table);
  for (const auto& share : config.shares)
    out += "\n[[share]]\n" + toml_line("name", toml_text(share.name)) +
           toml_line("dir", toml_text(share.dir)) + toml_line("mode", toml_text(to_text(share.mode)));
  for (const auto& one : config.authorize)
    out += "\n[[authorize]]\n" + toml_line("fingerprint", toml_text(one.fingerprint)) +
           toml_line("share", toml_text(one.share)) + toml_line("right", toml_text(to_text(one.right)));
  return out;
}

}  // namespace syncline::config
