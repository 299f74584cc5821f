// SPDX-License-Identifier: Apache-2.0
// Path arguments, owners by name, and where state lives.
#include "sync/places.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "base/limits.hpp"

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

/// Where one source goes to, below the destination or as the destination itself.
struct Target {
  std::string dir;
  std::string name;  ///< of the entry, where the source is one
};

void check_places(const World& world, const CopyOptions& options, const LocalSource& from, const Target& to) {
  const auto source = world.files->real_path(from.dir);
  const auto target = real_target(world, to.dir);
  if (!from.entry.empty()) {
    if (source == target && from.entry == to.name)
      throw Error(Errc::usage, "source and destination are the same file '" + escape_name(from.entry) + "'");
    return;
  }
  const auto a = world.files->stat_path(source, true);
  const auto b = world.files->stat_path(target, true);
  if (source == target || (a && b && a->device == b->device && a->inode == b->inode))
    throw Error(Errc::usage, "source and destination are the same directory '" + escape_name(source) + "'");
  if (inside(target, source)) {
    filter::FilterSet rules;
    for (const auto& rule : options.filters) rules.add(rule.include, rule.pattern);
    const auto below = target.substr(source.size() + 1);
    if (!rules.excluded_with_parents(from.name.empty() ? below : from.name + '/' + below, true))
      throw Error(Errc::usage, "the destination '" + escape_name(target) +
                                   "' lies inside the source; exclude it or choose another");
  }
}

/// What --delete would take for something that no source has. `names`: sorted; empty: all of `dir`.
void check_deletes(const World& world, const std::string& dir, const std::vector<std::string>& names,
                   const LocalSource& from) {
  const auto target = real_target(world, dir);
  auto source = world.files->real_path(from.dir);
  if (!from.entry.empty()) source += '/' + from.entry;
  if (source == target || !inside(source, target)) return;
  const auto below = source.substr(target == "/" ? 1 : target.size() + 1);
  if (names.empty() || std::ranges::binary_search(names, below.substr(0, below.find('/'))))
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

void check_source_count(const CopyOptions& options) {
  if (options.sources.empty()) throw Error(Errc::usage, "no source given");
  if (options.sources.size() > limits::sources_max)
    throw Error(Errc::usage, std::to_string(options.sources.size()) + " sources, of " +
                                 std::to_string(limits::sources_max) + " at most");
}

std::vector<LocalSource> find_sources(const World& world, const CopyOptions& options,
                                      const std::function<void(const std::string& source)>& missing) {
  std::vector<LocalSource> out;
  for (const auto& source : options.sources) {
    if (source.empty()) throw Error(Errc::usage, "an empty path");
    const bool slash = source.back() == '/';
    const auto stat = world.files->stat_path(source, slash);
    if (!stat) {
      missing(source);
      continue;
    }
    const std::string name = base_name(source);
    const bool contents = slash || name == "." || name == "..";
    if (stat->type == fs::FileType::directory)
      out.push_back({without_slashes(source), "", contents ? "" : name});
    else out.push_back({parent_name(source), name, ""});
  }
  return out;
}

ErrorEvent missing_source(const std::string& source) {
  return {source, "source", std::generic_category().message(ENOENT),
          "check the path; the other sources go on, and nothing is deleted", 23};
}

std::vector<Origin> compose(const std::vector<LocalSource>& sources) {
  std::vector<Origin> out;
  const LocalSource* before = nullptr;
  for (const auto& source : sources) {
    const bool is_entry = !source.entry.empty();
    // Neighbours in one directory, as a shell's pattern gives them, are looked for there together.
    if (is_entry && before != nullptr && !before->entry.empty() && before->dir == source.dir)
      out.back().only.push_back(source.entry);
    else
      out.push_back(
          {source.dir, "", is_entry ? std::vector{source.entry} : std::vector<std::string>{}, source.name});
    before = &source;
  }
  return out;
}

std::vector<std::string> entry_names(const std::vector<LocalSource>& sources) {
  std::vector<std::string> out;
  for (const auto& source : sources) {
    if (source.is_contents()) return {};
    out.push_back(source.entry.empty() ? source.name : source.entry);
  }
  return out;
}

Place resolve(const World& world, const CopyOptions& options, const std::vector<LocalSource>& sources) {
  if (options.destination.empty()) throw Error(Errc::usage, "an empty path");
  const auto there = world.files->stat_path(options.destination, true);
  const std::string typed = without_slashes(options.destination);
  const bool is_dir = there && there->type == fs::FileType::directory;
  const bool several = options.sources.size() > 1;
  const bool into = is_dir || options.destination.back() == '/' || several;
  Place out;
  out.target_dir = typed;
  if (several) {
    out.origins = compose(sources);
    out.target_names = entry_names(sources);
    std::ranges::sort(out.target_names);
  }
  for (const LocalSource& source : sources) {
    const bool is_entry = !source.entry.empty();
    if (there && !is_dir && (!is_entry || several))
      throw Error(Errc::usage,
                  "the destination '" + escape_name(options.destination) + "' is not a directory");
    Target target{typed, is_entry ? source.entry : ""};
    if (!source.name.empty()) {
      if (!is_dir) (void)real_target(world, options.destination);
      target.dir += '/' + source.name;
      if (!there && !options.dry_run) world.files->make_dirs(typed, 0777);
    } else if (is_entry && !into) {
      target = {parent_name(options.destination), base_name(options.destination)};
    }
    if (!(options.dry_run && !there)) {
      check_places(world, options, source, target);
      if (options.delete_extra && (several || !is_entry))
        check_deletes(world, several ? typed : target.dir, out.target_names, source);
    }
    if (several) continue;
    const Origin origin{source.dir, "", {}, target.name};
    out.origins.push_back(origin);
    if (is_entry) out.origins.back().only = {source.entry}, out.target_names = {target.name};
    out.target_dir = target.dir;
    if (!source.name.empty()) out.rule_prefix = source.name + '/';
  }
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
