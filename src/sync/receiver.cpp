// SPDX-License-Identifier: Apache-2.0
// The receiving role: handshake, telling what is here, applying, the agreement at the end.
#include "sync/receiver.hpp"

#include <algorithm>
#include <cerrno>
#include <set>
#include <thread>
#include <unordered_map>

#include "base/limits.hpp"
#include "chunk/chunker.hpp"
#include "sync/applier.hpp"
#include "sync/index.hpp"
#include "sync/owners.hpp"
#include "sync/plan.hpp"
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

bool has_drift_below(const DirNode& node) {
  return node.has_drift() ||
         std::ranges::any_of(node.children, [](const auto& child) { return has_drift_below(*child); });
}

class Receiver {
 public:
  Receiver(Replica& replica, wire::Channel& channel, const ReceiverOptions& options)
      : replica_(replica), channel_(channel), options_(options) {}
  ReceiverResult run();
  void salvage(const std::exception& cause);

 private:
  wire::Message next();
  void shake_hands();
  void open_area();
  void scan();
  wire::Roots take_roots();
  void tell_roots();
  void tell_partials();
  void tell_drift(DirNode& node, state::Reader& reader, bool whole);
  void tell_dir(DirNode& node, bool partial, const std::vector<const Entry*>& entries,
                const std::vector<const state::StoredEntry*>& gone);
  bool tells_drift() const { return (begin_.flags & wire::begin_drift) != 0; }
  wire::EntryInfo drift_info(const DirNode& node, const Entry& entry) const;
  void take_left(const wire::Left& left);
  void settle_drift(const wire::Finish& finish, const hash::Digest& root);
  void settle_drift(DirNode& node);
  bool is_left(const std::string& path);
  std::set<std::string> all_left() const;
  Likeness likeness(const wire::Finish& finish, const hash::Digest& root);
  bool agrees(const wire::Finish& finish, const hash::Digest& root);
  void answer(const wire::ListRequest& request);
  void answer(const wire::ManifestRequest& request);
  manifest::Manifest manifest_of(const std::string& path);
  void tell_manifest(const std::string& path, const manifest::Manifest& manifest);
  ReceiverResult serve();
  ReceiverResult finish(const wire::Finish& finish);
  void restore_root_time();
  void refresh_left_dirs();
  std::optional<fs::Stat> stat_of_dir(const DirNode& node);
  Applier& applier();

  Replica& replica_;
  wire::Channel& channel_;
  const ReceiverOptions& options_;
  wire::Begin begin_;
  IdentityRules rules_;
  std::string peer_;
  bool in_step_ = false;
  bool from_records_ = false;  ///< the sender plans from what it remembers of us
  bool is_unlike_ = false;
  /// What the sender says that it leaves of what drifted here, with its version there.
  std::unordered_map<std::string, std::uint64_t> left_;
  bool is_left_known_ = false;
  std::unique_ptr<patch::Area> area_;
  std::unique_ptr<Applier> applier_;
  std::uint64_t area_written_bytes_ = 0;
  std::atomic<std::uint64_t> read_bytes_ = 0;
};

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
  area_ = patch::Area::open(replica_.root_handle(), area, *replica_.world().random);
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

/// `gone`: not here any more although the record has it.
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
  if (!tells_drift())
    for (const auto* one : gone) make_room(one->name.size()), listing.gone.push_back(one->name);
  for (const auto& name : node.unknown) make_room(name.size()), listing.unknown.push_back(name);
  if (node.unreadable) make_room(1), listing.unknown.push_back(".");
  const auto tell = [&](wire::EntryInfo info) {
    make_room(info.name.size() + info.link_target.size());
    listing.entries.push_back(std::move(info));
  };
  auto absent = gone.begin();
  const auto tell_absent_before = [&](std::string_view name) {
    for (; tells_drift() && absent != gone.end() && (name.empty() || (*absent)->name < name); ++absent) {
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
manifest::Manifest Receiver::manifest_of(const std::string& text) {
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
      if (auto known = replica_.manifest_of(*content, stat.size_bytes)) return std::move(*known);
  }
  auto fresh = chunk::import_file(*file, stat.size_bytes, manifest::params_for_size(stat.size_bytes),
                                  replica_.key(), options_.threads);
  read_bytes_ += stat.size_bytes;
  std::lock_guard lock(replica_.mutex());
  if (Entry* entry = node->find(path.name())) replica_.record_content(*node, *entry, fresh, 0);
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
      tell_manifest(path, manifest_of(path));
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
    applier_ = std::make_unique<Applier>(replica_, channel_, options_, begin_, rules_, std::move(area_));
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

/// Only of what is here: what a sender says takes no more memory than the tree.
void Receiver::take_left(const wire::Left& left) {
  std::lock_guard lock(replica_.mutex());
  is_left_known_ = is_left_known_ || left.all;
  for (const auto& one : left.entries) {
    const auto path = RelPath::parse(one.path);
    const DirNode* parent = path.is_root() ? nullptr : replica_.tree().find_dir(path.parent());
    const auto is_here = [&] {
      return parent->find(path.name()) != nullptr ||
             std::ranges::any_of(parent->absent,
                                 [&](const auto& stored) { return stored.name == path.name(); });
    };
    if (path.is_root() || (parent != nullptr && is_here())) left_[one.path] = one.version;
  }
}

bool Receiver::is_left(const std::string& path) {
  return left_.contains(path) || (applier_ && applier_->is_apart(path));
}

std::set<std::string> Receiver::all_left() const {
  std::set<std::string> out;
  for (const auto& [path, version] : left_) out.insert(path);
  if (applier_) out.merge(applier_->apart());
  return out;
}

/// Of what is here beside what the sender has, but for what it leaves. Unknown where it leaves what it has as
/// well, or what it will not be told of again.
Likeness Receiver::likeness(const wire::Finish& finish, const hash::Digest& root) {
  if (root == finish.root) return Likeness::like;
  const auto is_there_too = [](const auto& left) { return left.second > no_version; };
  if (!is_left_known_ || is_left("") || std::ranges::any_of(left_, is_there_too)) return Likeness::unknown;
  const auto left = all_left();
  for (const auto& text : left) {
    const auto path = RelPath::parse(text);
    DirNode* node = replica_.tree().find_dir(path.parent());
    const Entry* entry = node != nullptr ? node->find(path.name()) : nullptr;
    if (entry == nullptr) continue;
    const DirNode* child = entry->drifted ? nullptr : node->child(path.name());
    if (!entry->drifted && (child == nullptr || !has_drift_below(*child))) return Likeness::unknown;
    replica_.load_details(*node);
  }
  return tree_root_without(replica_.tree(), rules_, left) == finish.root ? Likeness::like : Likeness::unlike;
}

/// What a sender concludes from its records and from digests, while its tree may change, is not proven by
/// anything else. Where the trees are not alike in the end a session agrees on nothing, and the next one compares
/// everything. If there is another reason why they differ, they do so after that as well: it is not asked for
/// again until they are alike once.
bool Receiver::agrees(const wire::Finish& finish, const hash::Digest& root) {
  if (!finish.agree || (applier_ && applier_->has_failures())) return false;
  if (in_step_ || !is_left_known_) return true;  // nobody tells what may differ
  const auto before = replica_.likeness(peer_);
  auto now = likeness(finish, root);
  const bool was_looked_into = before == Likeness::unlike || before == Likeness::accepted;
  if (was_looked_into && now != Likeness::like) now = Likeness::accepted;
  // What was left before, and nobody tells of now, cannot be told from a mistake.
  else if (before == Likeness::unknown && now == Likeness::unlike && from_records_) now = Likeness::unknown;
  is_unlike_ = now == Likeness::unlike;
  replica_.set_likeness(peer_, now);
  return !is_unlike_;
}

/// What is not left after a whole session is as the sender has it, whoever made it.
void Receiver::settle_drift(const wire::Finish& finish, const hash::Digest& root) {
  if (finish.root == root) left_.clear();
  else if (!is_left_known_ || left_.contains("")) return;
  settle_drift(*replica_.tree().root);
}

void Receiver::settle_drift(DirNode& node) {
  const auto note = [&](const std::string& name) {
    const auto found = left_.find(node.path_of(name));
    if (found == left_.end() || node.left_version(name) == found->second) return;
    node.set_left_version(name, found->second);
    node.dirty = true;
  };
  for (std::size_t i = 0; i < node.entries.size(); ++i) {
    Entry& entry = node.entries[i];
    const bool is_dir = entry.type == fs::FileType::directory;
    if (!is_dir && !entry.drifted) continue;
    const std::string name(node.name_of(entry));
    if (is_left(node.path_of(name))) {  // with all that is below it
      if (entry.drifted) note(name);
      continue;
    }
    if (entry.drifted) node.dirty = true;
    entry.drifted = false;
    if (DirNode* child = is_dir ? node.child(name) : nullptr; child != nullptr) settle_drift(*child);
  }
  const auto erased = std::erase_if(node.absent, [&](const auto& stored) {
    return node.find(stored.name) != nullptr || !is_left(node.path_of(stored.name));
  });
  if (erased != 0) node.dirty = true;
  for (const auto& stored : node.absent) note(stored.name);
  if (node.dirty) replica_.load_details(node);
}

/// Nothing where it is not what it was: that is the next scan's affair.
std::optional<fs::Stat> Receiver::stat_of_dir(const DirNode& node) {
  try {
    return replica_.open_dir(*node.parent)->stat_at(replica_.disk_name(*node.parent, node.name));
  } catch (const Error& error) {
    if (error.code().category() != std::generic_category()) throw;
    return std::nullopt;
  }
}

/// What was removed from a directory that stays moved its time, and nobody sets that of what is left.
void Receiver::refresh_left_dirs() {
  if (!applier_) return;
  const auto refresh = [&](DirNode& node) {
    if (!node.dirty || node.parent == nullptr) return;
    DirNode& parent = *node.parent;
    const Entry* entry = parent.find(node.name);
    const auto stat = stat_of_dir(node);
    if (entry == nullptr || !stat || stat->inode != entry->inode || stat->ctime_ns == entry->ctime_ns) return;
    replica_.load_details(parent);
    parent.put(node.name, *stat);
    parent.dirty = true;
  };
  std::lock_guard lock(replica_.mutex());
  for (const auto& path : all_left())
    if (DirNode* dir = replica_.tree().find_dir(RelPath::parse(path))) for_each_dir(*dir, refresh);
}

/// The area that came and went in the root moved its time, which is not ours where only some entries take
/// part.
void Receiver::restore_root_time() {
  if (replica_.tree().is_partial) return;
  if ((rules_.attributes & wire::attr_dir_times) == 0 || !(applier_ || area_)) return;
  try {
    replica_.root().set_mtime(replica_.tree().root_stat.mtime_ns);
  } catch (const Error& error) {
    if (!error.is_errno(EPERM)) throw;  // somebody else's directory: its time stays moved
  }
  replica_.tree().root_stat = replica_.root().stat();
}

ReceiverResult Receiver::finish(const wire::Finish& finish) {
  wire::Finished out;
  if (applier_) {
    applier_->drain();
    applier_->refresh_links();
    applier_->drop_partials();
    area_written_bytes_ = applier_->written_bytes();
  }
  const bool dry_run = (begin_.flags & wire::begin_dry_run) != 0;
  if (applier_) applier_->close_clean();
  else if (area_) area_->drop_partials(), area_->close_clean();
  if (!dry_run) restore_root_time();
  if (!dry_run && (finish.agree || applier_ || is_left_known_)) {
    refresh_left_dirs();
    replica_.settle_brought();
    if (finish.agree && !(applier_ && applier_->has_failures()))
      replica_.settle_deviations([&](const std::string& path) { return is_left(path); });
    const auto root = refreshed_root(replica_, rules_);
    out.agreed = agrees(finish, root);
    if (!is_unlike_) settle_drift(finish, root);
    if ((begin_.flags & wire::begin_index) != 0)
      index_contents(replica_, options_.threads, read_bytes_, [] {});
    out.root = refreshed_root(replica_, rules_);
    if (out.agreed) {
      state::Agreement agreement;
      agreement.own_root = out.root;
      agreement.peer_root = finish.root;
      agreement.options = begin_.options;
      agreement.at_ns = replica_.world().clock->now_ns();
      replica_.save_agreement(peer_, agreement);
    } else {
      replica_.forget_agreement(peer_);
    }
    // State is never more durable than the data: the applier's last commit came before.
    replica_.commit(options_.durability != patch::Durability::none);
  } else {
    out.root = tree_root(replica_.tree(), rules_);
    out.agreed = in_step_;
  }
  out.disk_written_bytes = area_written_bytes_ + replica_.database().written_bytes();
  out.content_read_bytes = read_bytes_;
  if (!finish.unanswered) {
    channel_.send(out);
    channel_.flush();
  }
  return {in_step_, is_unlike_, out.root, out.disk_written_bytes, out.content_read_bytes};
}

/// The other side went away, or the person stopped us: what has arrived whole is kept, and what has not
/// serves the next session.
void Receiver::salvage(const std::exception& cause) {
  const auto* known = dynamic_cast<const Error*>(&cause);
  const bool innocent = known != nullptr && (is_lost_link(*known) || known->is(Errc::cancelled));
  if (!innocent || !applier_) return;
  try {
    applier_->salvage();
    replica_.unsettle_brought();
    replica_.commit(options_.durability != patch::Durability::none);
  } catch (const Error&) {
    // It costs bytes in the next session. The cause of this one's end is what is told.
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

}  // namespace

ReceiverResult run_receiver(Replica& replica, wire::Channel& channel, const ReceiverOptions& options) {
  Receiver receiver(replica, channel, options);
  try {
    return receiver.run();
  } catch (const std::exception& error) {
    const auto cause = located(std::current_exception(), options.place, replica.root());
    tell_fatal(channel, cause);
    channel.close();
    receiver.salvage(error);
    std::rethrow_exception(cause);
  }
}

}  // namespace syncline::sync
