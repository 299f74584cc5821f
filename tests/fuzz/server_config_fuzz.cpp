// SPDX-License-Identifier: Apache-2.0
// A server's configuration and the short forms of the command line: problems or Error, nothing else;
// what is sound is printed and read as the same.
#include "fuzz.hpp"
#include "server/config_load.hpp"
#include "server/config_text.hpp"

using namespace syncline;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(fuzz::view(data, size));
  const auto loaded = server::read_config_text(text, "input");
  for (const auto& problem : loaded.problems) {
    const auto line = server::to_line(problem);
    fuzz::require(line.find('\n') == line.npos, "a problem fits one line");
  }
  if (loaded.problems.empty() && server::validate(loaded.config, loaded.origins).empty()) {
    const auto again = server::read_config_text(server::to_toml(loaded.config), "printed");
    fuzz::require(again.problems.empty() && again.config == loaded.config,
                  "what is printed is read as the same");
  }
  fuzz::accept_errors([&] {
    const auto endpoint = server::parse_endpoint(text);
    fuzz::require(server::parse_endpoint(server::to_text(endpoint)) == endpoint, "an endpoint survives");
  });
  fuzz::accept_errors([&] { server::parse_share(text); });
  fuzz::accept_errors([&] { server::parse_authorization(text); });
  fuzz::accept_errors([&] {
    const auto rate = server::parse_rate(text);
    fuzz::require(server::parse_rate(server::rate_text(rate)) == rate, "a rate survives");
  });
  return 0;
}
