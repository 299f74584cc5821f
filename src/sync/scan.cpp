// SPDX-License-Identifier: Apache-2.0
// The scan: every directory listed once by a few threads, joined with its record by one fingerprint.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <thread>

#include "base/limits.hpp"
#include "chunk/rescan.hpp"
#include "sync/replica.hpp"
#include "sync/session.hpp"

namespace syncline::sync {
namespace {

constexpr unsigned threads_max = 8;             ///< for cold trees: blocking calls, not computing
constexpr std::int64_t slow_entry_ns = 10'000;  ///< a mean above this means the disk is waited for
constexpr std::uint64_t slow_sample_entries = 500;
constexpr std::size_t gitignore_bytes_max = 1 * limits::mib;

struct Task {
  DirNode* node = nullptr;
  std::shared_ptr<fs::Dir> parent;  ///< null for the root
};

class Scanner {
 public:
  Scanner(Replica& replica, const ScanOptions& options, const std::string& only, const std::string& shown)
      : replica_(replica), options_(options), only_(only), shown_(shown) {}

  void run();

 private:
  void work();
  void visit(const Task& task, state::Reader& reader, Bytes& scratch);
  void fill(DirNode& node, const fs::Dir& dir, const std::string& path);
  void join(DirNode& node, const fs::Dir& dir, state::Reader& reader, Bytes& scratch);
  bool join_entry(DirNode& node, Entry& entry, const fs::Dir& dir, const state::StoredEntry* stored,
                  bool recorded_dir, state::Reader& reader);
  void examine(DirNode& node, Entry& entry, const fs::Dir& dir, const state::StoredEntry* stored,
               state::Reader& reader);
  void verify(DirNode& node, Entry& entry, const fs::Dir& dir, const state::StoredEntry& stored,
              state::Reader& reader);
  void read_gitignore(const fs::Dir& dir, const std::string& path);
  void report(const std::string& path, int error_number);
  void fail(const std::exception_ptr& error);
  void grow();
  std::string disk_name(const DirNode& node, std::string_view name) const {
    return node.parent == nullptr && !only_.empty() ? only_ : std::string(name);
  }

  Replica& replica_;
  const ScanOptions& options_;
  const std::string& only_;
  const std::string& shown_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Task> stack_;
  unsigned busy_ = 0;
  bool failed_ = false;
  std::exception_ptr error_;
  std::vector<std::thread> threads_;
  std::atomic<std::uint64_t> entries_ = 0, files_ = 0, bytes_ = 0, read_bytes_ = 0;
  std::atomic<std::int64_t> busy_ns_ = 0;
};

void Scanner::report(const std::string& path, int error_number) {
  std::lock_guard lock(mutex_);
  if (options_.on_unknown) options_.on_unknown(path, error_number);
}

void Scanner::run() {
  Tree& tree = replica_.tree();
  tree = Tree{};
  tree.root = std::make_unique<DirNode>();
  tree.root_stat = replica_.root().stat();
  tree.root->id = dir_id(tree.root_stat, tree.root_stat.device);
  stack_.push_back({tree.root.get(), nullptr});
  const unsigned count = std::max(1u, options_.threads);
  {
    std::lock_guard lock(mutex_);
    for (unsigned i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
  }
  for (std::size_t i = 0;; ++i) {  // grow() may add threads while others are joined
    std::unique_lock lock(mutex_);
    if (i == threads_.size()) break;
    std::thread thread = std::move(threads_[i]);
    lock.unlock();
    thread.join();
  }
  if (error_) std::rethrow_exception(error_);
  tree.file_count = files_;
  tree.entry_count = entries_;
  tree.byte_count = bytes_;
  tree.content_read_bytes = read_bytes_;
  compute_tree_digests(*tree.root);
}

void Scanner::fail(const std::exception_ptr& error) {
  std::lock_guard lock(mutex_);
  if (!error_) error_ = error;
  failed_ = true;
  wake_.notify_all();
}

void Scanner::work() {
  std::unique_ptr<state::Reader> reader;
  try {
    reader = replica_.database().reader();
  } catch (...) {
    return fail(std::current_exception());
  }
  Bytes scratch;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return !stack_.empty() || busy_ == 0 || failed_; });
    if (stack_.empty() || failed_) break;
    Task task = std::move(stack_.back());
    stack_.pop_back();
    ++busy_;
    lock.unlock();
    try {
      visit(task, *reader, scratch);
    } catch (...) {
      fail(std::current_exception());
    }
    task.parent.reset();
    lock.lock();
    --busy_;
    if (busy_ == 0 || failed_) wake_.notify_all();
  }
  wake_.notify_all();
}

void Scanner::grow() {
  if (entries_ < slow_sample_entries || busy_ns_ / static_cast<std::int64_t>(entries_) < slow_entry_ns)
    return;
  std::lock_guard lock(mutex_);
  if (threads_.size() < threads_max && !stack_.empty()) threads_.emplace_back([this] { work(); });
}

void Scanner::visit(const Task& task, state::Reader& reader, Bytes& scratch) {
  if (options_.cancelled && options_.cancelled()) throw Error(Errc::cancelled, "scan");
  DirNode& node = *task.node;
  const auto begun = replica_.world().clock->steady();
  std::shared_ptr<fs::Dir> dir;
  const std::string path = node.path().text();
  try {
    dir = task.parent ? std::shared_ptr<fs::Dir>(task.parent->open_dir(disk_name(*node.parent, node.name)))
                      : replica_.root_handle();
    fill(node, *dir, path);
  } catch (const Error& error) {
    if (task.parent == nullptr || error.code().category() != std::generic_category()) throw;
    node.unreadable = true;
    node.entries.clear();
    node.children.clear();
    report(path, error.code().value());
  }
  if (node.unreadable) {
    node.fingerprint = fingerprint(node, options_.rules, replica_.key(), scratch);
    node.shallow = shallow_digest(node, options_.rules);
    node.detailed = true;
  } else {
    join(node, *dir, reader, scratch);
  }
  entries_ += node.entries.size();
  busy_ns_ +=
      std::chrono::duration_cast<std::chrono::nanoseconds>(replica_.world().clock->steady() - begun).count();
  if (!node.children.empty()) {
    std::lock_guard lock(mutex_);
    for (auto child = node.children.rbegin(); child != node.children.rend(); ++child)
      stack_.push_back({child->get(), dir});
    wake_.notify_all();
  }
  if (options_.on_progress) options_.on_progress(entries_);
  grow();
}

void Scanner::read_gitignore(const fs::Dir& dir, const std::string& path) {
  try {
    const auto file = dir.open_read(".gitignore");
    Bytes content(std::min<std::uint64_t>(file->stat().size_bytes, gitignore_bytes_max));
    content.resize(file->pread(content, 0));
    options_.selector->push_gitignore(path, as_text(content));
  } catch (const Error& error) {
    // Without a readable regular .gitignore there are no rules, as in git. One that the disk does not give is
    // another matter: what its rules protect in the destination must not be deleted.
    if (error.is_errno(EIO) || error.is_errno(ENOMEM)) throw;
  }
}

void Scanner::fill(DirNode& node, const fs::Dir& dir, const std::string& path) {
  const bool is_root = node.parent == nullptr;
  fs::Listing listing;
  if (is_root && !only_.empty()) {
    if (auto stat = dir.stat_at(only_)) listing.entries.push_back({shown_, *stat});
  } else {
    listing = dir.list();
  }
  const Selector* selector =
      options_.selector != nullptr && !options_.selector->empty() ? options_.selector : nullptr;
  if (selector != nullptr && selector->use_gitignore) read_gitignore(dir, path);
  const std::string prefix = path.empty() ? "" : path + "/";
  std::size_t name_bytes = 0;
  for (const auto& found : listing.entries) name_bytes += found.name.size();
  node.names.reserve(name_bytes);
  node.entries.reserve(listing.entries.size());
  std::uint64_t files = 0, bytes = 0;
  for (const auto& found : listing.entries) {
    if (is_root && found.name == area_name) continue;
    const bool is_dir = found.stat.type == fs::FileType::directory;
    if (is_dir && !options_.recursive) continue;
    if (found.stat.type == fs::FileType::symlink && !options_.links) continue;
    if (!options_.all_types && found.stat.type >= fs::FileType::fifo) continue;
    if (selector != nullptr && selector->excluded(prefix + found.name, is_dir)) continue;
    Entry entry;
    entry.name_offset = static_cast<std::uint32_t>(node.names.size());
    entry.name_bytes = static_cast<std::uint16_t>(found.name.size());
    node.names += found.name;
    set_stat(entry, found.stat);
    node.entries.push_back(entry);
    if (found.stat.device_major != 0 || found.stat.device_minor != 0) {
      Extra& extra = node.make_extra(node.entries.back());
      extra.device_major = found.stat.device_major;
      extra.device_minor = found.stat.device_minor;
    }
    if (found.stat.type == fs::FileType::regular) ++files, bytes += found.stat.size_bytes;
    const bool other_device = found.stat.device != replica_.tree().root_stat.device;
    if (is_dir && !(options_.one_file_system && other_device)) {
      auto child = std::make_unique<DirNode>();
      child->parent = &node;
      child->name = found.name;
      child->id = dir_id(found.stat, replica_.tree().root_stat.device);
      node.children.push_back(std::move(child));
    }
  }
  for (const auto& unknown : listing.unknown) {
    if (selector != nullptr && selector->excluded(prefix + unknown.name, false)) continue;
    node.unknown.push_back(unknown.name);
    report(prefix + unknown.name, unknown.error_number);
  }
  files_ += files;
  bytes_ += bytes;
}

void Scanner::join(DirNode& node, const fs::Dir& dir, state::Reader& reader, Bytes& scratch) {
  node.fingerprint = fingerprint(node, options_.rules, replica_.key(), scratch);
  if (const auto summary = reader.summary(node.id); summary && summary->fingerprint == node.fingerprint) {
    node.recorded = true;
    node.shallow = summary->shallow;
    node.detailed = node.entries.empty();
    if (node.parent == nullptr)
      replica_.tree().root_xattrs = xattr_digest(dir.xattrs(), options_.rules.attributes);
    return;
  }
  const auto record = reader.dir(node.id);
  auto stored = record ? record->entries.begin() : std::vector<state::StoredEntry>::const_iterator{};
  const std::size_t known_before = node.unknown.size();
  for (Entry& entry : node.entries) {
    const auto name = node.name_of(entry);
    const state::StoredEntry* match = nullptr;
    if (record) {
      while (stored != record->entries.end() && stored->name < name) ++stored;
      if (stored != record->entries.end() && stored->name == name) match = &*stored;
    }
    if (!join_entry(node, entry, dir, match, record.has_value(), reader)) node.unknown.emplace_back(name);
  }
  for (std::size_t i = known_before; i < node.unknown.size(); ++i) node.erase(node.unknown[i]);
  if (node.parent == nullptr)
    replica_.tree().root_xattrs = xattr_digest(dir.xattrs(), options_.rules.attributes);
  node.shallow = shallow_digest(node, options_.rules);
  node.detailed = true;
  node.dirty = true;
}

/// False when the entry is there but could not be examined: what is not known must not be compared.
bool Scanner::join_entry(DirNode& node, Entry& entry, const fs::Dir& dir, const state::StoredEntry* stored,
                         bool recorded_dir, state::Reader& reader) {
  const std::string name(node.name_of(entry));
  const bool same_inode =
      stored != nullptr && stored->stat.type == entry.type && stored->stat.inode == entry.inode;
  const bool untouched = same_inode && stored->stat.ctime_ns == entry.ctime_ns &&
                         stored->stat.mtime_ns == entry.mtime_ns &&
                         stored->stat.size_bytes == entry.size_bytes;
  entry.edited = recorded_dir && !untouched && entry.type != fs::FileType::directory;
  if (untouched) {
    if (stored->xattr_digest != hash::Digest{} || !stored->link_target.empty()) {
      Extra& extra = node.make_extra(entry);
      extra.xattr_digest = stored->xattr_digest;
      extra.link_target = stored->link_target;
    }
    if (stored->content) {
      Content content;
      content.single = stored->only_chunk.has_value() || entry.size_bytes == 0;
      content.id = stored->only_chunk ? stored->only_chunk->id : *stored->content;
      if (stored->only_chunk) content.quick = stored->only_chunk->quick;
      content.manifest_id = stored->manifest_id;
      node.set_content(entry, content);
    }
    return true;
  }
  try {
    examine(node, entry, dir, stored, reader);
  } catch (const Error& error) {
    if (error.is(Errc::changed) || error.is_errno(ENOENT)) return true;  // opening it will tell
    if (error.code().category() != std::generic_category()) throw;
    report(node.path_of(name), error.code().value());
    return false;
  }
  return true;
}

/// What a listing does not tell of an entry that is not as recorded.
void Scanner::examine(DirNode& node, Entry& entry, const fs::Dir& dir, const state::StoredEntry* stored,
                      state::Reader& reader) {
  const auto on_disk = disk_name(node, node.name_of(entry));
  Extra extra;
  if ((options_.rules.attributes & (wire::attr_xattrs | wire::attr_acls)) != 0)
    extra.xattr_digest = xattr_digest(dir.xattrs_at(on_disk), options_.rules.attributes);
  if (entry.type == fs::FileType::symlink) extra.link_target = dir.read_link(on_disk);
  if (extra.xattr_digest != hash::Digest{} || !extra.link_target.empty()) {
    Extra& kept = node.make_extra(entry);
    kept.xattr_digest = extra.xattr_digest;
    kept.link_target = extra.link_target;
  }
  const bool suspect = stored != nullptr && entry.type == fs::FileType::regular &&
                       stored->stat.type == entry.type && stored->stat.size_bytes == entry.size_bytes &&
                       stored->stat.mtime_ns == entry.mtime_ns;
  if (suspect && options_.verify_suspects) verify(node, entry, dir, *stored, reader);
}

/// Size and mtime are as recorded, but the inode changed meanwhile: only the content can tell.
void Scanner::verify(DirNode& node, Entry& entry, const fs::Dir& dir, const state::StoredEntry& stored,
                     state::Reader& reader) {
  manifest::Manifest old;
  old.params = manifest::params_for_size(entry.size_bytes);
  old.size_bytes = entry.size_bytes;
  if (!stored.content) {
    const auto file = dir.open_read(disk_name(node, node.name_of(entry)));
    node.make_extra(entry).deviating_content =
        chunk::import_file(*file, entry.size_bytes, old.params, replica_.key(), 1).root();
    read_bytes_ += entry.size_bytes;
    return;
  }
  if (stored.only_chunk) {
    old.chunks.push_back(*stored.only_chunk);
  } else if (stored.manifest_id != 0) {
    auto found = reader.manifest(stored.manifest_id);
    if (!found) return;
    old = std::move(*found);
  }
  const auto file = dir.open_read(disk_name(node, node.name_of(entry)));
  const auto fresh = chunk::rescan_file(*file, entry.size_bytes, old, replica_.key(), 1);
  read_bytes_ += entry.size_bytes;
  if (fresh.root() != *stored.content) {
    node.make_extra(entry).deviating_content = fresh.root();
    return;
  }
  entry.edited = false;  // metadata may have moved; the content did not
  Content content;
  content.single = stored.only_chunk.has_value() || entry.size_bytes == 0;
  content.id = stored.only_chunk ? stored.only_chunk->id : *stored.content;
  if (stored.only_chunk) content.quick = stored.only_chunk->quick;
  content.manifest_id = stored.manifest_id;
  node.set_content(entry, content);
}

}  // namespace

void Replica::scan(const ScanOptions& options) {
  rules_ = options.rules;
  const std::string shown = options_.shown_name.empty() ? options_.only_name : options_.shown_name;
  Scanner scanner(*this, options, options_.only_name, shown);
  scanner.run();
}

}  // namespace syncline::sync
