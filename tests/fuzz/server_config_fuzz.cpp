// SPDX-License-Identifier: Apache-2.0
// A server's configuration and the short forms of the command line: problems or Error, nothing else;
// what is sound is printed and read as the same.
#include "config/server_load.hpp"
#include "config/server_text.hpp"
#include "fuzz.hpp"

using namespace syncline;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(fuzz::view(data, size));
  const auto loaded = config::read_config_text(text, "input");
  for (const auto& problem : loaded.problems) {
    const auto line = config::to_line(problem);
    fuzz::require(line.find('\n') == line.npos, "a problem fits one line");
  }
  if (loaded.problems.empty() && config::validate(loaded.config, loaded.origins).empty()) {
    const auto again = config::read_config_text(config::to_toml(loaded.config), "printed");
    fuzz::require(again.problems.empty() && again.config == loaded.config,
                  "what is printed is read as the same");
  }
  fuzz::accept_errors([&] {
    const auto endpoint = config::parse_endpoint(text);
    fuzz::require(config::parse_endpoint(config::to_text(endpoint)) == endpoint, "an endpoint survives");
  });
  fuzz::accept_errors([&] { config::parse_share(text); });
  fuzz::accept_errors([&] { config::parse_authorization(text); });
  fuzz::accept_errors([&] {
    const auto rate = config::parse_rate(text);
    fuzz::require(config::parse_rate(config::rate_text(rate)) == rate, "a rate survives");
  });
  return 0;
}
