// SPDX-License-Identifier: Apache-2.0
// Where the file lies, reading and printing it.
#include "config/client_config.hpp"

#include "config/text.hpp"

namespace syncline::config {
namespace {

constexpr const char* file_name = "client.toml";

std::string list_text(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) out += (out.empty() ? "" : ", ") + toml_text(text);
  return "[" + out + "]";
}

}  // namespace

LoadedClient read_client(fs::Fs& files, const std::string& path, const std::string& home) {
  std::vector<Problem> problems;
  const auto text = read_config_file(files, path, problems);
  auto out = read_client_text(text, path, home);
  out.problems.insert(out.problems.end(), problems.begin(), problems.end());
  return out;
}

std::vector<std::string> client_places(const Environment& environment) {
  return places_of(environment, file_name);
}

std::optional<std::string> find_client(fs::Fs& files, const Environment& environment) {
  return first_there(files, client_places(environment));
}

std::string to_toml(const ClientConfig& config) {
  std::string out;
  for (const auto& watch : config.watches) {
    out += (out.empty() ? "" : "\n") + std::string("[[watch]]\n");
    out += toml_line("name", toml_text(watch.name)) + toml_line("source", toml_text(watch.source)) +
           toml_line("destination", list_text(watch.destinations));
    if (!watch.options.empty()) out += toml_line("options", list_text(watch.options));
    if (!watch.rescan.empty()) out += toml_line("rescan", toml_text(watch.rescan));
    if (!watch.hook.empty()) out += toml_line("hook", toml_text(watch.hook));
  }
  return out;
}

}  // namespace syncline::config
