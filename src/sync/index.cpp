// SPDX-License-Identifier: Apache-2.0
// A few threads over a list of files.
#include "sync/index.hpp"

#include <algorithm>

#include "base/kept_thread.hpp"
#include "chunk/rescan.hpp"

namespace syncline::sync {
namespace {

struct Wanted {
  DirNode* node;
  std::uint32_t entry;
};

void read_one(Replica& replica, const Wanted& wanted, bool verify, std::atomic<std::uint64_t>& read_bytes) {
  DirNode& node = *wanted.node;
  const Entry entry = node.entries[wanted.entry];
  std::unique_ptr<fs::File> file;
  try {
    file = replica.open_read(node, entry);
    const fs::Stat stat = file->stat();
    if (stat.size_bytes != entry.size_bytes || stat.mtime_ns != entry.mtime_ns ||
        stat.ctime_ns != entry.ctime_ns)
      return;
    SharedManifest old;
    std::optional<Content> known;
    {
      std::lock_guard lock(replica.mutex());
      if (const Content* content = node.content_of(node.entries[wanted.entry])) {
        known = *content;
        old = replica.manifest_of(*content, entry.size_bytes);
      }
    }
    const auto params = manifest::params_for_size(entry.size_bytes);
    const auto fresh = verify && old ? chunk::rescan_file(*file, entry.size_bytes, *old, replica.key(), 1)
                                     : chunk::import_file(*file, entry.size_bytes, params, replica.key(), 1);
    read_bytes += entry.size_bytes;
    if (old && fresh.root() == old->root()) return;
    std::lock_guard lock(replica.mutex());
    replica.record_content(node, node.entries[wanted.entry], fresh, known ? known->manifest_id : 0);
  } catch (const Error& error) {
    if (error.is(Errc::changed) || error.code().category() == std::generic_category())
      return;  // the next run sees it
    throw;
  }
}

void read_all(Replica& replica, const std::vector<Wanted>& list, bool verify, unsigned threads,
              std::atomic<std::uint64_t>& read_bytes, const std::function<void()>& check) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr error;
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < list.size(); i = next++) {
        check();
        read_one(replica, list[i], verify, read_bytes);
      }
    } catch (...) {
      std::lock_guard lock(mutex);
      error = std::current_exception();
      next = list.size();
    }
  };
  std::vector<KeptThread> pool;
  for (unsigned i = 1; i < std::min<std::size_t>(threads, list.size()); ++i) pool.emplace_back("read", work);
  work();
  for (auto& thread : pool) thread.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace

void index_contents(Replica& replica, unsigned threads, std::atomic<std::uint64_t>& read_bytes,
                    const std::function<void()>& check) {
  std::vector<Wanted> list;
  for_each_dir(*replica.tree().root, [&](DirNode& node) {
    if (node.recorded) return;
    for (std::uint32_t i = 0; i < node.entries.size(); ++i) {
      const Entry& entry = node.entries[i];
      if (entry.type == fs::FileType::regular && entry.content == 0 && entry.size_bytes >= index_bytes_min)
        list.push_back({&node, i});
    }
  });
  read_all(replica, list, false, threads, read_bytes, check);
}

void verify_contents(Replica& replica, const IdentityRules& rules, unsigned threads,
                     std::atomic<std::uint64_t>& read_bytes, const std::function<void()>& check) {
  std::vector<Wanted> list;
  for_each_dir(*replica.tree().root, [&](DirNode& node) {
    replica.load_details(node);
    for (std::uint32_t i = 0; i < node.entries.size(); ++i)
      if (node.entries[i].type == fs::FileType::regular) list.push_back({&node, i});
  });
  read_all(replica, list, true, threads, read_bytes, check);
  for_each_dir(*replica.tree().root, [&](DirNode& node) { node.shallow = shallow_digest(node, rules); });
  compute_tree_digests(*replica.tree().root);
}

}  // namespace syncline::sync
