// SPDX-License-Identifier: Apache-2.0
// The receiving role: handshake, telling what is here, applying.
#include "sync/receiver.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "chunk/chunker.hpp"
#include "sync/index.hpp"
#include "sync/owners.hpp"
#include "sync/receiver_session.hpp"
#include "sync/session.hpp"

namespace syncline::sync {
namespace {

/// Of one message; a large directory comes in several.
constexpr std::size_t listing_items_max = 4000;
constexpr std::size_t listing_bytes_max = limits::mib;
constexpr std::size_t reply_chunks_max = 256 * limits::kib;  ///< of one manifest reply: 20 bytes each

/// It is there, or may be: known of it is nothing.
bool is_unknown(const DirNode& node, std::string_view name) {
  return node.unreadable || std::ranges::find(node.unknown, name) != node.unknown.end();
}

}  // namespace

Receiver::Receiver(Replica& replica, wire::Channel& channel, const ReceiverOptions& options)
    : replica_(replica), channel_(channel), options_(options), root_(replica.root_handle()) {
  const auto uid = replica_.world().files->effective_uid();
  if (uid == 0) return;
  lent_ = std::make_shared<fs::LentAccess>(uid);
  root_ = lent_->lending(std::move(root_));
}

wire::Message Receiver::next() {
  for (;;) {
    auto message = expect_message(channel_);
    const auto* event = std::get_if<wire::Event>(&message);
    if (event == nullptr) return message;
    if (options_.on_event) options_.on_event(*event);
  }
}

void Receiver::shake_hands() {
  wire::Hello hello;
  hello.replica_id = replica_.id();
  if (replica_.world().files->effective_uid() == 0) hello.features |= wire::feature_privileged;
  channel_.send(hello);
  channel_.flush();
  const auto theirs = take<wire::Hello>(next());
  check_hello(theirs);
  peer_ = hash_hex(theirs.replica_id);
  begin_ = take<wire::Begin>(next());
  if (begin_.guess && *begin_.guess != hello) {
    auto message = next();
    if (std::holds_alternative<wire::Owners>(message)) message = next();
    take<wire::Roots>(std::move(message));
    begin_ = take<wire::Begin>(next());
  }
  rules_.attributes = begin_.attributes;
}

void Receiver::open_area() {
  patch::AreaOptions area;
  area.update = options_.update;
  area.durability = options_.durability;
  area_ = patch::Area::open(root_, area, *replica_.world().random);
  const auto& recovery = area_->recovery();
  if (!options_.notice) return;
  if (recovery.redone_count + recovery.discarded_count != 0)
    options_.notice("an interrupted run was recovered: " + std::to_string(recovery.redone_count) +
                    " changes completed, " + std::to_string(recovery.discarded_count) + " dropped");
  for (std::size_t i = 0; i < recovery.foreign_paths.size(); ++i)
    options_.notice("'" + escape_name(recovery.foreign_paths[i]) +
                    "' was changed by someone else during an interrupted run; " +
                    "its new version is kept as '" + escape_name(recovery.kept_as[i]) + "'");
}

void Receiver::scan() {
  ScanOptions scan;
  scan.rules = rules_;
  scan.threads = options_.threads;
  scan.one_file_system = options_.one_file_system;
  scan.cancelled = options_.cancelled;
  replica_.track_drift();
  replica_.scan(scan);
  read_bytes_ += replica_.tree().content_read_bytes;
  if ((begin_.flags & wire::begin_checksum) != 0)
    verify_contents(replica_, rules_, options_.threads, read_bytes_, [] {});
}

/// The sender's roots count once they count on the users and groups that are here.
wire::Roots Receiver::take_roots() {
  const bool privileged = replica_.world().files->effective_uid() == 0;
  for (int round = 0;; ++round) {
    auto message = next();
    const auto* owners = std::get_if<wire::Owners>(&message);
    if (owners == nullptr) return take<wire::Roots>(std::move(message));
    const auto ids = ids_of(*owners, *replica_.world().accounts, privileged);
    const bool expected = as_expected(*owners, ids);
    auto roots = take<wire::Roots>(next());
    if (expected) return roots;
    if (round == limits::owner_rounds_max)
      throw Error(Errc::protocol, "owners that are not ours, after " +
                                      std::to_string(limits::owner_rounds_max) + " answers to the sender");
    channel_.send(ids);
    channel_.flush();
    const auto attributes = begin_.attributes;
    begin_ = take<wire::Begin>(next());
    if (begin_.attributes != attributes) throw Error(Errc::protocol, "other attributes than at first");
  }
}

void Receiver::tell_roots() {
  const auto theirs = take_roots();
  wire::Roots mine;
  mine.root = tree_root(replica_.tree(), rules_);
  Entry root;
  set_stat(root, replica_.tree().root_stat);
  DirNode shell;
  mine.root_entry = entry_info(shell, root, rules_);
  mine.root_entry.xattr_digest = replica_.tree().root_xattrs;
  const auto agreement = replica_.agreement(peer_, begin_.options);
  const bool agreed = agreement && theirs.agreed && theirs.agreed->sender == agreement->peer_root &&
                      theirs.agreed->receiver == agreement->own_root;
  mine.in_step = mine.root == theirs.root ||
                 (agreed && theirs.root == agreement->peer_root && mine.root == agreement->own_root);
  if (agreed) mine.agreed = theirs.agreed;
  from_records_ = agreed;
  in_step_ = mine.in_step;
  channel_.send(mine);
  if (!mine.in_step) tell_partials();
  if (agreed && !mine.in_step) {
    const auto reader = replica_.database().reader();
    tell_drift(*replica_.tree().root, *reader, false);
  }
  channel_.send(wire::ListEnd{});
  channel_.flush();
}

/// What a broken transfer has brought already: chunks are found anew in it, so that nothing need be believed.
void Receiver::tell_partials() {
  if (!area_) return;
  for (const auto number : area_->partials()) {
    const auto file = area_->open_partial(number);
    const auto size = file->stat().size_bytes;
    const auto found =
        chunk::import_file(*file, size, manifest::params_for_size(size), replica_.key(), options_.threads);
    read_bytes_ += size;
    wire::Partials partials;
    partials.number = number;
    std::uint64_t offset = 0;
    for (const auto& chunk : found.chunks) {
      if (chunk.repeat_count == 1) {
        partials.lengths.push_back(chunk.length_bytes);
        partials.offsets.push_back(offset);
        partials.ids.push_back(chunk.id);
      }
      offset += chunk.total_bytes();
      if (partials.lengths.size() < reply_chunks_max) continue;
      channel_.send(partials);
      partials.lengths.clear(), partials.offsets.clear(), partials.ids.clear();
    }
    if (!partials.lengths.empty()) channel_.send(partials);
  }
}

/// What is not as our last commit left it. `whole`: this directory is new here, all of it is told.
void Receiver::tell_drift(DirNode& node, state::Reader& reader, bool whole) {
  std::optional<state::DirRecord> record;
  const bool is_looked_at = whole || !node.recorded || node.has_drift();
  if (!whole && is_looked_at) record = reader.dir(node.id);
  const auto stored_of = [&](std::string_view name) { return record ? record->find(name) : nullptr; };
  if (is_looked_at) {
    std::vector<const Entry*> entries;
    std::vector<const state::StoredEntry*> gone;
    for (const Entry& entry : node.entries) {
      const auto* stored = stored_of(node.name_of(entry));
      if (stored == nullptr || stored->stat != stat_of(entry, node.extra_of(entry)) || entry.edited ||
          (tells_drift() && entry.drifted))
        entries.push_back(&entry);
    }
    if (record)
      for (const auto& stored : record->entries)
        if (node.find(stored.name) == nullptr && !is_unknown(node, stored.name)) gone.push_back(&stored);
    replica_.load_details(node);
    tell_dir(node, !whole, entries, gone);
  }
  for (const auto& child : node.children) {
    const auto* stored = stored_of(child->name);
    const bool known = node.recorded || (stored != nullptr &&
                                         dir_id(stored->stat, replica_.tree().root_stat.device) == child->id);
    tell_drift(*child, reader, whole || !known);
  }
}

wire::EntryInfo Receiver::drift_info(const DirNode& node, const Entry& entry) const {
  auto out = entry_info(node, entry, rules_);
  out.drifted = tells_drift() && entry.drifted;
  if (out.drifted) out.left_version = node.left_version(out.name);
  return out;
}

/// `gone`: not here any more although the record has it. What others removed is told with what was there.
void Receiver::tell_dir(DirNode& node, bool partial, const std::vector<const Entry*>& entries,
                        const std::vector<const state::StoredEntry*>& gone) {
  wire::Listing listing;
  listing.dir = node.path().text();
  listing.partial = partial;
  std::size_t count = 0;
  std::size_t bytes = 0;
  const auto make_room = [&](std::size_t item_bytes) {
    bytes += item_bytes;
    if (++count <= listing_items_max && bytes <= listing_bytes_max) return;
    channel_.send(listing);
    listing.entries.clear();
    listing.gone.clear();
    listing.unknown.clear();
    count = 1;
    bytes = item_bytes;
  };
  const auto is_told_gone = [&](const state::StoredEntry* one) {
    return !tells_drift() ||
           !std::ranges::binary_search(node.absent, one->name, {}, &state::StoredEntry::name);
  };
  for (const auto* one : gone)
    if (is_told_gone(one)) make_room(one->name.size()), listing.gone.push_back(one->name);
  for (const auto& name : node.unknown) make_room(name.size()), listing.unknown.push_back(name);
  if (node.unreadable) make_room(1), listing.unknown.push_back(".");
  const auto tell = [&](wire::EntryInfo info) {
    make_room(info.name.size() + info.link_target.size());
    listing.entries.push_back(std::move(info));
  };
  auto absent = gone.begin();
  const auto tell_absent_before = [&](std::string_view name) {
    for (; absent != gone.end() && (name.empty() || (*absent)->name < name); ++absent) {
      if (is_told_gone(*absent)) continue;
      auto info = stored_info(**absent, rules_);
      info.drifted = info.absent = true;
      info.left_version = node.left_version(info.name);
      tell(std::move(info));
    }
  };
  for (const Entry* entry : entries) {
    tell_absent_before(node.name_of(*entry));
    tell(drift_info(node, *entry));
  }
  tell_absent_before("");
  channel_.send(listing);
}

void Receiver::answer(const wire::ListRequest& request) {
  from_records_ = false;
  for (const auto& dir : request.dirs) {
    DirNode* node = replica_.tree().find_dir(path_of_peer(dir));
    if (node == nullptr) continue;
    replica_.load_details(*node);
    std::vector<const Entry*> entries;
    for (const Entry& entry : node->entries) entries.push_back(&entry);
    std::vector<const state::StoredEntry*> gone;
    for (const auto& stored : node->absent) gone.push_back(&stored);
    tell_dir(*node, false, entries, gone);
  }
  channel_.send(wire::ListEnd{});
  channel_.flush();
}

/// The manifest of a regular file here, from the records or by reading it. Throws where there is none.
SharedManifest Receiver::manifest_of(const std::string& text) {
  const auto path = path_of_peer(text);
  std::unique_ptr<fs::File> file;
  DirNode* node = nullptr;
  {
    std::lock_guard lock(replica_.mutex());
    node = replica_.tree().find_dir(path.parent());
    if (node == nullptr) throw Error(Errc::foreign, text);
    const Entry* entry = node->find(path.name());
    if (entry == nullptr) throw Error(Errc::foreign, text);
    file = replica_.open_read(*node, *entry);
  }
  const fs::Stat stat = file->stat();
  {
    std::lock_guard lock(replica_.mutex());
    replica_.load_details(*node);
    Entry* entry = node->find(path.name());
    if (entry == nullptr || entry->inode != stat.inode || entry->ctime_ns != stat.ctime_ns)
      throw Error(Errc::foreign, text);
    if (const Content* content = node->content_of(*entry))
      if (auto known = replica_.manifest_of(*content, stat.size_bytes)) return known;
  }
  auto fresh = std::make_shared<const manifest::Manifest>(chunk::import_file(
      *file, stat.size_bytes, manifest::params_for_size(stat.size_bytes), replica_.key(), options_.threads));
  read_bytes_ += stat.size_bytes;
  std::lock_guard lock(replica_.mutex());
  if (Entry* entry = node->find(path.name())) replica_.record_content(*node, *entry, *fresh, 0);
  return fresh;
}

void Receiver::tell_manifest(const std::string& path, const manifest::Manifest& manifest) {
  wire::ManifestReply reply;
  reply.path = path;
  reply.size_bytes = manifest.size_bytes;
  reply.content = manifest.root().prefix();
  reply.params = manifest.params;
  for (const auto& chunk : manifest.chunks) {
    if (reply.lengths.size() == reply_chunks_max) {
      reply.more = true;
      channel_.send(reply);
      reply.more = false;
      reply.lengths.clear(), reply.repeats.clear(), reply.ids.clear();
    }
    reply.lengths.push_back(chunk.length_bytes);
    reply.repeats.push_back(chunk.repeat_count);
    reply.ids.push_back(chunk.id);
  }
  channel_.send(reply);
}

void Receiver::answer(const wire::ManifestRequest& request) {
  for (const auto& path : request.paths) {
    try {
      tell_manifest(path, *manifest_of(path));
    } catch (const Error& error) {
      if (replica_.state_damaged() || ends_session(error)) throw;
      wire::ManifestReply nothing;  // the sender then sends the whole file
      nothing.path = path;
      channel_.send(nothing);
    }
  }
  channel_.flush();
}

Applier& Receiver::applier() {
  if (!applier_) {
    if ((begin_.flags & wire::begin_dry_run) != 0) throw Error(Errc::protocol, "operation in a dry run");
    if (!area_) open_area();
    applier_ =
        std::make_unique<Applier>(replica_, root_, channel_, options_, begin_, rules_, std::move(area_));
  }
  return *applier_;
}

ReceiverResult Receiver::serve() {
  for (;;) {
    if (options_.cancelled && options_.cancelled()) throw Error(Errc::cancelled, "copy");
    auto message = next();
    if (const auto* list = std::get_if<wire::ListRequest>(&message)) answer(*list);
    else if (const auto* manifests = std::get_if<wire::ManifestRequest>(&message)) answer(*manifests);
    else if (auto* batch = std::get_if<wire::Batch>(&message)) applier().apply(std::move(*batch));
    else if (const auto* left = std::get_if<wire::Left>(&message)) take_left(*left);
    else if (const auto* flush = std::get_if<wire::Flush>(&message)) applier().flush(flush->token);
    else if (const auto* end = std::get_if<wire::Finish>(&message)) return finish(*end);
    else applier().on_file(std::move(message));
  }
}

ReceiverResult Receiver::run() {
  shake_hands();
  // What an interrupted run left is put in order before anything is looked at.
  const bool dry_run = (begin_.flags & wire::begin_dry_run) != 0;
  if (!dry_run && replica_.root().stat_at(area_name)) open_area();
  scan();
  tell_roots();
  return serve();
}

ReceiverResult run_receiver(Replica& replica, wire::Channel& channel, const ReceiverOptions& options) {
  Receiver receiver(replica, channel, options);
  try {
    return receiver.run();
  } catch (const std::exception& error) {
    const auto cause = located(std::current_exception(), options.place, replica.root());
    const auto* known = dynamic_cast<const Error*>(&error);
    if (known == nullptr || !known->is(Errc::disconnected)) {  // else what they said last is still to be read
      tell_fatal(channel, cause);
      channel.close();
    }
    receiver.salvage(error);
    std::rethrow_exception(cause);
  }
}

}  // namespace syncline::sync
