// SPDX-License-Identifier: Apache-2.0
// A directory with everything below it, watched.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "fs/dir_watch.hpp"
#include "fs/mount_table.hpp"
#include "watch/open_writers.hpp"
#include "watch/source_watch.hpp"

namespace syncline::watch {

/// Directories that may differ from what they were, by their paths from the root.
struct Dirty {
  bool everywhere = false;  ///< any may
  std::set<std::string> dirs = {};
};

/// An event only ever means "look there again": what has become of an entry, the file system tells. New
/// directories are watched before they are looked into. What cannot be followed any more (lost events, a name
/// that leads elsewhere by now) makes everything be looked at again.
class TreeWatch final : public SourceWatch {
 public:
  using OpenRoot = std::function<std::unique_ptr<fs::Dir>()>;
  /// `open_root` opens what the path leads to each time, which is `shown` in messages. Throws Error where it
  /// cannot be opened or watched at all.
  TreeWatch(OpenRoot open_root, const std::string& shown, std::unique_ptr<fs::DirWatch> events);

  News take(std::chrono::milliseconds limit) override;
  /// All that has changed since the last call, the events included that take() has not seen: whoever looks at
  /// these directories now has seen everything that was done up to now. Everywhere at first, after lost
  /// events, where something was mounted or unmounted, where not all is watched, and past
  /// limits::watch_dirty_max directories.
  Dirty take_dirty();
  /// Of what take() has seen: is there something for take_dirty()?
  bool is_dirty() const { return dirty_.everywhere || !dirty_.dirs.empty(); }
  bool is_writing() const override { return writers_.is_any(); }
  void let_writers_go() override { writers_.let_go(); }
  /// Looks for directories to be watched everywhere.
  void refresh() override;
  void wake() noexcept override { events_->wake(); }

  bool root_is_there() const override;
  bool take_root() override;
  bool look_for_mounts() override;
  bool is_complete() const override { return is_complete_; }
  std::uint64_t overflow_count() const override { return overflow_count_; }
  int descriptor() const { return events_->descriptor(); }  ///< as of fs::DirWatch
  std::size_t dir_count() const { return by_number_.size(); }

 private:
  struct Node {
    int number = -1;  ///< of its watch
    Node* parent = nullptr;
    std::string name;
    std::map<std::string, std::unique_ptr<Node>> children;
  };

  RelPath path_of(const Node& node) const;
  bool is_in_tree(const Node& node) const;
  void add_tree(Node& top);
  void add_missing(Node& top);
  std::vector<Node*> add(const fs::Dir& root, Node& node);
  void apply(const fs::DirChange& change, News& news);
  void came(Node& parent, const fs::DirChange& change);
  void went(Node& parent, const fs::DirChange& change);
  void forget(Node& node);
  void forget_moved();
  News read();
  std::vector<std::string> mounts_now();
  bool read_mounts();
  bool is_root_watched();
  void check_made();
  bool may_be_open(const OpenWriters::File& file) const;
  void note_dirty(const Node& node);
  void note_dirty_tree(const Node& top);

  const OpenRoot open_root_;
  std::unique_ptr<fs::DirWatch> events_;
  fs::Stat identity_;  ///< of the root, which is not held open: it could not be unmounted then
  std::unique_ptr<Node> tree_;
  std::unordered_map<int, Node*> by_number_;
  std::map<std::uint32_t, std::unique_ptr<Node>> moved_;  ///< by cookie: not seen to arrive anywhere yet
  fs::MountTable mount_table_;
  std::vector<std::string> mounts_;
  bool is_complete_ = true;
  bool is_stale_ = false;
  std::uint64_t overflow_count_ = 0;
  Dirty dirty_;
  OpenWriters writers_;
};

}  // namespace syncline::watch
