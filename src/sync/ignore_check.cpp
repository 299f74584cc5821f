// SPDX-License-Identifier: Apache-2.0
// The walk down to one path.
#include "sync/ignore_check.hpp"

#include <cerrno>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "sync/places.hpp"
#include "sync/rules_file.hpp"
#include "sync/session_setup.hpp"

namespace syncline::sync {
namespace {

/// Without "." and "..", which are taken as they are written; nothing where they lead out.
std::optional<std::string> plain_path(std::string_view text) {
  std::vector<std::string_view> names;
  while (!text.empty()) {
    const auto name = text.substr(0, text.find('/'));
    text.remove_prefix(std::min(name.size() + 1, text.size()));
    if (name.empty() || name == ".") continue;
    if (name != "..") {
      names.push_back(name);
    } else {
      if (names.empty()) return std::nullopt;
      names.pop_back();
    }
  }
  std::string out;
  for (const auto name : names) out.append(out.empty() ? "" : "/").append(name);
  return out;
}

/// What is behind `root` of an absolute path; nothing where it is not inside.
std::optional<std::string> path_behind(const std::string& root, const std::string& path) {
  const auto top = *plain_path(root);
  auto plain = plain_path(path);
  if (!plain) return std::nullopt;
  if (top.empty()) return plain;
  if (*plain == top) return "";
  if (!plain->starts_with(top + '/')) return std::nullopt;
  return plain->substr(top.size() + 1);
}

}  // namespace

IgnoreCheck::IgnoreCheck(const World& world, const CopyOptions& options) : world_(world) {
  const auto sources = find_sources(world, options, [](const std::string& source) {
    throw Error(ENOENT, "'" + escape_name(source) + "'");
  });
  const LocalSource& source = sources.front();
  if (!source.entry.empty()) throw Error(ENOTDIR, "'" + escape_name(options.sources.front()) + "'");
  source_ = source.dir;
  root_ = world.files->open_root(source_);
  fill_selector(options, source.name.empty() ? "" : source.name + '/', selector_);
  enter({});
}

RelPath IgnoreCheck::inside(const std::string& typed) const {
  if (typed.empty()) throw Error(Errc::usage, "an empty path");
  std::optional<std::string> found;
  if (typed.front() != '/') {
    found = plain_path(typed);
  } else {
    const auto root = world_.files->real_path(source_);
    found = path_behind(root, typed);
    // It may be written by way of a symlink.
    if (!found && world_.files->stat_path(parent_name(typed), true))
      found = path_behind(root, world_.files->real_path(parent_name(typed)) + '/' + base_name(typed));
  }
  if (!found)
    throw Error(Errc::usage, "'" + escape_name(typed) + "' is outside of '" + escape_name(source_) + "'");
  return RelPath::parse(*found);
}

/// Of the entry itself, whatever it is; nothing where it is not there.
std::optional<fs::FileType> IgnoreCheck::type_of(const RelPath& path) const {
  try {
    const auto stat = root_->open_beneath(path.parent())->stat_at(std::string(path.name()));
    return stat ? std::optional(stat->type) : std::nullopt;
  } catch (const Error& error) {
    if (error.is_errno(ENOENT) || error.is_errno(ENOTDIR)) return std::nullopt;
    throw;
  }
}

void IgnoreCheck::enter(const RelPath& dir) {
  const auto opened = root_->open_beneath(dir);
  for (const auto kind : {RulesKind::synclineignore, RulesKind::gitignore}) {
    if (!selector_.reads_kind(kind)) continue;
    const auto stat = opened->stat_at(name_of(kind));
    if (stat && stat->type == fs::FileType::regular) read_rules_file(selector_, kind, *opened, dir.text(), 0);
  }
}

Verdict IgnoreCheck::verdict(const RelPath& path, bool as_dir) {
  if (path.is_root()) return {};
  RelPath dir;
  const auto names = path.components();
  for (std::size_t i = 0; i + 1 < names.size(); ++i) {
    dir = dir.child(names[i]);
    const bool is_known = entered_.contains(dir.text());
    const auto type = is_known ? fs::FileType::directory : type_of(dir);
    if (type == fs::FileType::symlink)
      throw Error(Errc::usage, "'" + escape_name(path.text()) + "' is beyond the symlink '" +
                                   escape_name(dir.text()) + "'");
    if (const auto found = selector_.verdict(dir.text(), true, 0); found.excluded) return found;
    if (is_known || type != fs::FileType::directory) continue;
    enter(dir);
    entered_.insert(dir.text());
  }
  return selector_.verdict(path.text(), as_dir || type_of(path) == fs::FileType::directory, 0);
}

}  // namespace syncline::sync
