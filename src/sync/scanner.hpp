// SPDX-License-Identifier: Apache-2.0
// The scanner's state: shared by its halves, the walk (scan.cpp) and the join with the records
// (scan_join.cpp).
#pragma once

#include <atomic>
#include <condition_variable>
#include <span>
#include <unordered_set>

#include "base/kept_thread.hpp"
#include "sync/replica.hpp"

namespace syncline::sync {

struct Task {
  DirNode* node = nullptr;
  std::shared_ptr<fs::Dir> parent;  ///< null for the root and in a composed replica
};

/// What one origin has of a directory.
struct Part {
  std::uint16_t origin = 0;
  fs::Listing listing;
};

/// An entry of one part.
struct Seen {
  const fs::DirEntry* entry = nullptr;
  std::uint16_t origin = 0;
  bool is_dir() const { return entry->stat.type == fs::FileType::directory; }
};

/// A directory as each of its origins has it; the last one stays open.
class OpenDirs {
 public:
  OpenDirs(Replica& replica, const Task& task) : replica_(replica), task_(task) {}
  std::shared_ptr<fs::Dir> open(std::uint16_t origin) {
    if (dir_ && origin_ == origin) return dir_;
    const DirNode& node = *task_.node;
    if (task_.parent) dir_ = task_.parent->open_dir(replica_.disk_name(*node.parent, node.name));
    else if (replica_.is_composed()) dir_ = replica_.open_dir(node, origin);
    else dir_ = replica_.root_handle();
    origin_ = origin;
    return dir_;
  }
  fs::Dir& at(const Entry& entry) { return *open(entry.origin); }

 private:
  Replica& replica_;
  const Task& task_;
  std::uint16_t origin_ = 0;
  std::shared_ptr<fs::Dir> dir_;
};

class Scanner {
 public:
  Scanner(Replica& replica, const ScanOptions& options)
      : replica_(replica), options_(options), devices_(replica.origins().size()) {}

  /// Everything.
  void run();
  /// These directories, by their paths, and what is new below them; all else is as the tree has it. False
  /// where that is not enough: then the tree is nobody's picture, and run() is to follow.
  bool run_again(const std::set<std::string>& dirs);

 private:
  void work();
  void run_threads();
  void visit(const Task& task, state::Reader& reader, Bytes& scratch);
  void look(DirNode& node, OpenDirs& dirs, state::Reader& reader, Bytes& scratch);
  bool look_again(DirNode& node, state::Reader& reader, Bytes& scratch);
  void keep_children(DirNode& node, std::vector<std::unique_ptr<DirNode>>& before,
                     const std::shared_ptr<fs::Dir>& dir);
  bool is_fresh(const DirNode& node) const;
  void uncount(const DirNode& node);
  void count(const DirNode& node);
  void open_root();
  std::vector<Part> list_parts(DirNode& node, OpenDirs& dirs, const std::string& path);
  fs::Listing list(const DirNode& node, std::uint16_t origin, const fs::Dir& dir, const std::string& path);
  void leave_out(DirNode& node, std::uint16_t origin, const std::string& path, const Error& error);
  bool takes_part(const DirNode& node, const std::string& path, std::uint16_t origin,
                  const fs::DirEntry& found) const;
  void fill(DirNode& node, const std::vector<Part>& parts, const std::string& path);
  void add_entry(DirNode& node, std::span<const Seen> same_name);
  void join(DirNode& node, OpenDirs& dirs, state::Reader& reader, Bytes& scratch);
  bool join_entry(DirNode& node, Entry& entry, OpenDirs& dirs, const state::StoredEntry* stored,
                  bool recorded_dir, state::Reader& reader);
  void join_drift(DirNode& node, const state::DirRecord* record);
  void examine(DirNode& node, Entry& entry, OpenDirs& dirs, const state::StoredEntry* stored,
               state::Reader& reader);
  static void set_deviating(DirNode& node, Entry& entry, const manifest::Manifest& fresh);
  void verify(DirNode& node, Entry& entry, const state::StoredEntry& stored, state::Reader& reader);
  // What was announced (scan_announced.cpp).
  bool take_announced(DirNode& node, Entry& entry, const state::StoredEntry* stored, state::Reader& reader);
  std::optional<manifest::Manifest> content_on_disk(DirNode& node, const Entry& entry,
                                                    const state::StoredEntry* stored, state::Reader& reader);
  void record_announced(DirNode& node, Entry& entry, const manifest::Manifest& fresh,
                        state::ManifestId replaces);
  bool has_gone(const DirNode& node, const state::StoredEntry& stored);
  void read_rules(const DirNode& node, RulesKind kind, const fs::Stat& stat, const fs::Dir& dir,
                  const std::string& path, std::uint16_t origin);
  void report(const std::string& path, int error_number);
  void fail(const std::exception_ptr& error);
  void grow();
  const Origin& place(std::uint16_t origin) const { return replica_.origins()[origin]; }
  /// Null when no rule is to be asked so far.
  const Selector* selector() const {
    return options_.selector != nullptr && !options_.selector->empty() ? options_.selector : nullptr;
  }

  Replica& replica_;
  const ScanOptions& options_;
  std::vector<std::uint64_t>
      devices_;  ///< of the origins; filled in before anything below the root is looked at
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Task> stack_;
  std::unordered_set<const DirNode*> fresh_;  ///< of run_again(): on the stack, or were
  unsigned busy_ = 0;
  bool failed_ = false;
  std::exception_ptr error_;
  std::atomic<std::uint64_t> entries_ = 0, files_ = 0, bytes_ = 0, read_bytes_ = 0;
  std::atomic<bool> has_gone_back_ = false;
  std::atomic<std::int64_t> busy_ns_ = 0;
  std::vector<KeptThread> threads_;  // the last: they use the others
};

}  // namespace syncline::sync
