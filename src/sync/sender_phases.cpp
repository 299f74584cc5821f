// SPDX-License-Identifier: Apache-2.0
// The phases of a transfer: structure, files, what must wait for them, and the replies meanwhile.
#include <algorithm>

#include "base/kept_thread.hpp"
#include "base/limits.hpp"
#include "sync/index.hpp"
#include "sync/sender_session.hpp"
#include "sync/session.hpp"

namespace syncline::sync {
namespace {

/// Operations on their way to the receiver, gathered into messages of moderate size.
class OpStream {
 public:
  explicit OpStream(wire::Channel& channel) : channel_(channel) {}
  void put(wire::Op op) {
    const auto op_bytes = wire::encoded_bytes(op);
    if (batch_.ops.size() == ops_max || bytes_ + op_bytes > limits::batch_bytes_max) flush();
    bytes_ += op_bytes;
    batch_.ops.push_back(std::move(op));
  }
  void flush() {
    if (!batch_.ops.empty()) channel_.send(batch_);
    batch_.ops.clear();
    bytes_ = 0;
  }

 private:
  static constexpr std::size_t ops_max = 2000;
  wire::Channel& channel_;
  wire::Batch batch_;
  std::size_t bytes_ = 0;
};

/// Below this many new bytes it does not pay to read all records for content that the other side may hold.
constexpr std::uint64_t dedupe_seed_bytes_min = 256 * 1024;
constexpr int defer_rounds_max = 4;

}  // namespace

template <class Condition>
void Sender::wait_for_reply(std::unique_lock<std::mutex>& lock, Condition&& has_come) {
  while (!has_come() && !error_ && !closed_) {
    replied_.wait_for(lock, std::chrono::milliseconds(200));
    if (events_.cancelled() && !error_) error_ = std::make_exception_ptr(Error(Errc::cancelled, "copy"));
  }
  if (error_) std::rethrow_exception(error_);
  if (!has_come()) throw Error(Errc::disconnected, "the destination");
}

void Sender::flush_and_wait() {
  std::uint64_t token = 0;
  {
    std::lock_guard lock(mutex_);
    token = ++flush_token_;
  }
  channel_.send(wire::Flush{token});
  channel_.flush();
  std::unique_lock lock(mutex_);
  wait_for_reply(lock, [&] { return acked_token_ >= token; });
}

/// The end of a transfer. Both sides have to say that nothing failed.
void Sender::finish_transfer() {
  const auto is_clean = [&] {
    return events_.counters.errors == 0 && failures_ == 0 && !plan_.delete_limit_reached &&
           plan_.held_removes == 0 && plan_.held_files.empty();
  };
  std::unique_lock lock(mutex_);
  const bool agree = is_clean();
  lock.unlock();
  if (agree) replica_.settle_deviations();
  own_root_ = refreshed_root(replica_, rules_);
  channel_.send(wire::Finish{agree, false, own_root_});
  channel_.flush();
  // What stands in them is true whatever the other side says now, and it is busy with its own.
  replica_.write_records();
  lock.lock();
  wait_for_reply(lock, [&] { return finished_.has_value(); });
  result_.in_step = finished_->agreed && is_clean();
  result_.is_unlike = agree && failures_ == 0 && !finished_->agreed;
}

void Sender::on_failure(const wire::Failure& failure, Transfer& transfer) {
  if (failure.retry) {
    transfer.on_retry(failure.path);
    return;
  }
  {
    std::lock_guard lock(mutex_);
    ++failures_;
    if (removes_.empty() && failed_removes_ == 0)
      for (const auto& remove : plan_.removes) removes_.insert(remove.path);
    failed_removes_ += removes_.erase(failure.path);
  }
  if (!options_.tells_failures) {
    events_.count_error(23);
    return;
  }
  events_.error(failure_event(failure, options_.place));
}

/// The receiving thread: hands every reply to where it belongs, never blocks on sending.
void Sender::receive_replies(Transfer& transfer) {
  try {
    while (auto message = channel_.receive_unhindered()) {
      if (auto* sums = std::get_if<wire::GapSums>(&*message)) transfer.on_gap_sums(std::move(*sums));
      else if (auto* wanted = std::get_if<wire::ChunkRequest>(&*message)) transfer.on_chunk_request(*wanted);
      else if (auto* reply = std::get_if<wire::ManifestReply>(&*message))
        transfer.on_manifest(std::move(*reply));
      else if (auto* failure = std::get_if<wire::Failure>(&*message)) on_failure(*failure, transfer);
      else if (auto* event = std::get_if<wire::Event>(&*message)) on_event(*event);
      else if (auto* kept = std::get_if<wire::Kept>(&*message)) on_kept(*kept);
      else if (auto* fatal = std::get_if<wire::Fatal>(&*message)) throw_fatal(*fatal);
      const auto type = wire::type_of(*message);
      if (type == wire::MessageType::listing || type == wire::MessageType::list_end)
        throw Error(Errc::protocol, std::string(wire::name_of(type)) + " that was not asked for");
      std::lock_guard lock(mutex_);
      if (auto* ack = std::get_if<wire::Ack>(&*message)) {
        if (ack->token > flush_token_) throw Error(Errc::protocol, "ack of what was not sent");
        acked_token_ = ack->token;
      }
      if (auto* finished = std::get_if<wire::Finished>(&*message)) finished_ = *finished;
      replied_.notify_all();
      if (finished_) return;
    }
    throw Error(Errc::disconnected, "the destination");
  } catch (...) {
    {
      std::lock_guard lock(mutex_);
      error_ = first_cause(error_, std::current_exception());
      closed_ = true;
      replied_.notify_all();
    }
    transfer.fail(std::current_exception());
    channel_.close();  // nobody hears them any more, and whoever sends must not wait for them
  }
}

void Sender::send_structure() {
  OpStream ops(channel_);
  for (const auto& one : plan_.structure) {
    if (const auto* rename = std::get_if<PlannedRename>(&one))
      ops.put(wire::Rename{rename->from, rename->to});
    else if (const auto* remove = std::get_if<PlannedRemove>(&one))
      ops.put(wire::Remove{remove->path, remove->directory, remove->keep});
    else {
      const Item& item = std::get<Item>(one);
      ops.put(wire::MakeDir{item.node->path_of(item.node->name_of(item.node->entries[item.entry]))});
    }
  }
  ops.flush();
}

void Sender::send_others(Transfer& transfer) {
  OpStream ops(channel_);
  for (const Item& item : plan_.others) {
    Entry& entry = item.node->entries[item.entry];
    const std::string path = item.node->path_of(item.node->name_of(entry));
    try {
      if (entry.type == fs::FileType::symlink) {
        ops.put(wire::MakeSymlink{path, item.node->extra_of(entry).link_target,
                                  transfer.meta_at(*item.node, entry)});
      } else {
        const Extra& extra = item.node->extra_of(entry);
        ops.put(wire::MakeNode{path, entry.type, extra.device_major, extra.device_minor,
                               transfer.meta_at(*item.node, entry)});
      }
    } catch (const Error& error) {
      events_.error(
          {path, "source", error.code().message(), "the others go on", error.is_errno(ENOENT) ? 24 : 23});
    }
  }
  ops.flush();
}

/// Files that are equal on both sides are places to copy from, and so is what a broken transfer left there.
void Sender::seed_dedupe(DedupeIndex& dedupe) {
  for (const auto& partial : std::exchange(partials_, {})) {
    const auto file = dedupe.add_file(wire::partial_path(partial.number));
    for (std::size_t i = 0; i < partial.lengths.size(); ++i)
      dedupe.add(partial.ids[i], partial.lengths[i], file, partial.offsets[i]);
  }
  dedupe.settle();
  std::uint64_t new_bytes = 0;
  std::unordered_map<const DirNode*, std::vector<std::uint32_t>> planned;
  for (const Item& item : plan_.files) {
    if (item.base < 0) new_bytes += item.node->entries[item.entry].size_bytes;
    planned[item.node].push_back(item.entry);
  }
  for (const Item& item : plan_.held_files) planned[item.node].push_back(item.entry);
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
  std::vector<Item> items = std::exchange(plan_.files, {});
  for (int round = 1; !items.empty(); ++round) {
    auto deferred = transfer.send(items, round < defer_rounds_max);
    flush_and_wait();
    transfer.dedupe().settle();
    items = transfer.settled();
    items.insert(items.end(), deferred.begin(), deferred.end());
  }
}

/// Further names of files: as what was read under the first one. Where that has become another file since the
/// scan, they are files by themselves, and sent as such.
void Sender::follow_leaders() {
  auto& tree = replica_.tree();
  const auto find = [&](const std::string& text) -> Item {
    const auto path = RelPath::parse(text);
    DirNode* node = tree.find_dir(path.parent());
    const Entry* entry = node != nullptr ? node->find(path.name()) : nullptr;
    if (entry == nullptr) return {};
    return {node, static_cast<std::uint32_t>(entry - node->entries.data()), -1};
  };
  std::lock_guard lock(replica_.mutex());
  std::erase_if(plan_.links, [&](const PlannedLink& link) {
    const Item name = find(link.path);
    const Item leader = find(link.existing);
    if (name.node == nullptr || leader.node == nullptr) return false;
    Entry& entry = name.node->entries[name.entry];
    const Entry& first = leader.node->entries[leader.entry];
    if (entry.inode != first.inode || entry.device != first.device) {
      plan_.files.push_back(name);
      return true;
    }
    if (entry.ctime_ns == first.ctime_ns) return false;
    set_stat(entry, stat_of(first, leader.node->extra_of(first)));
    if (const auto& digest = leader.node->extra_of(first).xattr_digest;
        digest != name.node->extra_of(entry).xattr_digest)
      name.node->make_extra(entry).xattr_digest = digest;
    // A manifest belongs to one record.
    const Content* content = leader.node->content_of(first);
    if (content != nullptr && content->manifest_id == 0) name.node->set_content(entry, *content);
    else entry.content = 0;
    name.node->dirty = true;
    return false;
  });
}

void Sender::send_tail(Transfer& transfer) {
  OpStream ops(channel_);
  for (const auto& link : plan_.links) ops.put(wire::MakeLink{link.path, link.existing});
  for (const auto& remove : plan_.removes) ops.put(wire::Remove{remove.path, remove.directory, remove.keep});
  for (const auto& path : plan_.closed) ops.put(wire::Remove{path, true, false});
  for (const Item& item : plan_.metas) {
    Entry& entry = item.node->entries[item.entry];
    const std::string path = item.node->path_of(item.node->name_of(entry));
    try {
      ops.put(wire::SetMeta{path, transfer.meta_at(*item.node, entry)});
    } catch (const Error& error) {
      events_.error(
          {path, "source", error.code().message(), "the others go on", error.is_errno(ENOENT) ? 24 : 23});
    }
  }
  ops.flush();
  for (const DirNode* node : plan_.dir_metas) {
    wire::SetMeta op;
    op.path = node->path().text();
    if (node->parent == nullptr) {
      Entry root;
      set_stat(root, replica_.tree().root_stat);
      op.meta = transfer.meta_of(*node, root, nullptr);
      op.meta.xattrs = selected_xattrs(replica_.root_xattrs(), rules_.attributes);
      replica_.tree().root_xattrs = xattr_digest(op.meta.xattrs, rules_.attributes);
    } else {
      Entry* entry = node->parent->find(node->name);
      if (entry == nullptr) continue;
      try {
        op.meta = transfer.meta_at(*node->parent, *entry);
      } catch (const Error& error) {
        events_.error({op.path, "source", error.code().message(), "the others go on",
                       error.is_errno(ENOENT) ? 24 : 23});
        continue;
      }
    }
    ops.put(std::move(op));
  }
  ops.flush();
}

void Sender::transfer() {
  SenderOptions options = options_;
  options.rules = rules_;
  Transfer transfer(replica_, channel_, events_, options, plan_, sum_key_);
  KeptThread receiving("replies", [&] { receive_replies(transfer); });
  try {
    send_structure();
    send_others(transfer);
    seed_dedupe(transfer.dedupe());
    send_files(transfer);
    follow_leaders();
    send_files(transfer);
    const auto late = transfer.late_changes();
    result_.files_changed += late.files;
    result_.bytes_changed += late.bytes;
    send_tail(transfer);
    if ((receiver_features_ & wire::open_finish_commits) == 0) flush_and_wait();
    if (options_.index)
      index_contents(replica_, options_.threads, events_.counters.read_bytes,
                     [&] { events_.check_cancelled(); });
    send_left();
    finish_transfer();
  } catch (const Error& error) {
    if (!error.is(Errc::disconnected)) channel_.close();  // else what they said last is still to come
    receiving.join();
    std::lock_guard lock(mutex_);
    std::rethrow_exception(first_cause(error_, std::current_exception()));
  } catch (...) {
    channel_.close();
    receiving.join();
    throw;
  }
  receiving.join();
  if (result_.in_step && options_.blocks != nullptr) transfer.remember_blocks();
}

}  // namespace syncline::sync
