// SPDX-License-Identifier: Apache-2.0
// One way of watching, or the other.
#include "cli/watch_source.hpp"

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

}  // namespace

WatchedSource watch_source(fs::Fs& files, const std::string& root, WatchWith with) {
  if (with == WatchWith::fanotify) return by_fanotify(files, root);
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
