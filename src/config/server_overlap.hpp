// SPDX-License-Identifier: Apache-2.0
// Private to the checks: directories of a configuration that lie inside each other.
#pragma once

#include <string>
#include <vector>

#include "config/server_config.hpp"

namespace syncline::config {

/// A path that the configuration names.
struct NamedPlace {
  std::string key;    ///< "share[0].dir"
  std::string title;  ///< "share 'photos'", "state_dir"
  std::string path;   ///< sound for fault_of_directory()
  bool share = false;
  bool holds_others = true;  ///< a directory
};

/// All places of `config` that are sound paths.
std::vector<NamedPlace> places_of(const ServerConfig& config);

/// A share inside another share or in state_dir, and state_dir or log.file in a share: each would make
/// the server transfer what it writes itself, or write one file on behalf of two shares.
/// O(n log n).
std::vector<Problem> overlaps(const std::vector<NamedPlace>& places, const Origins& origins);

}  // namespace syncline::config
