// SPDX-License-Identifier: Apache-2.0
// One way of watching, or the other.
#include "cli/watch_source.hpp"

#include <cerrno>

#include "base/error.hpp"

namespace syncline::cli {
namespace {

std::shared_ptr<watch::TreeWatch> watch_tree(fs::Fs& files, const std::string& root,
                                             std::unique_ptr<fs::DirWatch> events) {
  return std::make_shared<watch::TreeWatch>([&files, root] { return files.open_root(root); }, root,
                                            std::move(events));
}

WatchedSource by_fanotify(fs::Fs& files, const std::string& root) {
  return {watch_tree(files, root, fs::watch_file_systems(*files.open_root(root))), "fanotify"};
}

/// What was asked for cannot be had there, now or later.
WatchedSource only_by_fanotify(fs::Fs& files, const std::string& root) {
  try {
    return by_fanotify(files, root);
  } catch (const Error& error) {
    const bool is_unfit = error.is_errno(EOPNOTSUPP) || error.is_errno(ENODEV) || error.is_errno(EXDEV) ||
                          error.is_errno(ENOSYS) || error.is_errno(EINVAL);
    if (!is_unfit) throw;
    throw Error(Errc::usage, "--watch-with=fanotify: the file system of '" + escape_name(root) +
                                 "' cannot be watched so (" + error.code().message() +
                                 "); use --watch-with=inotify");
  }
}

}  // namespace

WatchedSource watch_source(fs::Fs& files, const std::string& root, WatchWith with) {
  // A copy of it would be that of the link alone, whatever happens in the directory.
  const auto entry = root.ends_with('/') ? std::nullopt : files.stat_path(root, false);
  if (entry && entry->type == fs::FileType::symlink)
    throw Error(Errc::usage, "'" + escape_name(root) + "' is a symlink; write '" + escape_name(root) +
                                 "/' to follow the directory that it leads to");
  if (with == WatchWith::fanotify) return only_by_fanotify(files, root);
  WatchedSource out{watch_tree(files, root, fs::watch_dirs()), "inotify"};
  if (with == WatchWith::inotify || out.tree->is_complete()) return out;
  try {
    auto other = by_fanotify(files, root);
    if (other.tree->is_complete()) return other;
  } catch (const Error&) {
    // Not allowed, or not on this file system: what can be watched is, which is told.
  }
  return out;
}

}  // namespace syncline::cli
