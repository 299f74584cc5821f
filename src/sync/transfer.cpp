// SPDX-License-Identifier: Apache-2.0
// Work distribution of a transfer, and batches of small files.
#include "sync/transfer.hpp"

#include <algorithm>
#include <cerrno>

#include "base/limits.hpp"
#include "sync/session.hpp"
#include "sync/under_way.hpp"

namespace syncline::sync {
namespace {

constexpr std::uint64_t small_file_bytes = 128 * limits::kib;
constexpr std::size_t batch_files = 200;
/// Inside a process a frame costs nothing, and each is work for one of the receiver's threads.
constexpr std::uint64_t local_batch_bytes = 256 * limits::kib;
constexpr std::uint64_t alone_bytes_max = limits::mib;  ///< that one worker sends as soon as several would
constexpr std::uint64_t cache_bytes_max = 256 * limits::mib;
constexpr std::size_t waiting_requests_max = 1024;  ///< while the file at hand goes on
static_assert(waiting_requests_max < limits::chunk_requests_max);

}  // namespace

Transfer::Transfer(Replica& replica, wire::Channel& channel, Events& events, const SenderOptions& options,
                   const Plan& plan, delta::SumKey sum_key)
    : replica_(replica),
      channel_(channel),
      events_(events),
      options_(options),
      plan_(plan),
      sum_key_(sum_key) {
  if (!options_.cache_path.empty() && !plan_.bases.empty()) {
    try {
      cache_ = state::ChunkCache::open(options_.cache_path, cache_bytes_max);
    } catch (const Error&) {
      cache_.reset();  // costs bytes only
    }
  }
}

Transfer::~Transfer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  for (auto& thread : threads_) thread.join();
  if (cache_) cache_->commit();
}

bool Transfer::is_small(const Item& item) const {
  return item.base < 0 && entry_of(item).size_bytes <= small_file_bytes;
}

/// A batch of neighbouring small files, or one other file. Under mutex_.
std::vector<Item> Transfer::take_items() {
  std::vector<Item> out;
  std::uint64_t bytes = 0;
  const std::uint64_t bytes_max = channel_.is_local() ? local_batch_bytes : channel_.bulk_bytes_wanted();
  while (items_ != nullptr && next_item_ < items_->size()) {
    const Item& item = (*items_)[next_item_];
    if (!is_small(item)) {
      if (out.empty()) {
        out.push_back(item);
        ++next_item_;
      }
      break;
    }
    bytes += entry_of(item).size_bytes;
    if (!out.empty() && (bytes > bytes_max || out.size() == batch_files)) break;
    out.push_back(item);
    ++next_item_;
  }
  return out;
}

bool Transfer::all_done() const {
  return (items_ == nullptr || next_item_ == items_->size()) && busy_ == 0 && replies_.empty() &&
         unanswered_ == 0;
}

void Transfer::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    std::optional<Reply> reply = next_reply();
    std::vector<Item> items;
    if (!reply && !error_) items = take_items();
    if (!reply && items.empty()) {
      changed_.wait(lock);
      continue;
    }
    ++busy_;
    lock.unlock();
    fail(failure_of([&] {
      if (!items.empty()) run_items(items);
      else run_reply(*reply);
    }));
    lock.lock();
    --busy_;
    const bool idle = replies_.empty() && (items_ == nullptr || next_item_ == items_->size());
    // Nobody else may come to push what was gathered; when all is done, the thread that waits in send() does.
    if (idle && !all_done()) {
      lock.unlock();
      fail(failure_of([&] { channel_.flush(); }));
      lock.lock();
    }
    // The thread that waits in send() is not to be woken by every file.
    if (error_ || all_done()) finished_.notify_all();
  }
}

void Transfer::fail(std::exception_ptr error) {
  if (!error) return;
  std::lock_guard lock(mutex_);
  error_ = first_cause(error_, std::exchange(error, nullptr));
  changed_.notify_all();
  finished_.notify_all();
}

/// Under mutex_.
void Transfer::start_workers(const std::vector<Item>& items) {
  std::uint64_t bytes = 0;
  for (auto item = items.begin(); item != items.end() && bytes <= alone_bytes_max; ++item)
    bytes += entry_of(*item).size_bytes;
  const std::size_t count = bytes <= alone_bytes_max ? 1 : std::max(1u, options_.threads);
  while (threads_.size() < count) threads_.emplace_back("send", [this] { work(); });
}

std::vector<Item> Transfer::send(const std::vector<Item>& items, bool may_defer) {
  std::unique_lock lock(mutex_);
  start_workers(items);  // before there is anything that those who began could take, if it fails
  wanted_.clear();
  list_wanted_manifests(items);
  ask_manifests(lock, nullptr);
  items_ = &items;
  next_item_ = 0;
  may_defer_ = may_defer;
  changed_.notify_all();
  while (!error_ && !all_done()) {
    finished_.wait_for(lock, std::chrono::milliseconds(200));
    if (!events_.cancelled() || error_) continue;
    error_ = std::make_exception_ptr(Error(Errc::cancelled, "copy"));
    changed_.notify_all();
  }
  items_ = nullptr;
  finished_.wait(lock, [&] { return busy_ == 0; });
  if (error_) std::rethrow_exception(error_);
  return std::exchange(deferred_, {});
}

std::vector<Item> Transfer::settled() {
  std::lock_guard lock(mutex_);
  open_.clear();
  begun_.clear();
  return std::exchange(retries_, {});
}

/// Under mutex_. Once something has failed nobody waits for answers.
std::optional<Transfer::Reply> Transfer::next_reply() {
  if (error_) replies_.clear(), request_count_ = 0;
  if (replies_.empty()) return std::nullopt;
  Reply out = std::move(replies_.front());
  replies_.pop_front();
  if (out.request) --request_count_;
  return out;
}

/// Long files must not let requests pile up that nobody else has the time to answer.
void Transfer::answer_some() {
  std::unique_lock lock(mutex_);
  while (request_count_ > waiting_requests_max && !error_) {
    const auto reply = next_reply();
    lock.unlock();
    run_reply(*reply);
    lock.lock();
  }
}

/// Under mutex_. Whoever waits answers meanwhile: that is what makes room.
template <class HasRoom>
void Transfer::wait_for_room(std::unique_lock<std::mutex>& lock, HasRoom&& has_room) {
  while (!has_room() && !error_) {
    const auto reply = next_reply();
    lock.unlock();
    if (reply) run_reply(*reply);
    else channel_.flush();
    lock.lock();
    if (reply) continue;
    changed_.wait_for(lock, std::chrono::milliseconds(50),
                      [&] { return !replies_.empty() || error_ || has_room(); });
  }
  if (error_) std::rethrow_exception(error_);
}

void Transfer::wait_for_window(std::uint64_t bytes) {
  std::unique_lock lock(mutex_);
  wait_for_room(lock, [&] { return gap_bytes_ + bytes <= limits::gap_window_bytes_max; });
  gap_bytes_ += bytes;
}

/// The number of a file that is begun now.
std::uint64_t Transfer::open_file(const Item& item, std::uint64_t size_bytes) {
  const auto chunk_count = chunk_count_max(size_bytes);
  std::unique_lock lock(mutex_);
  wait_for_room(lock, [&] { return fits_beside(under_way_files_, under_way_chunks_, chunk_count); });
  ++under_way_files_;
  under_way_chunks_ += chunk_count;
  const auto number = next_file_++;
  Open& open = open_[number];
  open.item = item;
  open.chunk_count = chunk_count;
  return number;
}

void Transfer::run_items(const std::vector<Item>& items) {
  if (is_small(items.front())) send_batch(items);
  else send_file(items.front());
}

void Transfer::report(const Item& item, const std::exception& error) {
  const auto* known = dynamic_cast<const Error*>(&error);
  if (known == nullptr) throw;
  // Not this file's error, but the session's end.
  if (ends_session(*known) || replica_.state_damaged()) throw;
  {
    std::lock_guard lock(mutex_);
    if (error_) throw;
  }
  ErrorEvent event;
  event.path = path_of(item);
  event.side = "source";
  event.cause = known->code().category() == syncline_category() ? known->what() : known->code().message();
  event.next = "the others go on; it is tried again in the next run";
  if (known->is_errno(ENOENT)) {
    event.exit_code = 24;
    event.cause = "vanished before it could be read";
  } else if (known->is(Errc::changed)) {
    event.exit_code = 24;
    event.cause = "kept changing while it was read";
  }
  events_.error(event);
}

Transfer::Source Transfer::open_source(const Item& item) {
  OpenDir none;
  return open_source(item, none);
}

Transfer::Source Transfer::open_source(const Item& item, OpenDir& last) {
  const Entry& entry = entry_of(item);
  if (last.node != item.node || last.origin != entry.origin) {
    last.dir = replica_.open_dir(*item.node, entry.origin);
    last.node = item.node;
    last.origin = entry.origin;
  }
  Source out;
  const auto name = replica_.disk_name(*item.node, item.node->name_of(entry));
  out.file = last.dir->open_read(name, &out.stat);
  return out;
}

void Transfer::check_unchanged(const Source& source) {
  const fs::Stat now = source.file->stat();
  if (now.size_bytes != source.stat.size_bytes || now.mtime_ns != source.stat.mtime_ns ||
      now.ctime_ns != source.stat.ctime_ns)
    throw Error(Errc::changed, "source");
}

wire::Meta Transfer::meta_of(const DirNode& node, const Entry& entry, const fs::File* file) {
  wire::Meta out;
  out.mode = entry.mode;
  out.uid = options_.rules.uid_there(entry.uid);
  out.gid = options_.rules.gid_wanted(entry.gid);
  out.mtime_ns = entry.mtime_ns;
  if (file == nullptr) return out;
  std::unique_lock lock(replica_.mutex());  // others settle their entries
  const bool has_xattrs = node.extra_of(entry).xattr_digest != hash::Digest{};
  lock.unlock();
  if (has_xattrs) out.xattrs = selected_xattrs(file->xattrs(), options_.rules.attributes);
  return out;
}

wire::Meta Transfer::meta_at(DirNode& node, Entry& entry) {
  wire::Meta out = meta_of(node, entry, nullptr);
  if (node.extra_of(entry).xattr_digest == hash::Digest{}) return out;
  out.xattrs = selected_xattrs(replica_.xattrs_of(node, entry), options_.rules.attributes);
  const auto digest = xattr_digest(out.xattrs, options_.rules.attributes);
  if (digest == node.extra_of(entry).xattr_digest) return out;
  std::lock_guard lock(replica_.mutex());  // set since the scan: our record tells what the other side has
  node.make_extra(entry).xattr_digest = digest;
  node.dirty = true;
  return out;
}

/// The entry as it was read; its record will say this. Whatever moved its times since it was scanned may have
/// been an attribute.
void Transfer::settle_entry(const Item& item, const Source& source, const manifest::Manifest& fresh) {
  Entry& entry = entry_of(item);
  std::optional<hash::Digest> xattrs;
  if (entry.ctime_ns != source.stat.ctime_ns &&
      (options_.rules.attributes & (wire::attr_xattrs | wire::attr_acls)))
    xattrs = xattr_digest(source.file->xattrs(), options_.rules.attributes);
  std::lock_guard lock(replica_.mutex());
  const bool is_another = entry.inode != source.stat.inode;
  set_stat(entry, source.stat);
  // Which other names it has was not compared: over there it has none.
  if (is_another) entry.link_count = 1;
  if (xattrs && item.node->extra_of(entry).xattr_digest != *xattrs)
    item.node->make_extra(entry).xattr_digest = *xattrs;
  const auto* base = item.base >= 0 ? &plan_.bases[static_cast<std::size_t>(item.base)] : nullptr;
  replica_.record_content(*item.node, entry, fresh,
                          base != nullptr && base->stored ? base->stored->manifest_id : 0);
}

void Transfer::add_to_dedupe(const Item& item, const manifest::Manifest& fresh) {
  if (fresh.size_bytes < DedupeIndex::bytes_min) return;
  const auto file = dedupe_.add_file(path_of(item));
  std::uint64_t offset = 0;
  for (const auto& chunk : fresh.chunks) {
    dedupe_.add(chunk.id, chunk.length_bytes, file, offset);
    offset += chunk.total_bytes();
  }
}

/// Puts a file off whose content is under way in another one: it can be copied over there later.
/// Otherwise its own chunks are under way from now on.
bool Transfer::defer(const Item& item, const manifest::Manifest& fresh) {
  std::lock_guard order(defer_mutex_);
  if (may_defer_ && is_under_way(fresh)) {
    std::lock_guard lock(mutex_);
    deferred_.push_back(item);
    return true;
  }
  add_to_dedupe(item, fresh);
  return false;
}

/// A file that somebody is writing: tried again when the others are done. False in the last round.
bool Transfer::put_off(const Item& item) {
  std::lock_guard lock(mutex_);
  if (may_defer_) deferred_.push_back(item);
  return may_defer_;
}

bool Transfer::is_under_way(const manifest::Manifest& fresh) {
  std::uint64_t pending = 0;
  for (const auto& chunk : fresh.chunks) {
    if (chunk.repeat_count > 1) continue;
    const auto place = dedupe_.find(chunk.id, chunk.length_bytes);
    if (place && !place->settled) pending += chunk.length_bytes;
  }
  return pending != 0 && pending * 2 >= fresh.size_bytes;
}

void Transfer::send_batch(const std::vector<Item>& items) {
  wire::Batch batch;
  OpenDir dir;
  for (const Item& item : items) {
    for (int attempt = 1;; ++attempt) {
      try {
        add_small(item, dir, batch);
        break;
      } catch (const Error& error) {
        if (error.is(Errc::changed) && attempt < limits::read_attempts_max) continue;
        if (error.is(Errc::changed) && put_off(item)) break;
        report(item, error);
        break;
      }
    }
  }
  events_.check_cancelled();
  if (!batch.ops.empty()) channel_.send_bulk(std::move(batch));
}

/// Where we remember nothing of what was sent, and the other side says what it has.
bool Transfer::is_there_already(const Item& item, const manifest::Manifest& fresh, std::uint64_t content) {
  if (item.base < 0) return false;
  const Base& base = plan_.bases[static_cast<std::size_t>(item.base)];
  if (content == 0 || content != fresh.root().prefix() || base.size_bytes != fresh.size_bytes) return false;
  std::lock_guard lock(mutex_);
  return !distrusted_.contains(path_of(item));
}

void Transfer::tell_late(const Item& item) {
  if (item.base < 0) return;
  std::unique_ptr<ChangeEvent> event;
  {
    std::lock_guard lock(mutex_);
    event = std::exchange(plan_.bases[static_cast<std::size_t>(item.base)].untold, nullptr);
    if (!event) return;
    ++late_changes_.files;
    late_changes_.bytes += entry_of(item).size_bytes;
  }
  events_.change(*event);
}

Transfer::LateChanges Transfer::late_changes() {
  std::lock_guard lock(mutex_);
  return late_changes_;
}

/// Nothing but attributes is to be sent, and those only if they differ.
void Transfer::settle_equal(const Item& item, const Source& source, const manifest::Manifest& fresh) {
  const Base& base = plan_.bases[static_cast<std::size_t>(item.base)];
  const bool has_moved = entry_of(item).ctime_ns != source.stat.ctime_ns;
  settle_entry(item, source, fresh);
  if (base.attributes_differ || has_moved) send_meta_only(item, source);
}

void Transfer::add_small(const Item& item, OpenDir& last, wire::Batch& batch) {
  const Source source = open_source(item, last);
  if (source.stat.size_bytes > small_file_bytes) return send_file(item);
  wire::WriteFile op;
  op.content.resize(source.stat.size_bytes);
  if (source.file->pread(op.content, 0) != op.content.size()) throw Error(Errc::changed, "source");
  check_unchanged(source);
  events_.counters.read_bytes += op.content.size();
  const auto fresh =
      chunk::chunk_bytes(op.content, manifest::params_for_size(op.content.size()), replica_.key());
  const auto content_there =
      item.base >= 0 ? plan_.bases[static_cast<std::size_t>(item.base)].content : std::uint64_t{0};
  if (is_there_already(item, fresh, content_there)) {
    events_.counters.matched_bytes += op.content.size();
    ++events_.counters.files_done;
    return settle_equal(item, source, fresh);
  }
  if (op.content.size() >= DedupeIndex::bytes_min) {
    if (defer(item, fresh)) return;
    const auto known = [&](const manifest::Chunk& chunk) {
      const auto place = dedupe_.find(chunk.id, chunk.length_bytes);
      return place && place->settled;
    };
    if (std::ranges::any_of(fresh.chunks, known)) return send_file(item);
  }
  tell_late(item);
  settle_entry(item, source, fresh);
  op.path = path_of(item);
  op.meta = meta_of(*item.node, entry_of(item), source.file.get());
  op.params = fresh.params;
  for (const auto& chunk : fresh.chunks) {
    op.lengths.insert(op.lengths.end(), chunk.repeat_count, chunk.length_bytes);
    if (channel_.is_local()) op.ids.insert(op.ids.end(), chunk.repeat_count, chunk.id);
  }
  if (op.ids.empty()) {
    const auto root = fresh.root();
    std::copy_n(root.bytes.begin(), op.root.size(), op.root.begin());
  }
  count(op.content.size());
  events_.counters.literal_bytes += op.content.size();
  ++events_.counters.files_done;
  batch.ops.emplace_back(std::move(op));
}

}  // namespace syncline::sync
