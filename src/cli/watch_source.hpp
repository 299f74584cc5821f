// SPDX-License-Identifier: Apache-2.0
// The watched SRC of `syncline watch`.
#pragma once

#include <memory>
#include <string>

#include "cli/option_values.hpp"
#include "watch/tree_watch.hpp"

namespace syncline::cli {

struct WatchedSource {
  std::shared_ptr<watch::TreeWatch> tree;
  std::string by;  ///< "inotify" or "fanotify"
};

/// Throws Error where `root` cannot be opened, or not be watched in the way that is asked for.
WatchedSource watch_source(fs::Fs& files, const std::string& root, WatchWith with);

}  // namespace syncline::cli
