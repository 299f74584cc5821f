// SPDX-License-Identifier: Apache-2.0
// Where configurations and the state of a server lie when nobody says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fs/fs.hpp"

namespace syncline::config {

/// What the process was started with. Empty: not set.
struct Environment {
  std::string home = {};             ///< $HOME
  std::string xdg_config_home = {};  ///< $XDG_CONFIG_HOME
  std::string xdg_state_home = {};   ///< $XDG_STATE_HOME
  std::string state_directory = {};  ///< $STATE_DIRECTORY, from systemd (systemd.exec(5))
  bool root = false;                 ///< effective user id 0
};
Environment process_environment();

/// NAME in $XDG_CONFIG_HOME/syncline (default ~/.config), then in /etc/syncline. A relative $XDG_CONFIG_HOME
/// does not count (XDG base directories).
std::vector<std::string> places_of(const Environment& environment, const std::string& name);
/// Throws Error where one cannot be looked at: the next one would be read in its stead.
std::optional<std::string> first_there(fs::Fs& files, const std::vector<std::string>& places);

/// $XDG_CONFIG_HOME/syncline/server.toml (default ~/.config), /etc/syncline/server.toml; for root
/// the other way round.
std::vector<std::string> config_places(const Environment& environment);

/// The first of config_places() that is there. Throws as first_there().
std::optional<std::string> find_config(fs::Fs& files, const Environment& environment);

/// The first of $STATE_DIRECTORY; /var/lib/syncline for root; $XDG_STATE_HOME/syncline (default
/// ~/.local/state); empty where none of them is set.
std::string default_state_dir(const Environment& environment);

}  // namespace syncline::config
