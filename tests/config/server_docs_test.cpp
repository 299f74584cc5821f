// SPDX-License-Identifier: Apache-2.0
// The manual page and the example against the table of keys and the defaults.
#include <sstream>

#include "config/server_keys.hpp"
#include "config/server_load.hpp"
#include "expect.hpp"
#include "support/source_file.hpp"

namespace syncline::config {
namespace {

using test::contains;
using test::source_file;

/// The example with its commented-out keys and entries switched on.
std::string switched_on(const std::string& text) {
  std::istringstream in(text);
  std::string out, line;
  while (std::getline(in, line)) {
    const bool key = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    out += (key ? line.substr(1) : line) + "\n";
  }
  return out;
}

/// The description of a key, up to the empty line behind it.
std::string paragraph(const std::string& page, const std::string& table, const std::string& name) {
  const auto heading = table.empty() ? "# KEYS AT THE TOP" : "# THE TABLE [" + table + "]";
  const auto section = page.find(heading);
  REQUIRE(section != page.npos);
  const auto begin = page.find("\n*" + name + "* = ", section);
  REQUIRE(begin != page.npos);
  auto text = page.substr(begin, page.find("\n\n", begin) - begin);
  for (auto& c : text)
    if (c == '\n' || c == '\t') c = ' ';
  return text;
}

/// "key = value" as the printed defaults have it; "" where there is no default.
std::string default_line(const std::string& name) {
  std::istringstream in(to_toml(ServerConfig{}));
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name + " = ")) return line;
  return "";
}

TEST_CASE("the example changes nothing and shows every default", "[docs]") {
  const auto example = source_file("docs/examples/server.toml");
  const auto loaded = read_config_text(example, "server.toml");
  CHECK(lines(loaded.problems) == Lines{});
  CHECK(loaded.config == ServerConfig{});
  std::istringstream defaults(to_toml(ServerConfig{}));
  for (std::string line; std::getline(defaults, line);) CHECK(contains(example, "\n" + line + "\n"));
}

TEST_CASE("what the example has commented out is sound and complete", "[docs]") {
  const auto text = switched_on(source_file("docs/examples/server.toml"));
  const auto loaded = read_config_text(text, "server.toml");
  CHECK(lines(loaded.problems) == Lines{});
  CHECK(lines(validate(loaded.config)) == Lines{});
  CHECK(loaded.config.shares.size() == 1);
  CHECK(loaded.config.authorize.size() == 1);
  for (const auto& key : config_keys()) CHECK(contains(text, "\n" + std::string(key.name) + " = "));
  for (const auto name : share_keys()) CHECK(contains(text, "\n" + std::string(name) + " = "));
  for (const auto name : authorize_keys()) CHECK(contains(text, "\n" + std::string(name) + " = "));
}

TEST_CASE("the manual page has every key with its range and default", "[docs]") {
  const auto page = source_file("docs/man/syncline-server.toml.5.scd");
  for (const auto& key : config_keys()) {
    const std::string name(key.name);
    const auto text = paragraph(page, std::string(key.table), name);
    CAPTURE(name, text);
    if (key.type == ValueType::number)
      CHECK(contains(text, std::to_string(key.range.min) + " to " + std::to_string(key.range.max)));
    const auto line = default_line(name);
    if (line.empty()) CHECK(contains(text, "Default: "));
    else CHECK(contains(text, "Default: _" + line.substr(line.find(" = ") + 3) + "_"));
  }
  CHECK(contains(page, "*listen* = "));
  CHECK(contains(page, "Default: _" + default_line("listen").substr(9) + "_"));
  for (const auto name : share_keys()) CHECK(contains(page, "\n*" + std::string(name) + "* = "));
  for (const auto name : authorize_keys()) CHECK(contains(page, "\n*" + std::string(name) + "* = "));
}

}  // namespace
}  // namespace syncline::config
