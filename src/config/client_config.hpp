// SPDX-License-Identifier: Apache-2.0
// What `syncline watch` is told to follow: the [[watch]] tables of client.toml.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/places.hpp"
#include "config/problem.hpp"
#include "fs/fs.hpp"

namespace syncline::config {

/// One [[watch]]. Words that only the command line knows the meaning of are as typed.
struct ClientWatch {
  std::string name;                       ///< [A-Za-z0-9._-], no leading dot
  std::string source;                     ///< absolute; a slash at its end means its contents
  std::vector<std::string> destinations;  ///< absolute, or on another machine
  std::vector<std::string> options;       ///< of the command line
  std::string rescan;                     ///< empty: not said
  std::string hook;                       ///< empty: none
  bool operator==(const ClientWatch&) const = default;
};

struct ClientConfig {
  std::vector<ClientWatch> watches;
  bool operator==(const ClientConfig&) const = default;
};

/// A configuration with all that is wrong with it. With problems, `config` holds what was sound.
struct LoadedClient {
  ClientConfig config;
  Origins origins;
  std::vector<Problem> problems;
};

/// The keys of [[watch]].
std::span<const std::string_view> watch_keys();

/// Reads TOML and checks everything but what options, durations and places on other machines mean. `file`
/// names the text in problems; `home` takes the place of "~", and may be empty.
LoadedClient read_client_text(std::string_view toml, const std::string& file, const std::string& home);

/// The same of the file `path`, at most limits::config_bytes_max. One that everybody may write is a problem:
/// it says what is run. Throws Error where it cannot be read.
LoadedClient read_client(fs::Fs& files, const std::string& path, const std::string& home);

/// $XDG_CONFIG_HOME/syncline/client.toml (default ~/.config), /etc/syncline/client.toml.
std::vector<std::string> client_places(const Environment& environment);
/// The first of these that is there. Throws Error where one cannot be looked at.
std::optional<std::string> find_client(fs::Fs& files, const Environment& environment);

/// The whole configuration as TOML. Reading it gives an equal one.
std::string to_toml(const ClientConfig& config);

}  // namespace syncline::config
