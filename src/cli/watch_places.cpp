// SPDX-License-Identifier: Apache-2.0
// Destinations as comparable texts.
#include "cli/watch_places.hpp"

#include <optional>

#include "cli/event_log_places.hpp"
#include "control/places.hpp"
#include "sync/places.hpp"
#include "sync/remote_place.hpp"

namespace syncline::cli {
namespace {

/// The directory that is filled. Of other machines: beginning with what no local path begins with.
std::string filled(fs::Fs& files, const WatchPlace& place) {
  const auto name = name_below(place.source);
  std::string dir;
  if (const auto remote = sync::parse_remote(place.destination))
    dir = remote->peer() + '\0' + remote->share + (remote->path.empty() ? "" : "/") + remote->path;
  else dir = real_as_far_as_it_exists(files, sync::without_slashes(place.destination));
  if (name.empty()) return dir;
  return (dir.ends_with('/') ? dir : dir + '/') + name;
}

bool is_in(const std::string& inner, const std::string& outer) {
  return inner == outer || inner.starts_with(outer.ends_with('/') ? outer : outer + '/');
}

}  // namespace

std::string name_below(const std::string& source) {
  if (const auto remote = sync::parse_remote(source)) return remote->contents ? "" : remote->name();
  if (source.ends_with('/')) return "";
  const auto name = sync::base_name(source);
  return name == "." || name == ".." ? "" : name;
}

std::string prefix_of(const std::string& source) {
  const auto name = name_below(source);
  return name.empty() ? "" : name + '/';
}

std::string below_source(const std::string& prefix, const std::string& path) {
  if (path.starts_with(prefix)) return path.substr(prefix.size());
  return path + '/' == prefix ? "" : path;
}

std::string shown_place(fs::Fs& files, const std::string& typed) {
  return sync::parse_remote(typed) ? typed : control::absolute_path(files, typed);
}

std::string filled_here(fs::Fs& files, const WatchPlace& place) { return filled(files, place); }

std::vector<WatchClash> find_clashes(fs::Fs& files, const std::vector<WatchPlace>& places) {
  std::vector<std::string> dirs;
  std::vector<WatchClash> out;
  for (const auto& place : places) {
    auto dir = filled(files, place);
    for (std::size_t before = 0; before < dirs.size(); ++before)
      if (is_in(dir, dirs[before]) || is_in(dirs[before], dir))
        out.push_back({before, dirs.size(), dir == dirs[before]});
    dirs.push_back(std::move(dir));
  }
  return out;
}

}  // namespace syncline::cli
