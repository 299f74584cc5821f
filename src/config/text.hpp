// SPDX-License-Identifier: Apache-2.0
// Private: texts of both kinds of configuration.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/problem.hpp"
#include "fs/fs.hpp"

namespace syncline::config {

/// Of letters and digits of ASCII, and `others`.
bool consists_of(std::string_view text, std::string_view others);

/// A basic string of TOML.
std::string toml_text(std::string_view text);
/// "KEY = VALUE" and its end.
std::string toml_line(std::string_view key, std::string_view value);

/// The text of a file, at most limits::config_bytes_max. Adds a problem where every user may write it. Throws
/// Error.
std::string read_config_file(fs::Fs& files, const std::string& path, std::vector<Problem>& problems);

}  // namespace syncline::config
