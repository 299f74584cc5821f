// SPDX-License-Identifier: Apache-2.0
// Directories inside each other, by name and by what the names resolve to.
#include "config/server_overlap.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "config/server_text.hpp"

namespace syncline::config {
namespace {

std::string with_slash(const std::string& path) {
  const auto plain = plain_path(path);
  return plain == "/" ? plain : plain + "/";
}

struct Sorted {
  std::string path;  // plain, with a slash at the end: a prefix is a parent
  const NamedPlace* place;
};

std::vector<Sorted> sorted(const std::vector<NamedPlace>& places) {
  std::vector<Sorted> out;
  out.reserve(places.size());
  for (const auto& place : places) out.push_back({with_slash(place.path), &place});
  std::ranges::stable_sort(out, {}, &Sorted::path);
  return out;
}

/// The innermost of `parents` that must not contain `place`.
const NamedPlace* conflict(const std::vector<const Sorted*>& parents, const NamedPlace& place) {
  for (auto parent = parents.rbegin(); parent != parents.rend(); ++parent) {
    const auto& other = *(*parent)->place;
    if (other.holds_others && (other.share || place.share)) return &other;
  }
  return nullptr;
}

Problem overlap(const NamedPlace& inner, const NamedPlace& outer, const Origins& origins) {
  const bool same = with_slash(inner.path) == with_slash(outer.path);
  const auto where = origins.place_of(outer.key);
  return {origins.place_of(inner.key), inner.key,
          "'" + escape_name(inner.path) + "' is " + (same ? "" : "inside ") + "the place of " + outer.title +
              (where.empty() ? "" : " (" + where + ")"),
          "choose directories that do not contain each other"};
}

}  // namespace

std::vector<NamedPlace> places_of(const ServerConfig& config) {
  std::vector<NamedPlace> places;
  for (std::size_t at = 0; at < config.shares.size(); ++at) {
    const auto& share = config.shares[at];
    places.push_back({"share[" + std::to_string(at) + "].dir", "share '" + escape_name(share.name) + "'",
                      share.dir, true});
  }
  places.push_back({"state_dir", "state_dir", config.state_dir});
  if (config.log.file) places.push_back({"log.file", "log.file", *config.log.file, false, false});
  std::erase_if(places, [](const NamedPlace& place) { return fault_of_directory(place.path).has_value(); });
  return places;
}

std::vector<Problem> overlaps(const std::vector<NamedPlace>& places, const Origins& origins) {
  std::vector<Problem> found;
  std::vector<const Sorted*> parents;
  const auto all = sorted(places);
  for (const auto& one : all) {
    while (!parents.empty() && !one.path.starts_with(parents.back()->path)) parents.pop_back();
    if (const auto* other = conflict(parents, *one.place))
      found.push_back(overlap(*one.place, *other, origins));
    parents.push_back(&one);
  }
  return found;
}

std::vector<Problem> check_dirs(fs::Fs& files, const ServerConfig& config, const Origins& origins) {
  std::vector<Problem> found;
  auto places = places_of(config);
  for (auto& place : places) {
    const auto add = [&](const std::string& cause, const char* next) {
      found.push_back(
          {origins.place_of(place.key), place.key, "'" + escape_name(place.path) + "' " + cause, next});
    };
    try {
      const auto stat = files.stat_path(place.path, true);
      if (stat) place.path = files.real_path(place.path);
      if (place.share && !stat) add("is not there", "create it, or mount what it lies on");
      else if (place.holds_others && stat && stat->type != fs::FileType::directory)
        add("is not a directory", "name a directory");
    } catch (const Error& error) {
      add("cannot be looked at: " + error.code().message(), "check it as the user that the server runs as");
    }
  }
  for (auto& problem : overlaps(places, origins)) found.push_back(std::move(problem));
  return found;
}

}  // namespace syncline::config
