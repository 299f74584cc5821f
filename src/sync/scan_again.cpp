// SPDX-License-Identifier: Apache-2.0
// The scan of a tree that is watched: only what has changed is looked at again.
#include <algorithm>
#include <utility>

#include "sync/scanner.hpp"

namespace syncline::sync {
namespace {

/// A directory's own times stand in its parent's listing.
std::set<std::string> with_parents(const std::set<std::string>& dirs) {
  std::set<std::string> out = dirs;
  for (const auto& dir : dirs) {
    if (dir.empty()) continue;
    const auto slash = dir.rfind('/');
    out.insert(slash == dir.npos ? std::string() : dir.substr(0, slash));
  }
  return out;
}

bool has_links(const DirNode& node) {
  return std::ranges::any_of(node.entries, [](const Entry& entry) {
    return entry.type == fs::FileType::regular && entry.link_count > 1;
  });
}

/// A hard link that came, went or moved: the file's other names, wherever they are, have changed with it.
bool links_moved(const DirNode& before, const DirNode& now) {
  const auto differs = [](const DirNode& one, const DirNode& other) {
    return std::ranges::any_of(one.entries, [&](const Entry& entry) {
      if (entry.type != fs::FileType::regular || entry.link_count < 2) return false;
      const Entry* same = other.find(one.name_of(entry));
      return same == nullptr || same->inode != entry.inode || same->ctime_ns != entry.ctime_ns;
    });
  };
  return differs(before, now) || differs(now, before);
}

/// What a scan fills in.
DirNode emptied(DirNode& node) {
  DirNode before;
  before.entries = std::exchange(node.entries, {});
  before.names = std::exchange(node.names, {});
  before.children = std::exchange(node.children, {});
  node.extras.clear();
  node.contents.clear();
  node.unknown.clear();
  node.left.clear();
  node.absent.clear();
  node.recorded = node.detailed = node.dirty = node.unreadable = false;
  return before;
}

std::optional<hash::Digest> rules_digest(const ScanOptions& options) {
  return options.selector != nullptr ? options.selector->rules_digest() : std::nullopt;
}

}  // namespace

bool Scanner::run_again(const std::set<std::string>& dirs) {
  Tree& tree = replica_.tree();
  tree.root_stat = replica_.root().stat();
  devices_.front() = tree.root_stat.device;
  entries_ = tree.entry_count;
  files_ = tree.file_count;
  bytes_ = tree.byte_count;
  const auto reader = replica_.database().reader();
  Bytes scratch;
  for (const auto& path : with_parents(dirs)) {  // parents come before what is below them
    if (options_.cancelled && options_.cancelled()) throw Error(Errc::cancelled, "scan");
    DirNode* node = tree.find_dir(RelPath::parse(path));
    if (node != nullptr && !is_fresh(*node) && !look_again(*node, *reader, scratch)) return false;
  }
  run_threads();
  if (std::ranges::any_of(fresh_, [](const DirNode* top) {
        bool out = false;
        for_each_dir(*top, [&](const DirNode& node) { out = out || has_links(node); });
        return out;
      }))
    return false;
  compute_tree_digests(*tree.root);
  return true;
}

bool Scanner::is_fresh(const DirNode& node) const {
  for (const DirNode* at = &node; at != nullptr && !fresh_.empty(); at = at->parent)
    if (fresh_.contains(at)) return true;
  return false;
}

/// False where more has changed than can be told from here.
bool Scanner::look_again(DirNode& node, state::Reader& reader, Bytes& scratch) {
  Task task{&node, nullptr};
  try {
    if (node.parent != nullptr) task.parent = replica_.open_dir(*node.parent);
  } catch (const Error& error) {
    if (error.code().category() != std::generic_category()) throw;
    return false;
  }
  uncount(node);
  const auto forget_rules = [&](const DirNode& dir, bool and_below) {
    if (selector() != nullptr) selector()->forget_rules_files(dir.path().text(), and_below);
  };
  forget_rules(node, false);
  DirNode before = emptied(node);
  OpenDirs dirs(replica_, task);
  look(node, dirs, reader, scratch);
  if (links_moved(before, node)) return false;
  keep_children(node, before.children, node.children.empty() ? nullptr : dirs.open(0));
  std::vector<const DirNode*> gone;
  for (const auto& child : before.children)
    if (child) gone.push_back(child.get());
  while (!gone.empty()) {
    const DirNode& one = *gone.back();
    gone.pop_back();
    uncount(one);
    forget_rules(one, true);
    if (has_links(one)) return false;
    for (const auto& child : one.children) gone.push_back(child.get());
  }
  return true;
}

/// Those that are the same as before stay as they are; the others are to be looked at as a whole.
void Scanner::keep_children(DirNode& node, std::vector<std::unique_ptr<DirNode>>& before,
                            const std::shared_ptr<fs::Dir>& dir) {
  auto old = before.begin();
  for (auto& child : node.children) {
    while (old != before.end() && (*old == nullptr || (*old)->name < child->name)) ++old;
    if (old != before.end() && (*old)->name == child->name && (*old)->id == child->id) {
      child = std::move(*old);
      continue;
    }
    fresh_.insert(child.get());
    stack_.push_back({child.get(), dir});
  }
}

void Scanner::uncount(const DirNode& node) {
  std::uint64_t files = 0, bytes = 0;
  for (const Entry& entry : node.entries)
    if (entry.type == fs::FileType::regular) ++files, bytes += entry.size_bytes;
  entries_ -= node.entries.size();
  files_ -= files;
  bytes_ -= bytes;
}

Replica::ScanShape Replica::shape_of(const ScanOptions& options) {
  ScanShape out{options.rules,          "",
                options.recursive,      options.one_file_system,
                options.all_types,      options.links,
                options.verify_suspects};
  if (options.selector != nullptr)
    out.selection = options.selector->prefix + '\0' + options.selector->description;
  return out;
}

/// True when that was enough.
bool Replica::scan_again(const ScanOptions& options) {
  // First what has changed, then the look: what changes from now on is told next time.
  const auto dirty = watched_ ? watched_->take_dirty() : watch::Dirty{true};
  const auto before = std::exchange(scanned_, std::nullopt);
  auto dirs = std::exchange(unsettled_, {});
  const auto files = std::exchange(rules_files_, nullptr);
  if (dirty.everywhere || before != shape_of(options)) return false;
  if (files != nullptr) options.selector->take_rules_files(files);
  const auto rules = rules_digest(options);
  dirs.insert(dirty.dirs.begin(), dirty.dirs.end());
  // Other rules may say something else of any entry.
  return Scanner(*this, options).run_again(dirs) && rules_digest(options) == rules;
}

bool Replica::has_drifted() {
  if (!watched_) return false;
  if (!watched_->root_is_there()) return has_drifted_ = true;  // which the next session will tell
  watched_->look_for_mounts();
  if (watched_->take(std::chrono::milliseconds(0)); !watched_->is_dirty()) return has_drifted_;
  if (!scanned_) return has_drifted_ = true;
  ScanOptions options;
  options.rules = scanned_->rules;
  options.recursive = scanned_->recursive;
  options.one_file_system = scanned_->one_file_system;
  options.all_types = scanned_->all_types;
  options.links = scanned_->links;
  options.verify_suspects = scanned_->verify_suspects;
  try {
    has_drifted_ = !resume(options_);
    if (!has_drifted_) {
      scan(options);
      has_drifted_ = tree_root(tree_, rules_) != rest_root_;
    }
  } catch (const Error& error) {
    has_drifted_ = !error.is(Errc::locked);  // of anything else the next session will tell
  }
  let_go();
  return has_drifted_;
}

void Replica::scan(const ScanOptions& options) {
  rules_ = options.rules;
  read_announcements();
  if (!scan_again(options)) Scanner(*this, options).run();
  announced_ = {};  // all of it is looked at, or not there
  scanned_ = shape_of(options);
  rules_files_ = options.selector != nullptr ? options.selector->rules_files() : nullptr;
}

}  // namespace syncline::sync
