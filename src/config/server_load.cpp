// SPDX-License-Identifier: Apache-2.0
// Files, command line and defaults put together.
#include "config/server_load.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "config/server_keys.hpp"
#include "config/text.hpp"

namespace syncline::config {
namespace {

/// Replaces the element that `same` finds, or adds one; tells where it lies.
template <class List, class Same>
std::size_t put(List& list, const typename List::value_type& value, Same same) {
  const auto found = std::ranges::find_if(list, same);
  const auto at = static_cast<std::size_t>(found - list.begin());
  if (found == list.end()) list.push_back(value);
  else *found = value;
  return at;
}

void came_from(Origins& origins, const std::string& entry, std::span<const std::string_view> keys,
               const char* option) {
  origins.set(entry, option);
  for (const auto key : keys) origins.set(entry + "." + std::string(key), option);
}

std::string element(const char* list, std::size_t at) {
  return std::string(list) + "[" + std::to_string(at) + "]";
}

/// Adds what validate() finds, but nothing about keys that were already complained about.
void add_validation(LoadedConfig& loaded) {
  const auto known = loaded.problems;
  for (auto& found : validate(loaded.config, loaded.origins))
    if (std::ranges::find(known, found.key, &Problem::key) == known.end())
      loaded.problems.push_back(std::move(found));
}

}  // namespace

LoadedConfig read_config(fs::Fs& files, const std::string& path) {
  std::vector<Problem> problems;
  const auto text = read_config_file(files, path, problems);
  auto out = read_config_text(text, path);
  out.problems.insert(out.problems.end(), problems.begin(), problems.end());
  return out;
}

ServerConfig load_config(fs::Fs& files, const std::string& path) {
  auto loaded = read_config(files, path);
  add_validation(loaded);
  if (!loaded.problems.empty()) throw_problems(loaded.problems);
  return std::move(loaded.config);
}

void apply(const Overrides& overrides, LoadedConfig& loaded) {
  auto& config = loaded.config;
  if (!overrides.listen.empty()) {
    config.listen = overrides.listen;
    for (std::size_t at = 0; at < config.listen.size(); ++at)
      loaded.origins.set(element("listen", at), "--listen");
    loaded.origins.set("listen", "--listen");
  }
  for (const auto& share : overrides.shares) {
    const auto at = put(config.shares, share, [&](const Share& other) { return other.name == share.name; });
    came_from(loaded.origins, element("share", at), share_keys(), "--share");
  }
  for (const auto& one : overrides.authorize) {
    const auto at = put(config.authorize, one, [&](const Authorization& other) {
      return other.fingerprint == one.fingerprint && other.share == one.share;
    });
    came_from(loaded.origins, element("authorize", at), authorize_keys(), "--authorize");
  }
  if (overrides.state_dir) {
    config.state_dir = *overrides.state_dir;
    loaded.origins.set("state_dir", "--state");
  }
}

LoadedConfig effective_config(fs::Fs& files, const Environment& environment,
                              const std::optional<std::string>& path, const Overrides& overrides) {
  const auto place = path ? path : find_config(files, environment);
  LoadedConfig loaded;
  if (place) loaded = read_config(files, *place);
  apply(overrides, loaded);
  if (loaded.config.state_dir.empty()) loaded.config.state_dir = default_state_dir(environment);
  add_validation(loaded);
  if (loaded.config.state_dir.empty() && loaded.problems.empty())
    loaded.problems.push_back({"", "state_dir", "has no default without $HOME", "set state_dir"});
  return loaded;
}

}  // namespace syncline::config
