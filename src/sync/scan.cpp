// SPDX-License-Identifier: Apache-2.0
// The scan: every directory listed once by a few threads, joined with its record by one fingerprint.
#include <algorithm>
#include <cerrno>

#include "sync/rules_file.hpp"
#include "sync/scanner.hpp"
#include "sync/session.hpp"

namespace syncline::sync {
namespace {

constexpr unsigned threads_max = 8;             ///< for cold trees: blocking calls, not computing
constexpr std::int64_t slow_entry_ns = 10'000;  ///< a mean above this means the disk is waited for
constexpr std::uint64_t slow_sample_entries = 500;

/// The directories that are merged into one, told apart from any other set of them and from each alone.
class MergedInode {
 public:
  void add(std::uint16_t origin, const fs::Stat& stat) {
    for (const std::uint64_t part : {std::uint64_t{origin}, stat.device, stat.inode}) {
      // The mixing step of splitmix64.
      std::uint64_t mixed = value_ + part + 0x9E3779B97F4A7C15ULL;
      mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
      mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
      value_ = mixed ^ (mixed >> 31);
    }
  }
  std::uint64_t value() const { return value_ & 0x7FFFFFFFFFFFFFFFULL; }

 private:
  std::uint64_t value_ = 1;  ///< of no directories at all; 0 would be no number of a record
};

}  // namespace

void Scanner::report(const std::string& path, int error_number) {
  std::lock_guard lock(mutex_);
  if (options_.on_unknown) options_.on_unknown(path, error_number);
}

void Scanner::run() {
  Tree& tree = replica_.tree();
  tree = Tree{};
  tree.root = std::make_unique<DirNode>();
  if (options_.selector != nullptr) options_.selector->forget_rules_files();
  open_root();
  stack_.push_back({tree.root.get(), nullptr});
  run_threads();
  compute_tree_digests(*tree.root);
}

void Scanner::run_threads() {
  const unsigned count = stack_.empty() ? 0 : std::max(1u, options_.threads);
  {
    std::lock_guard lock(mutex_);
    for (unsigned i = 0; i < count; ++i) threads_.emplace_back("scan", [this] { work(); });
  }
  for (std::size_t i = 0;; ++i) {  // grow() may add threads while others are joined
    std::unique_lock lock(mutex_);
    if (i == threads_.size()) break;
    KeptThread thread = std::move(threads_[i]);
    lock.unlock();
    thread.join();
  }
  if (error_) std::rethrow_exception(error_);
  Tree& tree = replica_.tree();
  tree.file_count = files_;
  tree.entry_count = entries_;
  tree.byte_count = bytes_;
  tree.content_read_bytes = read_bytes_;
  tree.has_gone_back |= has_gone_back_;
}

/// The root's own attributes are those of the first origin whose contents are its own.
void Scanner::open_root() {
  Tree& tree = replica_.tree();
  if (!replica_.is_composed()) {
    tree.root_stat = replica_.root().stat();
    tree.is_partial = !place(0).only.empty();
    tree.root->id = dir_id(tree.root_stat, tree.root_stat.device);
    return;
  }
  MergedInode inode;
  tree.is_partial = true;
  for (std::uint16_t origin = 0; const Origin& one : replica_.origins()) {
    tree.root->origins.push_back(origin);
    if (one.is_whole()) {
      try {
        const auto stat = replica_.open_dir(*tree.root, origin)->stat();
        inode.add(origin, stat);
        if (std::exchange(tree.is_partial, false)) tree.root_stat = stat, tree.root_origin = origin;
      } catch (const Error& error) {
        if (error.code().category() != std::generic_category()) throw;  // listing it will tell
      }
    }
    ++origin;
  }
  tree.root->id = static_cast<state::DirId>(inode.value());
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
  if (threads_.size() < threads_max && !stack_.empty()) threads_.emplace_back("scan", [this] { work(); });
}

void Scanner::visit(const Task& task, state::Reader& reader, Bytes& scratch) {
  if (options_.cancelled && options_.cancelled()) throw Error(Errc::cancelled, "scan");
  DirNode& node = *task.node;
  OpenDirs dirs(replica_, task);
  look(node, dirs, reader, scratch);
  if (!node.children.empty()) {
    const auto dir = replica_.is_composed() ? nullptr : dirs.open(0);
    std::lock_guard lock(mutex_);
    for (auto child = node.children.rbegin(); child != node.children.rend(); ++child)
      stack_.push_back({child->get(), dir});
    wake_.notify_all();
  }
  if (options_.on_progress) options_.on_progress(entries_);
  grow();
}

/// One directory by itself, joined with its record.
void Scanner::look(DirNode& node, OpenDirs& dirs, state::Reader& reader, Bytes& scratch) {
  const auto begun = replica_.world().clock->steady();
  const std::string path = node.path().text();
  const auto parts = list_parts(node, dirs, path);
  if (parts.empty()) {
    node.unreadable = true;
    node.fingerprint = fingerprint(node, options_.rules, replica_.key(), scratch);
    node.shallow = shallow_digest(node, options_.rules);
    node.detailed = true;
  } else {
    fill(node, parts, path);
    join(node, dirs, reader, scratch);
  }
  count(node);
  busy_ns_ +=
      std::chrono::duration_cast<std::chrono::nanoseconds>(replica_.world().clock->steady() - begun).count();
  if (!node.unreadable && node.unknown.empty()) return;
  std::lock_guard lock(mutex_);
  replica_.note_unsettled(path);
}

void Scanner::count(const DirNode& node) {
  std::uint64_t files = 0, bytes = 0;
  for (const Entry& entry : node.entries)
    if (entry.type == fs::FileType::regular) ++files, bytes += entry.size_bytes;
  entries_ += node.entries.size();
  files_ += files;
  bytes_ += bytes;
}

/// Those that can be read. None is an error where it is the root.
std::vector<Part> Scanner::list_parts(DirNode& node, OpenDirs& dirs, const std::string& path) {
  std::vector<Part> out;
  const std::vector<std::uint16_t> only_one{0};
  const auto& origins = node.origins.empty() ? only_one : node.origins;
  const bool is_alone = origins.size() == 1;
  for (const auto origin : origins) {
    try {
      const auto dir = dirs.open(origin);
      if (node.parent == nullptr) devices_[origin] = dir->stat().device;
      out.push_back({origin, list(node, origin, *dir, path)});
    } catch (const Error& error) {
      if (error.code().category() != std::generic_category()) throw;
      if (node.parent == nullptr && is_alone) throw;
      leave_out(node, origin, path, error);
    }
  }
  if (node.parent == nullptr && out.empty()) throw Error(EACCES, "every source");
  return out;
}

/// What an origin has there is unknown. Where others are merged with it they are all that is seen.
void Scanner::leave_out(DirNode& node, std::uint16_t origin, const std::string& path, const Error& error) {
  report(node.parent == nullptr ? place(origin).path : path, error.code().value());
  if (node.parent == nullptr && place(origin).is_named()) node.unknown.push_back(place(origin).shown_name);
  else if (node.parent == nullptr && !place(origin).is_whole())
    node.unknown.insert(node.unknown.end(), place(origin).only.begin(), place(origin).only.end());
  else if (node.origins.size() > 1) node.unknown.emplace_back(".");
}

fs::Listing Scanner::list(const DirNode& node, std::uint16_t origin, const fs::Dir& dir,
                          const std::string& path) {
  const Origin& from = place(origin);
  fs::Listing out;
  if (node.parent == nullptr && from.is_named()) {
    out.entries.push_back({from.shown_name, dir.stat()});
    return out;
  }
  if (node.parent != nullptr || from.only.empty()) {
    out = dir.list();
    for (const auto kind : {RulesKind::synclineignore, RulesKind::gitignore}) {
      const std::string_view name = name_of(kind);
      const auto found = std::ranges::lower_bound(out.entries, name, {}, &fs::DirEntry::name);
      if (found != out.entries.end() && found->name == name)
        read_rules(node, kind, found->stat, dir, path, origin);
    }
    return out;
  }
  // A person who names an entry means it: what .synclineignore says beside it does not count, and what
  // .gitignore says does because that was asked for.
  if (options_.selector != nullptr && options_.selector->reads_kind(RulesKind::gitignore))
    if (const auto stat = dir.stat_at(name_of(RulesKind::gitignore)))
      read_rules(node, RulesKind::gitignore, *stat, dir, path, origin);
  for (const auto& name : from.only)
    if (auto stat = dir.stat_at(name))
      out.entries.push_back({from.shown_name.empty() ? name : from.shown_name, *stat});
  return out;
}

/// Only a regular file has rules, as in git.
void Scanner::read_rules(const DirNode& node, RulesKind kind, const fs::Stat& stat, const fs::Dir& dir,
                         const std::string& path, std::uint16_t origin) {
  const Selector* rules = options_.selector;
  if (rules == nullptr || !rules->reads_kind(kind) || stat.type != fs::FileType::regular) return;
  try {
    read_rules_file(*rules, kind, dir, path, origin);
  } catch (const Error& error) {
    // That the directory is left out is told by the caller; at the root it is the end.
    if (error.code().category() == std::generic_category() && node.parent != nullptr)
      report(rules_file_path(kind, path), error.code().value());
    throw;
  }
}

bool Scanner::takes_part(const DirNode& node, const std::string& path, std::uint16_t origin,
                         const fs::DirEntry& found) const {
  const bool is_top = node.parent == nullptr || (node.parent->parent == nullptr && place(origin).is_named());
  if (is_top && found.name == area_name) return false;
  const auto type = found.stat.type;
  if (type == fs::FileType::directory && !options_.recursive) return false;
  if (type == fs::FileType::symlink && !options_.links) return false;
  if (!options_.all_types && type >= fs::FileType::fifo) return false;
  const auto* rules = selector();
  return rules == nullptr || !rules->excluded(path.empty() ? found.name : path + '/' + found.name,
                                              type == fs::FileType::directory, origin);
}

void Scanner::fill(DirNode& node, const std::vector<Part>& parts, const std::string& path) {
  std::size_t listed = 0;
  for (const Part& part : parts) listed += part.listing.entries.size();
  std::vector<Seen> seen;
  seen.reserve(listed);
  std::size_t name_bytes = 0;
  for (const Part& part : parts) {
    for (const auto& found : part.listing.entries) {
      if (!takes_part(node, path, part.origin, found)) continue;
      seen.push_back({&found, part.origin});
      name_bytes += found.name.size();
    }
    for (const auto& unknown : part.listing.unknown) {
      const auto shown = path.empty() ? unknown.name : path + '/' + unknown.name;
      if (selector() != nullptr && selector()->excluded(shown, false, part.origin)) continue;
      node.unknown.push_back(unknown.name);
      report(shown, unknown.error_number);
    }
  }
  if (parts.size() > 1)
    std::ranges::stable_sort(seen, {}, [](const Seen& one) -> const std::string& { return one.entry->name; });
  node.names.reserve(name_bytes);
  node.entries.reserve(seen.size());
  const auto is_other = [](const Seen& one, const Seen& next) { return one.entry->name != next.entry->name; };
  for (auto at = seen.begin(); at != seen.end();) {
    auto end = std::adjacent_find(at, seen.end(), is_other);
    if (end != seen.end()) ++end;
    add_entry(node, std::span<const Seen>(at, end));
    at = end;
  }
}

/// As in rsync: a directory counts before anything else, as it may hold what others have not; then the first.
void Scanner::add_entry(DirNode& node, std::span<const Seen> same_name) {
  const auto first_dir = std::ranges::find_if(same_name, &Seen::is_dir);
  const Seen& owner = first_dir != same_name.end() ? *first_dir : same_name.front();
  fs::Stat stat = owner.entry->stat;
  std::vector<std::uint16_t> origins;
  bool is_entered = false;
  if (stat.type == fs::FileType::directory) {
    MergedInode inode;
    for (const Seen& one : same_name) {
      if (!one.is_dir()) continue;
      inode.add(one.origin, one.entry->stat);
      const bool other_device = one.entry->stat.device != devices_[one.origin];
      if (options_.one_file_system && other_device) continue;
      is_entered = true;
      if (replica_.is_composed()) origins.push_back(one.origin);
    }
    if (replica_.is_composed()) stat.inode = inode.value(), stat.device = replica_.tree().root_stat.device;
  }
  Entry entry;
  entry.name_offset = static_cast<std::uint32_t>(node.names.size());
  entry.name_bytes = static_cast<std::uint16_t>(owner.entry->name.size());
  entry.origin = owner.origin;
  node.names += owner.entry->name;
  set_stat(entry, stat);
  node.entries.push_back(entry);
  if (stat.device_major != 0 || stat.device_minor != 0) {
    Extra& extra = node.make_extra(node.entries.back());
    extra.device_major = stat.device_major;
    extra.device_minor = stat.device_minor;
  }
  if (!is_entered) return;
  auto child = std::make_unique<DirNode>();
  child->parent = &node;
  child->name = owner.entry->name;
  child->id = dir_id(stat, replica_.tree().root_stat.device);
  child->origins = std::move(origins);
  node.children.push_back(std::move(child));
}

}  // namespace syncline::sync
