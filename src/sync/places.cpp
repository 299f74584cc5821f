// SPDX-License-Identifier: Apache-2.0
// Path arguments, owners by name, and where state lives.
#include "sync/places.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>

namespace syncline::sync {
namespace {

bool inside(const std::string& path, const std::string& root) {
  return path == root || path.starts_with(root == "/" ? root : root + "/");
}

/// The real path of something that may not exist yet: its parent's, and its name.
std::string real_target(const World& world, const std::string& path) {
  if (world.files->stat_path(path, true)) return world.files->real_path(path);
  if (!world.files->stat_path(parent_name(path), true))
    throw Error(ENOENT, "directory '" + escape_name(parent_name(path)) + "' for the destination");
  return without_slashes(world.files->real_path(parent_name(path))) + "/" + base_name(path);
}

void check_places(const World& world, const CopyOptions& options, const Place& place) {
  const auto source = world.files->real_path(place.source_dir);
  const auto target = real_target(world, place.target_dir);
  if (!place.source_name.empty()) {
    if (source == target && place.source_name == place.target_name)
      throw Error(Errc::usage,
                  "source and destination are the same file '" + escape_name(place.source_name) + "'");
    return;
  }
  const auto a = world.files->stat_path(source, true);
  const auto b = world.files->stat_path(target, true);
  if (source == target || (a && b && a->device == b->device && a->inode == b->inode))
    throw Error(Errc::usage, "source and destination are the same directory '" + escape_name(source) + "'");
  if (inside(target, source)) {
    filter::FilterSet rules;
    for (const auto& rule : options.filters) rules.add(rule.include, rule.pattern);
    if (!rules.excluded_with_parents(place.rule_prefix + target.substr(source.size() + 1), true))
      throw Error(Errc::usage, "the destination '" + escape_name(target) +
                                   "' lies inside the source; exclude it or choose another");
  }
  if (inside(source, target) && options.delete_extra)
    throw Error(Errc::usage, "the source '" + escape_name(source) +
                                 "' lies inside the destination, where --delete would remove it");
}

template <class Lookup>
std::uint32_t id_of(const std::string& text, Lookup&& lookup, const char* what) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  if (const auto found = lookup(text)) return *found;
  throw Error(Errc::usage, std::string(what) + " '" + escape_name(text) + "' of --chown");
}

}  // namespace

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string base_name(const std::string& path) {
  const auto plain = without_slashes(path);
  const auto slash = plain.rfind('/');
  return slash == std::string::npos ? plain : plain.substr(slash + 1);
}

std::string parent_name(const std::string& path) {
  const auto plain = without_slashes(path);
  const auto slash = plain.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : plain.substr(0, slash);
}

std::string state_directory(const CopyOptions& options) {
  if (options.state_dir) return without_slashes(*options.state_dir);
  if (const char* base = std::getenv("XDG_STATE_HOME"); base != nullptr && base[0] == '/')
    return std::string(base) + "/syncline";
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] == '/')
    return std::string(home) + "/.local/state/syncline";
  if (const passwd* user = ::getpwuid(::getuid()); user != nullptr)
    return std::string(user->pw_dir) + "/.local/state/syncline";
  throw Error(Errc::usage, "no place for state: set HOME or give --state DIR");
}

Place resolve(const World& world, const CopyOptions& options, const std::string& source) {
  if (source.empty() || options.destination.empty()) throw Error(Errc::usage, "an empty path");
  const bool slash = source.back() == '/';
  const auto stat = world.files->stat_path(source, slash);
  if (!stat) throw Error(ENOENT, "'" + escape_name(source) + "'");
  const auto destination = world.files->stat_path(options.destination, true);
  const bool into_dir = destination && destination->type == fs::FileType::directory;
  if (destination && !into_dir && (stat->type == fs::FileType::directory || options.sources.size() > 1))
    throw Error(Errc::usage, "the destination '" + escape_name(options.destination) + "' is not a directory");
  Place out;
  const std::string name = base_name(source);
  const bool contents = slash || name == "." || name == ".." || name == "/";
  if (stat->type == fs::FileType::directory) {
    out.source_dir = without_slashes(source);
    out.target_dir = without_slashes(options.destination);
    if (!contents) {
      if (!into_dir) (void)real_target(world, options.destination);
      out.target_dir += "/" + name;
      out.rule_prefix = name + "/";
      if (!destination && !options.dry_run)
        world.files->make_dirs(without_slashes(options.destination), 0777);
    }
  } else {
    out.source_dir = parent_name(source);
    out.source_name = name;
    if (into_dir || options.destination.back() == '/' || options.sources.size() > 1) {
      out.target_dir = without_slashes(options.destination);
      out.target_name = name;
    } else {
      out.target_dir = parent_name(options.destination);
      out.target_name = base_name(options.destination);
    }
  }
  if (!(options.dry_run && !destination)) check_places(world, options, out);
  return out;
}

void parse_chown(const std::string& text, IdentityRules& rules, const Accounts& accounts) {
  const auto colon = text.find(':');
  const std::string user = text.substr(0, colon);
  if (!user.empty()) {
    rules.uid = id_of(
        user, [&](const std::string& wanted) { return accounts.user_id(wanted); }, "user");
  }
  if (colon == std::string::npos) return;
  const std::string group = text.substr(colon + 1);
  if (group.empty()) {
    // "USER:" means the user's own group.
    if (rules.uid) rules.gid = accounts.group_of_user(*rules.uid);
    return;
  }
  rules.gid = id_of(
      group, [&](const std::string& wanted) { return accounts.group_id(wanted); }, "group");
}

}  // namespace syncline::sync
