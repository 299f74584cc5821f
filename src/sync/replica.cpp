// SPDX-License-Identifier: Apache-2.0
// Opening a replica, its details on demand, and writing its records.
#include "sync/replica.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/limits.hpp"
#include "state/shelf.hpp"
#include "sync/places.hpp"

namespace syncline::sync {
namespace {

/// Also of what is not there (any more), as far as it is.
std::string real_path(const World& world, const Origin& origin) {
  std::string there = without_slashes(origin.path), missing;
  while (!world.files->stat_path(there, true) && parent_name(there) != there) {
    missing = '/' + base_name(there) + missing;
    there = parent_name(there);
  }
  const auto path = without_slashes(world.files->real_path(there)) + missing;
  return origin.below.empty() ? path : path + '/' + origin.below;
}

bool is_composed(const ReplicaOptions& options) {
  return options.origins.size() != 1 || options.origins.front().is_named();
}

std::string database_path(const World& world, const ReplicaOptions& options) {
  std::string identity;
  if (is_composed(options)) {
    Bytes coded;
    ByteWriter out(coded);
    for (const auto& origin : options.origins) {
      out.text(real_path(world, origin));
      out.text(origin.shown_name);
      out.varint(origin.only.size());
      for (const auto& name : origin.only) out.text(name);
    }
    identity = '\0' + std::string(as_text(coded));
  } else {
    identity = real_path(world, options.origins.front());
    for (const auto& name : options.origins.front().only) identity += '\0' + name;
  }
  return options.state_dir + "/replicas/" + hash::blake3(as_bytes(identity)).hex().substr(0, 32) + ".db";
}

/// Of each watch that follows the directory from here; what clients of a server guard they have in common.
std::string place_key(const ReplicaOptions& options) {
  return options.root_guard_name.empty() ? "place" : "place " + options.root_guard_name;
}

void tell_set_aside(const ReplicaOptions& options, const std::string& name) {
  if (!options.notice) return;
  options.notice("the state of '" + escape_name(options.origins.front().path) +
                 "' was damaged; set aside as '" + escape_name(name) + "' and started anew");
}

}  // namespace

std::unique_ptr<fs::Dir> open_origin(const World& world, const Origin& origin) {
  auto out = world.files->open_root(origin.path);
  return origin.below.empty() ? std::move(out) : out->open_beneath(RelPath::parse(origin.below));
}

wire::SourceId root_id(const fs::Dir& dir) {
  Bytes coded;
  ByteWriter out(coded);
  out.u64(dir.file_system_id());
  out.u64(dir.stat().inode);
  wire::SourceId id;
  std::ranges::copy(coded, id.begin());
  return id;
}

Replica::Replica(const World& world, const ReplicaOptions& options) : world_(world), options_(options) {
  for (auto& origin : options_.origins) {
    std::ranges::sort(origin.only);
    // std::ranges::unique of g++ 12's library is nothing that clang 14 reads.
    origin.only.erase(std::unique(origin.only.begin(), origin.only.end()), origin.only.end());
  }
  is_composed_ = sync::is_composed(options_);
  if (!is_composed_) root_ = open_origin(world_, options_.origins.front());
  world_.files->make_dirs(options_.state_dir + "/replicas", 0700);
  database_path_ = database_path(world_, options_);
  make_room_for_state();
  open_state();
  try {
    check_place();
    load_identity();
  } catch (const Error&) {
    if (!state_damaged()) throw;
    set_aside_state();
    open_state();
    load_identity();
  }
}

Replica::~Replica() = default;

std::string Replica::state_path(const World& world, const ReplicaOptions& options) {
  return database_path(world, options);
}

watch::TreeWatch::OpenRoot Replica::root_opener() const {
  return [world = world_, origin = options_.origins.front()] { return open_origin(world, origin); };
}

wire::SourceId Replica::root_id(const World& world, const ReplicaOptions& options) {
  return sync::root_id(*open_origin(world, options.origins.front()));
}

void Replica::rest() {
  rest_root_ = tree_root(tree_, rules_);
  has_drifted_ = false;
  let_go();
}

void Replica::let_go() {
  writer_.reset();
  announcements_.reset();
  try {
    if (database_ && !database_->rest()) close_state();
  } catch (const Error&) {
    close_state();  // the next session opens it anew, and tells
  }
  root_.reset();
  options_.notice = options_.note = nullptr;  // they are the session's
}

bool Replica::resume(const ReplicaOptions& options) {
  options_.notice = options.notice;
  options_.note = options.note;
  if (!database_ || !database_->resume()) return false;
  if (is_composed_) return true;
  root_ = open_origin(world_, options_.origins.front());
  const auto stat = root_->stat();
  return stat.device == tree_.root_stat.device && stat.inode == tree_.root_stat.inode;
}

/// Which directories these are. One that cannot be opened has none, and the scan will tell.
Bytes Replica::root_identity() const {
  Bytes out;
  ByteWriter writer(out);
  for (const auto& origin : options_.origins) {
    std::optional<fs::Stat> stat;
    if (root_) stat = root_->stat();
    else if (origin.below.empty()) stat = world_.files->stat_path(origin.path, true);
    else stat = open_origin(world_, origin)->stat();
    writer.u64(stat ? stat->device : 0);
    writer.u64(stat ? stat->inode : 0);
  }
  return out;
}

/// The same, so that a file system is known again that was mounted elsewhere meanwhile.
Bytes Replica::place_now() const {
  Bytes out;
  for (const auto& origin : options_.origins) {
    const auto id = sync::root_id(root_ ? *root_ : *open_origin(world_, origin));
    out.insert(out.end(), id.begin(), id.end());
  }
  return out;
}

/// Before anything is made of it: what is there may be the empty directory that a file system is mounted
/// over.
void Replica::check_place() {
  known_place_ = database_->value(place_key(options_));
  if (options_.root_guard == RootGuard::none) return;
  place_ = place_now();
  if (options_.root_guard == RootGuard::take) return remember_place();
  if (known_place_ && *known_place_ != place_)
    throw Error(Errc::replaced, "'" + escape_name(options_.origins.front().path) + "'");
}

void Replica::remember_place() {
  writer().put_value(place_key(options_), *(known_place_ = place_));
  writer().commit(false);
  writer_.reset();
}

void Replica::check_missing(const World& world, const ReplicaOptions& options) {
  const auto path = sync::database_path(world, options);
  if (options.root_guard != RootGuard::keep || !world.files->stat_path(path, true)) return;
  if (state::Database::open(path, true)->value(place_key(options)))
    throw Error(Errc::replaced, "'" + escape_name(options.origins.front().path) + "'");
}

/// Of a state that does not know it yet, and the directory that it is of.
void Replica::note_place() {
  if (options_.root_guard == RootGuard::keep && !known_place_ && !database_->reader()->dirs().empty())
    remember_place();
}

void Replica::make_room_for_state() {
  if (options_.state_owner.empty()) return;
  const auto slash = database_path_.rfind('/');
  const state::ShelfOwner owner{options_.state_owner, limits::states_per_client_max};
  const auto removed = state::make_room(*world_.files, database_path_.substr(0, slash),
                                        database_path_.substr(slash + 1), owner, world_.clock->now_ns());
  if (removed.empty() || !options_.note) return;
  options_.note(
      "this client has the states of " + std::to_string(limits::states_per_client_max) +
      " places in this share: dropped that of the one it used least recently, which is compared as at "
      "first contact next time");
}

void Replica::open_state() {
  is_snapshot_ = false;
  try {
    database_ = state::Database::open(database_path_, false);
  } catch (const Error& error) {
    if (!options_.is_source || !error.is(Errc::locked)) throw;
    database_ = state::Database::open_snapshot(database_path_);
    is_snapshot_ = true;
  }
  if (const auto& name = database_->set_aside()) tell_set_aside(options_, *name);
}

void Replica::close_state() {
  reader_.reset();
  content_reader_.reset();
  writer_.reset();
  announcements_.reset();
  database_.reset();
}

void Replica::set_aside_state() {
  close_state();
  tell_set_aside(options_, state::Database::set_aside_damaged(database_path_));
}

void Replica::load_identity() {
  const auto secret = database_->value("key");
  const auto id = database_->value("id");
  const auto root = database_->value("root");
  const bool usable =
      secret && secret->size() == hash::QuickKey::size_bytes && id && id->size() == id_.size();
  if (!usable || !root || *root != root_identity()) {
    reset_identity();
    return;
  }
  std::array<std::byte, hash::QuickKey::size_bytes> bytes;
  std::ranges::copy(*secret, bytes.begin());
  key_.emplace(bytes);
  std::ranges::copy(*id, id_.begin());
  note_place();
  is_tracked_ = database_->value("tracked").has_value();
}

void Replica::track_drift() { is_tracked_ = true; }

/// A new replica, or another directory than last time under the same path (a restored backup, an
/// unmounted disk): its records say nothing about this one, and no agreement may be based on them.
void Replica::reset_identity() {
  std::array<std::byte, hash::QuickKey::size_bytes> bytes;
  world_.random->fill(bytes);
  world_.random->fill(id_);
  key_.emplace(bytes);
  const auto stale = database_->reader()->dirs();
  state::Writer& out = writer();
  for (const auto dir : stale) out.erase_dir(dir);
  out.put_value("key", bytes);
  out.put_value("id", id_);
  out.put_value("root", root_identity());
  out.commit(false);
  writer_.reset();
}

state::Writer& Replica::writer() {
  if (!writer_) writer_ = database_->writer();
  return *writer_;
}

/// One for all: to open one costs as much as to read a hundred manifests.
state::Reader& Replica::content_reader() {
  std::lock_guard lock(content_mutex_);
  if (!content_reader_) content_reader_ = database_->reader();
  return *content_reader_;
}

void Replica::load_details(DirNode& node) {
  if (node.detailed) return;
  node.detailed = true;
  if (!reader_) reader_ = database_->reader();
  const auto record = reader_->dir(node.id);
  if (!record) return;
  for (const auto& stored : record->entries) {
    Entry* entry = node.find(stored.name);
    if (entry == nullptr || entry->inode != stored.stat.inode || entry->ctime_ns != stored.stat.ctime_ns)
      continue;
    if (stored.xattr_digest != hash::Digest{} || !stored.link_target.empty()) {
      Extra& extra = node.make_extra(*entry);
      extra.xattr_digest = stored.xattr_digest;
      extra.link_target = stored.link_target;
    }
    if (!stored.content) continue;
    Content content;
    content.single = stored.only_chunk.has_value() || entry->size_bytes == 0;
    content.id = stored.only_chunk ? stored.only_chunk->id : *stored.content;
    if (stored.only_chunk) content.quick = stored.only_chunk->quick;
    content.manifest_id = stored.manifest_id;
    node.set_content(*entry, content);
  }
}

std::string Replica::disk_name(const DirNode& node, std::string_view name) const {
  const Origin& first = options_.origins.front();
  const bool is_renamed = node.parent == nullptr && first.only.size() == 1 && !first.shown_name.empty();
  return is_renamed ? first.only.front() : std::string(name);
}

std::unique_ptr<fs::Dir> Replica::open_dir(const DirNode& node, std::uint16_t origin) {
  if (!is_composed_) return root_->open_beneath(node.path());
  // Opened anew each time: there may be more origins than a process may have open files.
  const Origin& place = options_.origins[origin];
  auto out = open_origin(world_, place);
  if (node.parent == nullptr) return out;
  const std::string path = node.path().text();
  if (!place.is_named()) return out->open_beneath(RelPath::parse(path));
  return path == place.shown_name
             ? std::move(out)
             : out->open_beneath(RelPath::parse(path.substr(place.shown_name.size() + 1)));
}

std::unique_ptr<fs::File> Replica::open_read(const DirNode& node, const Entry& entry) {
  const auto name = disk_name(node, node.name_of(entry));
  if (!is_composed_ && node.parent == nullptr) return root_->open_read(name);
  return open_dir(node, entry.origin)->open_read(name);
}

std::vector<fs::XattrPair> Replica::xattrs_of(const DirNode& node, const Entry& entry) {
  const auto dir = open_dir(node, entry.origin);
  if (node.parent == nullptr && options_.origins[entry.origin].is_named()) return dir->xattrs();
  return dir->xattrs_at(disk_name(node, node.name_of(entry)));
}

/// A source has no say about what it lacks, which would only puzzle its next session.
void Replica::add_absent(state::DirRecord& record, DirNode& node) const {
  if (options_.is_source) node.absent.clear();
  std::erase_if(node.absent, [&](const auto& stored) { return node.find(stored.name) != nullptr; });
  for (auto& stored : node.absent) {
    stored.drift = state::StoredDrift{true, node.left_version(stored.name)};
    stored.manifest_id = 0;
    record.entries.push_back(stored);
  }
  if (!node.absent.empty()) std::ranges::sort(record.entries, {}, &state::StoredEntry::name);
}

void Replica::write_record(DirNode& node) {
  load_details(node);
  Bytes scratch;
  state::DirRecord record;
  node.shallow = shallow_digest(node, rules_);
  node.fingerprint = fingerprint(node, rules_, *key_, scratch);
  record.summary = {node.fingerprint, node.shallow};
  record.entries.reserve(node.entries.size());
  bool deviates = false;
  for (Entry& entry : node.entries) {
    const Extra& extra = node.extra_of(entry);
    entry.edited = false;
    state::StoredEntry stored;
    stored.name = node.name_of(entry);
    stored.stat = stat_of(entry, extra);
    stored.xattr_digest = extra.xattr_digest;
    stored.link_target = extra.link_target;
    if (const Content* content = node.content_of(entry)) {
      stored.content = content_root(*content, entry.size_bytes);
      stored.manifest_id = content->manifest_id;
      if (content->single && entry.size_bytes != 0)
        stored.only_chunk =
            manifest::Chunk{content->id, content->quick, static_cast<std::uint32_t>(entry.size_bytes), 1};
    }
    if (is_tracked_ && entry.drifted)
      stored.drift = state::StoredDrift{false, node.left_version(stored.name)};
    // Seen, and not brought over or put right yet: the next scan is to see it again, which it would not under
    // its own times.
    if (extra.deviating_content) stored.stat.ctime_ns = unsettled(entry.ctime_ns), deviates = true;
    record.entries.push_back(std::move(stored));
  }
  if (is_tracked_) add_absent(record, node);
  // Under another fingerprint than its own: what drifted is looked at again by every scan.
  if (deviates || (is_tracked_ && node.has_drift())) record.summary.fingerprint = {};
  writer().put_dir(node.id, record);
  node.dirty = false;
  node.recorded = true;
}

void Replica::write_records() {
  for_each_dir(*tree_.root, [&](DirNode& node) {
    if (node.dirty || !node.recorded) write_record(node);
  });
}

void Replica::commit(bool durable) {
  write_records();
  if (tree_.has_gone_back) note_hidden();
  std::unordered_set<state::DirId> alive;
  for_each_dir(*tree_.root, [&](DirNode& node) { alive.insert(node.id); });
  reader_.reset();
  for (const auto id : database_->reader()->dirs())
    if (!alive.contains(id)) writer().erase_dir(id);
  compute_tree_digests(*tree_.root);
  writer().put_value("records", tree_root(tree_, rules_).bytes);
  if (is_tracked_ && !database_->value("tracked")) writer().put_value("tracked", Bytes(1));
  if (options_.root_guard == RootGuard::keep && !known_place_ && !tree_.root->entries.empty())
    writer().put_value(place_key(options_), *(known_place_ = place_));
  writer().commit(durable);
  writer_.reset();
  settle_announcements();
}

bool Replica::is_dirty() const {
  bool dirty = false;
  for_each_dir(*tree_.root, [&](DirNode& node) { dirty = dirty || node.dirty || !node.recorded; });
  return dirty;
}

void Replica::identify_anew(const IdentityRules& rules) {
  rules_ = rules;
  for_each_dir(*tree_.root, [&](DirNode& node) {
    load_details(node);
    node.shallow = shallow_digest(node, rules_);
    node.recorded = false;  // under the old rules
  });
  compute_tree_digests(*tree_.root);
}

}  // namespace syncline::sync
