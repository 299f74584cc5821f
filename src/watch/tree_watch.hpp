// SPDX-License-Identifier: Apache-2.0
// A directory with everything below it, watched.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "fs/dir_watch.hpp"

namespace syncline::watch {

/// An event only ever means "look there again": what has become of an entry, the file system tells. New
/// directories are watched before they are looked into. What cannot be followed any more (lost events, a name
/// that leads elsewhere by now) makes everything be looked at again.
class TreeWatch {
 public:
  /// `root` as Fs::open_root() takes it. Throws Error where it cannot be opened or watched at all.
  TreeWatch(fs::Fs& files, std::string root, std::unique_ptr<fs::DirWatch> events);

  struct News {
    bool written = false;   ///< to a file that is open still
    bool complete = false;  ///< anything else
  };
  /// What has changed; waits for it at most so long, or until a signal comes.
  News take(std::chrono::milliseconds limit);
  /// From any thread: ends a take() that goes on, or the next one.
  void wake() noexcept { events_->wake(); }
  /// Looks for directories to be watched everywhere.
  void refresh();

  /// The path leads to the directory that it led to at the beginning: not so when a file system was unmounted
  /// there.
  bool root_is_there() const;
  /// False where the system's limit was reached: changes may go unnoticed.
  bool is_complete() const { return is_complete_; }
  std::size_t dir_count() const { return by_number_.size(); }

 private:
  struct Node {
    int number = -1;  ///< of its watch
    Node* parent = nullptr;
    std::string name;
    std::map<std::string, std::unique_ptr<Node>> children;
  };

  RelPath path_of(const Node& node) const;
  void add_tree(Node& top);
  std::vector<Node*> add(const fs::Dir& root, Node& node);
  void apply(const fs::DirChange& change, News& news);
  void came(Node& parent, const fs::DirChange& change);
  void went(Node& parent, const fs::DirChange& change);
  void forget(Node& node);
  void forget_moved();

  fs::Fs& files_;
  const std::string root_;
  std::unique_ptr<fs::DirWatch> events_;
  fs::Stat identity_;  ///< of the root, which is not held open: it could not be unmounted then
  std::unique_ptr<Node> tree_;
  std::unordered_map<int, Node*> by_number_;
  std::map<std::uint32_t, std::unique_ptr<Node>> moved_;  ///< by cookie: not seen to arrive anywhere yet
  bool is_complete_ = true;
  bool is_stale_ = false;
};

}  // namespace syncline::watch
