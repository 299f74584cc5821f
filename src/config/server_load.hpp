// SPDX-License-Identifier: Apache-2.0
// From a configuration file and a command line to the configuration that a server runs by.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/places.hpp"
#include "config/server_config.hpp"
#include "fs/fs.hpp"

namespace syncline::config {

/// A configuration with all that is wrong with it. With problems, `config` holds what was sound.
struct LoadedConfig {
  ServerConfig config;
  Origins origins;
  std::vector<Problem> problems;
};

/// What the command line says in place of the file, or on top of it.
struct Overrides {
  std::vector<Endpoint> listen;          ///< not empty: in place of all of the file's
  std::vector<Share> shares;             ///< added; in place of one of the same name
  std::vector<Authorization> authorize;  ///< added; in place of one for the same client and share
  std::optional<std::string> state_dir;
};

/// Reads TOML: keys that are not known, values of a wrong type, words that mean nothing. What
/// validate() says is not asked. `file` names the text in problems.
LoadedConfig read_config_text(std::string_view toml, const std::string& file);

/// Reads the file `path`, at most limits::config_bytes_max. One that everybody may write is a
/// problem: it says who may reach the data. Throws Error where it cannot be read.
LoadedConfig read_config(fs::Fs& files, const std::string& path);

/// Reads and validates; throws Error(usage) that names the first problem.
ServerConfig load_config(fs::Fs& files, const std::string& path);

/// Puts the command line over the file. Validate afterwards.
void apply(const Overrides& overrides, LoadedConfig& loaded);

/// All of it: the file `path`, else the first of config_places() that is there, else defaults;
/// then `overrides`, the default of state_dir, and validate(). Throws where a file cannot be read.
LoadedConfig effective_config(fs::Fs& files, const Environment& environment,
                              const std::optional<std::string>& path, const Overrides& overrides = {});

}  // namespace syncline::config
