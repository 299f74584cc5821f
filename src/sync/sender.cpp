// SPDX-License-Identifier: Apache-2.0
// The sending role: handshake, comparison, the phases of a transfer, the agreement at the end.
#include "sync/sender.hpp"

#include <algorithm>
#include <condition_variable>

#include "sync/index.hpp"
#include "sync/session.hpp"
#include "sync/transfer.hpp"

namespace syncline::sync {
namespace {

constexpr std::size_t ops_per_batch = 2000;
constexpr std::size_t list_request_dirs = 4096;
/// Below this many new bytes it does not pay to read all records for content that the other side may hold.
constexpr std::uint64_t dedupe_seed_bytes_min = 256 * 1024;
constexpr int defer_rounds_max = 4;

class Sender {
 public:
  Sender(Replica& replica, wire::Channel& channel, Events& events, const SenderOptions& options)
      : replica_(replica), channel_(channel), events_(events), options_(options), rules_(options.rules) {}

  SenderResult run();

 private:
  void shake_hands();
  void scan();
  bool compare_roots();
  void fetch_listings();
  void request(const std::vector<std::string>& dirs, std::vector<std::string>& next);
  void collect_listing(std::vector<std::string>* next);
  void note_children(const wire::Listing& listing, std::vector<std::string>& next);
  void plan();
  void transfer();
  void send_structure();
  void send_others(Transfer& transfer);
  void send_files(Transfer& transfer);
  void send_tail(Transfer& transfer);
  void seed_dedupe(DedupeIndex& dedupe);
  void flush_and_wait();
  void receive_replies(Transfer& transfer);
  void on_failure(const wire::Failure& failure, Transfer& transfer);
  void finish(bool agree);
  wire::Message expect();

  Replica& replica_;
  wire::Channel& channel_;
  Events& events_;
  const SenderOptions& options_;
  IdentityRules rules_;
  SenderResult result_;
  std::string peer_;
  hash::Digest options_digest_;
  hash::Digest own_root_;
  wire::Roots remote_roots_;
  RemoteDirs remote_;
  bool from_records_ = false;
  Plan plan_;
  delta::SumKey sum_key_;

  std::mutex mutex_;
  std::condition_variable replied_;
  std::uint64_t flush_token_ = 0;
  std::uint64_t acked_token_ = 0;
  std::uint64_t failures_ = 0;
  std::optional<wire::Finished> finished_;
  std::exception_ptr error_;
  bool closed_ = false;
};

wire::Message Sender::expect() { return expect_message(channel_); }

void Sender::shake_hands() {
  wire::Hello hello;
  hello.replica_id = replica_.id();
  channel_.send(hello);
  channel_.flush();
  const auto reply = take<wire::Hello>(expect());
  check_hello(reply);
  peer_ = hash_hex(reply.replica_id);
  if ((reply.features & wire::feature_privileged) == 0)
    rules_.attributes &= ~(wire::attr_owner | wire::attr_group);
  if (options_.copy->checksum) rules_.attributes |= wire::attr_content;
  options_digest_ = digest_of_options(*options_.copy, options_.selector, rules_);
  wire::Begin begin;
  begin.attributes = rules_.attributes;
  begin.flags = (options_.copy->dry_run ? wire::begin_dry_run : 0u) |
                (options_.copy->checksum ? wire::begin_checksum : 0u) |
                (options_.index ? wire::begin_index : 0u) | (options_.copy->sparse ? wire::begin_sparse : 0u);
  begin.options = options_digest_;
  replica_.world().random->fill(std::as_writable_bytes(std::span(&sum_key_.value, 1)));
  begin.sum_key = sum_key_.value;
  begin.backup_dir = options_.copy->backup_dir.value_or("");
  channel_.send(begin);
  channel_.flush();
}

void Sender::scan() {
  ScanOptions scan;
  scan.rules = rules_;
  scan.selector = options_.selector;
  scan.recursive = options_.copy->recursive;
  scan.one_file_system = options_.copy->one_file_system;
  scan.all_types = options_.copy->devices;
  scan.links = options_.copy->links;
  scan.threads = options_.threads;
  scan.on_unknown = [&](const std::string& path, int error_number) {
    events_.error({path, "source", std::generic_category().message(error_number),
                   "left out; what the destination has there is kept", error_number == ENOENT ? 24 : 23});
  };
  scan.on_progress = [&](std::uint64_t entries) { events_.counters.files_scanned = entries; };
  scan.cancelled = [&] { return events_.cancelled(); };
  replica_.scan(scan);
  events_.counters.read_bytes += replica_.tree().content_read_bytes;
  if (options_.copy->checksum)
    verify_contents(replica_, rules_, options_.threads, events_.counters.read_bytes,
                    [&] { events_.check_cancelled(); });
  own_root_ = tree_root(replica_.tree(), rules_);
}

/// Tells our root, hears theirs. True when nothing is to be done.
bool Sender::compare_roots() {
  wire::Roots roots;
  roots.root = own_root_;
  const auto agreement = replica_.agreement(peer_, options_digest_);
  if (agreement) roots.agreed = wire::AgreedRoots{agreement->own_root, agreement->peer_root};
  channel_.send(roots);
  channel_.flush();
  remote_roots_ = take<wire::Roots>(expect());
  from_records_ = remote_roots_.agreed.has_value() && agreement.has_value();
  collect_listing(nullptr);
  return remote_roots_.in_step;
}

/// Takes listings until the end mark.
void Sender::collect_listing(std::vector<std::string>* next) {
  for (;;) {
    auto message = expect();
    if (std::holds_alternative<wire::ListEnd>(message)) return;
    auto listing = take<wire::Listing>(std::move(message));
    if (next != nullptr) note_children(listing, *next);
    RemoteDir& dir = remote_[listing.dir];
    dir.entries.insert(dir.entries.end(), std::make_move_iterator(listing.entries.begin()),
                       std::make_move_iterator(listing.entries.end()));
    dir.gone.insert(dir.gone.end(), listing.gone.begin(), listing.gone.end());
    dir.unknown.insert(dir.unknown.end(), listing.unknown.begin(), listing.unknown.end());
  }
}

/// Which subdirectories must be asked for: those that differ, and those only they have, if they may go.
void Sender::note_children(const wire::Listing& listing, std::vector<std::string>& next) {
  const DirNode* node = replica_.tree().find_dir(RelPath::parse(listing.dir));
  for (const auto& entry : listing.entries) {
    if (entry.type != fs::FileType::directory) continue;
    const std::string path = listing.dir.empty() ? entry.name : listing.dir + "/" + entry.name;
    const DirNode* child = node == nullptr ? nullptr : node->child(entry.name);
    const bool differs = child != nullptr && child->tree != entry.tree;
    const bool extra = child == nullptr && options_.copy->delete_extra &&
                       (options_.selector == nullptr || !options_.selector->excluded(path, true));
    if (differs || extra) next.push_back(path);
  }
}

/// Level by level from the root, only where digests differ.
void Sender::fetch_listings() {
  std::vector<std::string> level{""};
  while (!level.empty()) {
    std::vector<std::string> next;
    for (std::size_t at = 0; at < level.size(); at += list_request_dirs) {
      wire::ListRequest request;
      request.dirs.assign(
          level.begin() + static_cast<std::ptrdiff_t>(at),
          level.begin() + static_cast<std::ptrdiff_t>(std::min(at + list_request_dirs, level.size())));
      channel_.send(request);
      channel_.flush();
      collect_listing(&next);
    }
    level = std::move(next);
  }
}

void Sender::plan() {
  PlanOptions options;
  options.copy = options_.copy;
  options.selector = options_.selector;
  options.rules = rules_;
  options.from_records = from_records_;
  options.on_change = [&](const ChangeEvent& event) { events_.change(event); };
  options.on_error = [&](const ErrorEvent& event) { events_.error(event); };
  plan_ = make_plan(replica_, remote_, remote_roots_.root_entry, options);
  remote_.clear();
  result_.files_changed = plan_.files.size() + plan_.others.size() + plan_.links.size();
  result_.files_deleted = plan_.removes.size() + plan_.make_way_count;
  result_.files_renamed = plan_.rename_count;
  result_.bytes_changed = plan_.file_bytes;
  result_.delete_limit_reached = plan_.delete_limit_reached;
  events_.counters.files_total = plan_.files.size();
  events_.counters.bytes_total = plan_.file_bytes;
  events_.counters.transferring = true;
}

void Sender::flush_and_wait() {
  const std::uint64_t token = ++flush_token_;
  channel_.send(wire::Flush{token});
  channel_.flush();
  std::unique_lock lock(mutex_);
  while (acked_token_ < token && !error_ && !closed_) {
    replied_.wait_for(lock, std::chrono::milliseconds(200));
    if (events_.cancelled() && !error_) error_ = std::make_exception_ptr(Error(Errc::cancelled, "copy"));
  }
  if (error_) std::rethrow_exception(error_);
  if (acked_token_ < token) throw Error(Errc::cancelled, "the destination went away");
}

void Sender::on_failure(const wire::Failure& failure, Transfer& transfer) {
  if (failure.retry) {
    transfer.on_retry(failure.path);
    return;
  }
  {
    std::lock_guard lock(mutex_);
    ++failures_;
  }
  ErrorEvent event;
  event.path = failure.path;
  event.side = "destination";
  const auto code = failure.syncline_code
                        ? make_error_code(static_cast<Errc>(failure.code))
                        : std::error_code(static_cast<int>(failure.code), std::generic_category());
  event.cause = failure.message.empty() ? code.message() : failure.message;
  event.next = "the old version is kept; the next run tries again";
  events_.error(event);
}

/// The receiving thread: hands every reply to where it belongs, never blocks on sending.
void Sender::receive_replies(Transfer& transfer) {
  try {
    while (auto message = channel_.receive()) {
      if (auto* sums = std::get_if<wire::GapSums>(&*message)) transfer.on_gap_sums(std::move(*sums));
      else if (auto* wanted = std::get_if<wire::ChunkRequest>(&*message)) transfer.on_chunk_request(*wanted);
      else if (auto* reply = std::get_if<wire::ManifestReply>(&*message))
        transfer.on_manifest(std::move(*reply));
      else if (auto* failure = std::get_if<wire::Failure>(&*message)) on_failure(*failure, transfer);
      else if (auto* fatal = std::get_if<wire::Fatal>(&*message)) throw_fatal(*fatal);
      std::lock_guard lock(mutex_);
      if (auto* ack = std::get_if<wire::Ack>(&*message)) acked_token_ = ack->token;
      if (auto* finished = std::get_if<wire::Finished>(&*message)) finished_ = *finished;
      replied_.notify_all();
      if (finished_) return;
    }
    throw Error(Errc::cancelled, "the destination went away");
  } catch (...) {
    {
      std::lock_guard lock(mutex_);
      error_ = std::current_exception();
      closed_ = true;
      replied_.notify_all();
    }
    transfer.fail(std::current_exception());
  }
}

void Sender::send_structure() {
  wire::Batch batch;
  const auto put = [&](wire::Op op) {
    batch.ops.push_back(std::move(op));
    if (batch.ops.size() < ops_per_batch) return;
    channel_.send(batch);
    batch.ops.clear();
  };
  for (const auto& one : plan_.structure) {
    if (const auto* rename = std::get_if<PlannedRename>(&one)) put(wire::Rename{rename->from, rename->to});
    else if (const auto* remove = std::get_if<PlannedRemove>(&one))
      put(wire::Remove{remove->path, remove->directory});
    else {
      const Item& item = std::get<Item>(one);
      put(wire::MakeDir{item.node->path_of(item.node->name_of(item.node->entries[item.entry]))});
    }
  }
  if (!batch.ops.empty()) channel_.send(batch);
}

void Sender::send_others(Transfer& transfer) {
  wire::Batch batch;
  for (const Item& item : plan_.others) {
    const Entry& entry = item.node->entries[item.entry];
    const std::string path = item.node->path_of(item.node->name_of(entry));
    try {
      if (entry.type == fs::FileType::symlink) {
        batch.ops.emplace_back(wire::MakeSymlink{path, item.node->extra_of(entry).link_target,
                                                 transfer.meta_at(*item.node, entry)});
      } else {
        const Extra& extra = item.node->extra_of(entry);
        batch.ops.emplace_back(wire::MakeNode{path, entry.type, extra.device_major, extra.device_minor,
                                              transfer.meta_at(*item.node, entry)});
      }
    } catch (const Error& error) {
      events_.error(
          {path, "source", error.code().message(), "the others go on", error.is_errno(ENOENT) ? 24 : 23});
    }
    if (batch.ops.size() == ops_per_batch) {
      channel_.send(batch);
      batch.ops.clear();
    }
  }
  if (!batch.ops.empty()) channel_.send(batch);
}

/// Files that are equal on both sides are places to copy from.
void Sender::seed_dedupe(DedupeIndex& dedupe) {
  std::uint64_t new_bytes = 0;
  std::unordered_map<const DirNode*, std::vector<std::uint32_t>> planned;
  for (const Item& item : plan_.files) {
    if (item.base < 0) new_bytes += item.node->entries[item.entry].size_bytes;
    planned[item.node].push_back(item.entry);
  }
  if (new_bytes < dedupe_seed_bytes_min) return;
  const auto reader = replica_.database().reader();
  for_each_dir(*replica_.tree().root, [&](DirNode& node) {
    const auto record = reader->dir(node.id);
    if (!record) return;
    const auto skip = planned.find(&node);
    for (const auto& stored : record->entries) {
      if (!stored.content || stored.stat.size_bytes < DedupeIndex::bytes_min) continue;
      const Entry* entry = node.find(stored.name);
      if (entry == nullptr || entry->inode != stored.stat.inode || entry->mtime_ns != stored.stat.mtime_ns ||
          entry->size_bytes != stored.stat.size_bytes)
        continue;
      const auto index = static_cast<std::uint32_t>(entry - node.entries.data());
      if (skip != planned.end() && std::ranges::find(skip->second, index) != skip->second.end()) continue;
      const auto manifest = replica_.manifest_of(stored);
      if (!manifest) continue;
      const auto file = dedupe.add_file(node.path_of(stored.name));
      std::uint64_t offset = 0;
      for (const auto& chunk : manifest->chunks) {
        dedupe.add(chunk.id, chunk.length_bytes, file, offset);
        offset += chunk.total_bytes();
      }
    }
  });
  dedupe.settle();
}

void Sender::send_files(Transfer& transfer) {
  std::vector<Item> items = std::move(plan_.files);
  for (int round = 1; !items.empty(); ++round) {
    auto deferred = transfer.send(items, round < defer_rounds_max);
    flush_and_wait();
    transfer.dedupe().settle();
    items = transfer.settled();
    items.insert(items.end(), deferred.begin(), deferred.end());
  }
}

void Sender::send_tail(Transfer& transfer) {
  wire::Batch batch;
  const auto put = [&](wire::Op op) {
    batch.ops.push_back(std::move(op));
    if (batch.ops.size() < ops_per_batch) return;
    channel_.send(batch);
    batch.ops.clear();
  };
  for (const auto& link : plan_.links) put(wire::MakeLink{link.path, link.existing});
  for (const auto& remove : plan_.removes) put(wire::Remove{remove.path, remove.directory});
  for (const Item& item : plan_.metas) {
    const Entry& entry = item.node->entries[item.entry];
    const std::string path = item.node->path_of(item.node->name_of(entry));
    try {
      put(wire::SetMeta{path, transfer.meta_at(*item.node, entry)});
    } catch (const Error& error) {
      events_.error(
          {path, "source", error.code().message(), "the others go on", error.is_errno(ENOENT) ? 24 : 23});
    }
  }
  if (!batch.ops.empty()) channel_.send(batch);
  batch.ops.clear();
  for (const DirNode* node : plan_.dir_metas) {
    wire::SetMeta op;
    op.path = node->path().text();
    if (node->parent == nullptr) {
      Entry root;
      set_stat(root, replica_.tree().root_stat);
      op.meta = transfer.meta_of(*node, root, nullptr);
      op.meta.xattrs = selected_xattrs(replica_.root().xattrs(), rules_.attributes);
    } else {
      const Entry* entry = node->parent->find(node->name);
      if (entry == nullptr) continue;
      try {
        op.meta = transfer.meta_at(*node->parent, *entry);
      } catch (const Error& error) {
        events_.error({op.path, "source", error.code().message(), "the others go on",
                       error.is_errno(ENOENT) ? 24 : 23});
        continue;
      }
    }
    put(std::move(op));
  }
  if (!batch.ops.empty()) channel_.send(batch);
}

void Sender::transfer() {
  SenderOptions options = options_;
  options.rules = rules_;
  Transfer transfer(replica_, channel_, events_, options, plan_, sum_key_);
  std::thread receiving([&] { receive_replies(transfer); });
  try {
    send_structure();
    send_others(transfer);
    seed_dedupe(transfer.dedupe());
    send_files(transfer);
    send_tail(transfer);
    flush_and_wait();
    if (options_.index)
      index_contents(replica_, options_.threads, events_.counters.read_bytes,
                     [&] { events_.check_cancelled(); });
    {
      std::lock_guard lock(mutex_);
      if (events_.counters.errors == 0 && failures_ == 0 && !plan_.delete_limit_reached)
        result_.in_step = true;
    }
    channel_.send(wire::Finish{result_.in_step, refreshed_root(replica_, rules_)});
    channel_.flush();
    std::unique_lock lock(mutex_);
    replied_.wait(lock, [&] { return finished_ || error_; });
    if (error_) std::rethrow_exception(error_);
  } catch (...) {
    channel_.close();
    receiving.join();
    std::lock_guard lock(mutex_);
    if (error_) std::rethrow_exception(error_);  // the first cause, not that the channel was closed
    throw;
  }
  receiving.join();
}

void Sender::finish(bool agree) {
  if (!finished_) {
    channel_.send(wire::Finish{agree, refreshed_root(replica_, rules_)});
    channel_.flush();
    finished_ = take<wire::Finished>(expect());
  }
  result_.receiver_root = finished_->root;
  result_.receiver_written_bytes = finished_->disk_written_bytes;
  result_.receiver_read_bytes = finished_->content_read_bytes;
}

SenderResult Sender::run() {
  shake_hands();
  scan();
  if (compare_roots()) {
    result_.in_step = true;
    const bool first_meeting = !from_records_ || replica_.is_dirty();
    if (first_meeting && options_.index && !options_.copy->dry_run)
      index_contents(replica_, options_.threads, events_.counters.read_bytes,
                     [&] { events_.check_cancelled(); });
    finish(first_meeting && !options_.copy->dry_run);
    if (!first_meeting || options_.copy->dry_run) return result_;
  } else {
    if (!from_records_) fetch_listings();
    plan();
    if (options_.copy->dry_run) {
      result_.in_step = plan_.empty();
      finish(false);
      return result_;
    }
    transfer();
    finish(false);
  }
  for (const auto id : plan_.dropped_manifests) replica_.drop_manifest(id);
  if (result_.in_step && finished_->agreed) {
    state::Agreement agreement;
    agreement.own_root = refreshed_root(replica_, rules_);
    agreement.peer_root = finished_->root;
    agreement.options = options_digest_;
    agreement.at_ns = replica_.world().clock->now_ns();
    replica_.save_agreement(peer_, agreement);
  } else {
    replica_.forget_agreement(peer_);
  }
  replica_.commit(false);
  return result_;
}

}  // namespace

SenderResult run_sender(Replica& replica, wire::Channel& channel, Events& events,
                        const SenderOptions& options) {
  return Sender(replica, channel, events, options).run();
}

}  // namespace syncline::sync
