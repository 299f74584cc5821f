// SPDX-License-Identifier: Apache-2.0
// The manual page and the example of client.toml against the keys.
#include <sstream>

#include "cli/watch_plans.hpp"
#include "support/catch.hpp"
#include "support/source_file.hpp"

namespace syncline::cli {
namespace {

using test::source_file;

/// With what is commented out switched on.
std::string switched_on(const std::string& text) {
  std::istringstream in(text);
  std::string out, line;
  while (std::getline(in, line)) {
    const bool is_example = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    out += (is_example ? line.substr(1) : line) + "\n";
  }
  return out;
}

std::size_t problem_count(const std::string& text) {
  return plans_of(config::read_client_text(text, "client.toml", "/home/me"), {}, {}).problems.size();
}

TEST_CASE("the example of client.toml follows nothing, and is sound and complete when switched on",
          "[docs]") {
  const auto example = source_file("docs/examples/client.toml");
  const auto as_it_is = config::read_client_text(example, "client.toml", "");
  CHECK(as_it_is.problems.empty());
  CHECK(as_it_is.config.watches.empty());
  const auto text = switched_on(example);
  const auto loaded = config::read_client_text(text, "client.toml", "/home/me");
  CHECK(loaded.config.watches.size() == 1);
  CHECK(problem_count(text) == 0);
  for (const auto key : config::watch_keys()) CHECK(text.find("\n" + std::string(key) + " = ") != text.npos);
}

TEST_CASE("the manual page of client.toml has every key, and its example is sound", "[docs]") {
  const auto page = source_file("docs/man/syncline-client.toml.5.scd");
  for (const auto key : config::watch_keys())
    CHECK(page.find("\n*" + std::string(key) + "* = ") != page.npos);
  const auto begin = page.find("```\n") + 4;
  const auto example = page.substr(begin, page.find("```", begin) - begin);
  CHECK(problem_count(example) == 0);
  CHECK(config::read_client_text(example, "client.toml", "/home/me").config.watches.size() == 2);
}

}  // namespace
}  // namespace syncline::cli
