// SPDX-License-Identifier: Apache-2.0
// The configuration of watch: problems or Error, nothing else; what is sound is printed and read as the same.
#include "config/client_config.hpp"
#include "fuzz.hpp"

using namespace syncline;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text(fuzz::view(data, size));
  const auto loaded = config::read_client_text(text, "input", "/home/me");
  for (const auto& problem : loaded.problems) {
    const auto line = config::to_line(problem);
    fuzz::require(line.find('\n') == line.npos, "a problem fits one line");
  }
  if (loaded.problems.empty()) {
    const auto again = config::read_client_text(config::to_toml(loaded.config), "printed", "");
    fuzz::require(again.problems.empty() && again.config == loaded.config,
                  "what is printed is read as the same");
  }
  return 0;
}
