// SPDX-License-Identifier: Apache-2.0
// Default places of configuration and state.
#include "config/places.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace syncline::config {
namespace {

const std::string system_config = "/etc/syncline/";
constexpr const char* system_state = "/var/lib/syncline";

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool absolute(const std::string& path) { return path.starts_with('/'); }

}  // namespace

Environment process_environment() {
  return {.home = variable("HOME"),
          .xdg_config_home = variable("XDG_CONFIG_HOME"),
          .xdg_state_home = variable("XDG_STATE_HOME"),
          .state_directory = variable("STATE_DIRECTORY"),
          .root = ::geteuid() == 0};
}

std::vector<std::string> places_of(const Environment& environment, const std::string& name) {
  std::vector<std::string> places;
  if (absolute(environment.xdg_config_home))
    places.push_back(environment.xdg_config_home + "/syncline/" + name);
  else if (absolute(environment.home)) places.push_back(environment.home + "/.config/syncline/" + name);
  places.push_back(system_config + name);
  return places;
}

std::optional<std::string> first_there(fs::Fs& files, const std::vector<std::string>& places) {
  for (const auto& place : places)
    if (files.stat_path(place, true)) return place;
  return std::nullopt;
}

std::vector<std::string> config_places(const Environment& environment) {
  auto places = places_of(environment, "server.toml");
  if (environment.root) std::ranges::reverse(places);
  return places;
}

std::optional<std::string> find_config(fs::Fs& files, const Environment& environment) {
  return first_there(files, config_places(environment));
}

std::string default_state_dir(const Environment& environment) {
  // systemd separates several directories by colons.
  auto given = environment.state_directory.substr(0, environment.state_directory.find(':'));
  if (absolute(given)) return given;
  if (environment.root) return system_state;
  if (absolute(environment.xdg_state_home)) return environment.xdg_state_home + "/syncline";
  return absolute(environment.home) ? environment.home + "/.local/state/syncline" : "";
}

}  // namespace syncline::config
