// SPDX-License-Identifier: Apache-2.0
// One side's directory together with what is remembered of it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>

#include "base/accounts.hpp"
#include "base/world.hpp"
#include "hash/digest.hpp"
#include "state/announcements.hpp"
#include "sync/identity.hpp"
#include "sync/manifest_cache.hpp"
#include "sync/selector.hpp"
#include "sync/tree.hpp"
#include "syncline/copy.hpp"
#include "watch/tree_watch.hpp"
#include "wire/messages.hpp"

namespace syncline::sync {

/// The outside world as the engine sees it; a test or a simulator replaces any part.
struct World {
  fs::Fs* files = &fs::linux_fs();
  Clock* clock = &system_clock();
  Random* random = &system_random();
  const Accounts* accounts = &system_accounts();
};

/// A directory that a replica's tree is read from.
struct Origin {
  std::string path;               ///< the directory, as typed
  std::string below;              ///< it is this directory below that one; no symlink leads there
  std::vector<std::string> only;  ///< not empty: these entries of it alone take part
  /// Of its one entry in the tree, when it differs there. Without `only`: the directory itself is an entry of
  /// the tree's root under this name.
  std::string shown_name;
  bool is_named() const { return only.empty() && !shown_name.empty(); }
  bool is_whole() const { return only.empty() && shown_name.empty(); }  ///< its contents are the root's
};

struct ReplicaOptions {
  /// One is a replica that can be read and written. Several, or a named one, make a composed one, which can
  /// only be read: of entries with the same path the directories are merged, and of others the first counts.
  std::vector<Origin> origins;
  std::string state_dir;  ///< where state databases live
  /// Nothing is written here but to the state: a session that finds another one at that works with a copy,
  /// and what it learns is forgotten.
  bool is_source = false;
  std::function<void(const std::string&)> notice;
  std::string state_owner = {};                       ///< not empty: who makes a state, and may make so many
  std::function<void(const std::string&)> note = {};  ///< for the log alone
  /// `keep`: throw Error(replaced) where what was there with something in it, as far as the state tells, is
  /// not what is there now.
  RootGuard root_guard = RootGuard::none;
  std::string root_guard_name = {};  ///< as in CopyOptions
};

struct ScanOptions {
  IdentityRules rules;
  const Selector* selector = nullptr;  ///< null: everything
  bool recursive = true;
  bool one_file_system = false;
  bool all_types = true;  ///< devices and special files
  bool links = true;
  unsigned threads = 2;
  bool verify_suspects = true;
  /// A name that exists but could not be examined or listed.
  std::function<void(const std::string& path, int error_number)> on_unknown;
  std::function<void(std::uint64_t entries)> on_progress;
  std::function<bool()> cancelled;
};

std::unique_ptr<fs::Dir> open_origin(const World& world, const Origin& origin);
/// Which directory it is, also after its file system was unmounted and mounted again.
wire::SourceId root_id(const fs::Dir& dir);

/// How the tree of a receiver is beside its sender's, but for what the sender leaves as it is.
enum class Likeness : std::uint8_t {
  unknown,
  like,
  unlike,    ///< with no reason known: both are compared once more
  accepted,  ///< and that had no other outcome
};

/// A root directory (or several as one), its state database and its tree in memory.
class Replica {
 public:
  Replica(const World& world, const ReplicaOptions& options);
  ~Replica();

  bool is_composed() const { return is_composed_; }
  bool is_source() const { return options_.is_source; }
  /// Of a replica that is not composed.
  fs::Dir& root() { return *root_; }
  std::shared_ptr<fs::Dir> root_handle() { return root_; }
  const std::vector<Origin>& origins() const { return options_.origins; }
  const World& world() const { return world_; }
  state::Database& database() { return *database_; }
  /// The state was found to be damaged since it was opened: what is going on is to be stopped.
  bool state_damaged() const { return database_ != nullptr && database_->damaged(); }
  /// Renames the damaged database aside and tells its name. The last call.
  void set_aside_state();
  const hash::QuickKey& key() const { return *key_; }
  const std::array<std::byte, 16>& id() const { return id_; }
  Tree& tree() { return tree_; }
  /// Guards the tree and the open state transaction while several threads work.
  std::mutex& mutex() { return mutex_; }

  /// Opens what this one's path leads to.
  watch::TreeWatch::OpenRoot root_opener() const;
  /// From now on scans after the first look only at what is told to have changed, as long as nothing else is
  /// to be seen in the tree than before. `watched`: of this tree, whose root_opener() it has; one for all.
  void follow(std::shared_ptr<watch::TreeWatch> watched) { watched_ = std::move(watched); }
  bool is_followed() const { return watched_ != nullptr; }
  const std::shared_ptr<watch::TreeWatch>& watched() const { return watched_; }  ///< null: it is not followed
  /// After a session that went well, until the next one: holds on to the tree and to kept_manifests(), but
  /// neither to the directory, which may be unmounted, nor to the right to write the state, which others may
  /// want to.
  void rest();
  /// After rest(): the state is there still.
  bool can_resume() const { return database_ != nullptr; }
  /// For the next session, with its options. False where the path leads to another directory by now, or
  /// somebody else has written to the state: then this one is of no more use. Throws Error(locked) while
  /// somebody else has the state for writing.
  bool resume(const ReplicaOptions& options);
  /// What ends with this one, unless it is taken back.
  void set_loan(std::shared_ptr<void> loan) { loan_ = std::move(loan); }
  std::shared_ptr<void> take_loan() { return std::move(loan_); }
  /// At rest: is anything that a session would see in the tree not as the last one left it? False where it is
  /// not followed, and as long as somebody else works with the state: what they do is told once they are
  /// done.
  bool has_drifted();
  static std::string state_path(const World& world, const ReplicaOptions& options);
  /// Which directory the path of such a replica, that is not composed, leads to now. Throws Error where it
  /// cannot be opened.
  static wire::SourceId root_id(const World& world, const ReplicaOptions& options);
  /// Before its directory is made, which is not there: throws Error(replaced) where the options guard one
  /// that was.
  static void check_missing(const World& world, const ReplicaOptions& options);
  const std::string& state_path() const { return database_path_; }

  /// It is written to by sessions: from now on each scan and each record tells what in it is not known to be
  /// the other side's. Takes part in the next commit().
  void track_drift();
  bool is_tracked() const { return is_tracked_; }
  /// Reads the tree from disk, joined with the records. Throws only when the root itself cannot be listed.
  void scan(const ScanOptions& options);
  /// Of a directory that could not be looked at as a whole: the next scan tries again (under mutex()).
  void note_unsettled(const std::string& dir) { unsettled_.insert(dir); }
  /// Fills in extras and contents of a directory whose record is current (under mutex()).
  void load_details(DirNode& node);
  /// Opens an entry's file, following no link; the entry may stand under another name on disk.
  std::unique_ptr<fs::File> open_read(const DirNode& node, const Entry& entry);
  /// The directory as `origin` has it.
  std::unique_ptr<fs::Dir> open_dir(const DirNode& node, std::uint16_t origin = 0);
  std::string disk_name(const DirNode& node, std::string_view name) const;
  std::vector<fs::XattrPair> xattrs_of(const DirNode& node, const Entry& entry);
  std::vector<fs::XattrPair> root_xattrs() { return open_dir(*tree_.root, tree_.root_origin)->xattrs(); }

  /// Stores a manifest in the open transaction and sets the entry's content (under mutex()).
  void record_content(DirNode& node, Entry& entry, const manifest::Manifest& manifest,
                      state::ManifestId replaces);
  /// Of one that is followed: holds on to what was recorded of the entry last, if it is long (under mutex()).
  void keep_manifest(const DirNode& node, const Entry& entry, manifest::Manifest&& manifest);
  ManifestCache& kept_manifests() { return manifests_; }
  /// The manifest of a known content; null when it is not stored (any more).
  SharedManifest manifest_of(const Content& content, std::uint64_t size_bytes);
  SharedManifest manifest_of(const state::StoredEntry& stored);
  void drop_manifest(state::ManifestId id);
  /// What is in files is equal on both sides, or comes to be so now: content that was found under an old size
  /// and mtime needs not be found again. Until then the records leave it to the next scan.
  void settle_deviations(const std::function<bool(const std::string& path)>& is_left = {});
  /// Counts that some have not heard of. Takes part in the next commit().
  void note_hidden();
  /// Whether `peer` has agreed since content of that kind was settled with another one: else nothing but what
  /// its entries tell of their content shows it.
  bool has_heard_of_hidden(const std::string& peer);
  void note_heard_of_hidden(const std::string& peer);  ///< takes part in the next commit()
  /// What came in a session that breaks off is not agreed upon: what the sender read it from may have changed
  /// since without showing it, and a sender that was killed remembers nothing.
  void unsettle_brought();
  /// A session that ends in order leaves that to what the sides agree upon.
  void settle_brought();
  /// To be told before it can be seen in the tree, so that it is known for ours if this session is killed.
  /// For the next sessions, until a commit(). Thread-safe.
  void announce(std::span<const state::Announced> entries);
  /// The same for entries as the tree has them, by their paths (thread-safe): nothing where that is not
  /// enough to know them again, or where they are others'.
  std::optional<state::Announced> description(const RelPath& path);
  /// Of all names of one file, whose content is known if it is of one of them.
  std::vector<state::Announced> descriptions_of_names(const fs::Stat& file);
  /// What sessions that came to no end have announced, for the scan.
  const state::AnnouncedEntries& announced() const { return announced_; }
  std::uint64_t announced_bytes() const { return announcements_ ? announcements_->written_bytes() : 0; }
  /// Writes the records of every directory that changed; they take part in the next commit().
  void write_records();
  /// Writes what is left to write, forgets directories that are gone, commits.
  void commit(bool durable);
  bool is_dirty() const;
  /// The last agreement with `peer` under these options, if the records still describe it.
  std::optional<state::Agreement> agreement(const std::string& peer, const hash::Digest& options);
  /// Takes part in the next commit().
  void save_agreement(const std::string& peer, const state::Agreement& agreement);
  void forget_agreement(const std::string& peer);
  /// How the trees were after the last session with `peer` that changed something. Setting takes part in
  /// the next commit().
  Likeness likeness(const std::string& peer);
  void set_likeness(const std::string& peer, Likeness likeness);
  /// Who answered under `label` last time, if that was ever committed; save_last_peer() takes part in the
  /// next commit.
  std::optional<wire::Hello> last_peer(const std::string& label);
  void save_last_peer(const std::string& label, const wire::Hello& peer);
  /// What owners are there, remembered likewise.
  OwnerMap owners_there(const std::string& peer);
  void save_owners_there(const std::string& peer, const OwnerMap& owners);
  /// Counts identities anew, under other rules for owners.
  void identify_anew(const IdentityRules& rules);

 private:
  /// What decides which entries a scan sees, and their digests.
  struct ScanShape {
    IdentityRules rules;
    std::string selection;
    bool recursive = true;
    bool one_file_system = false;
    bool all_types = true;
    bool links = true;
    bool verify_suspects = true;
    bool operator==(const ScanShape&) const = default;
  };
  template <class F>
  void for_each_brought(F&& visit);
  static ScanShape shape_of(const ScanOptions& options);
  bool scan_again(const ScanOptions& options);
  std::optional<state::Announced> described(DirNode& node, const Entry& entry);
  hash::Digest announcement_base();
  void read_announcements();
  void settle_announcements();
  void let_go();
  state::Writer& writer();
  state::Reader& content_reader();
  void make_room_for_state();
  void open_state();
  void close_state();
  void add_absent(state::DirRecord& record, DirNode& node) const;
  void write_record(DirNode& node);
  void load_identity();
  void reset_identity();
  Bytes root_identity() const;
  Bytes place_now() const;
  void check_place();
  void note_place();
  void remember_place();

  World world_;
  ReplicaOptions options_;
  std::shared_ptr<void> loan_;  ///< before the state, and so ended after it is closed
  std::string database_path_;
  Bytes place_;  ///< of what was opened
  std::optional<Bytes>
      known_place_;  ///< as the state has it: where the tree was when there was something in it
  bool is_composed_ = false;
  bool is_tracked_ = false;
  bool is_snapshot_ = false;
  std::shared_ptr<fs::Dir> root_;
  std::unique_ptr<state::Database> database_;
  std::unique_ptr<state::Reader> reader_;
  std::mutex content_mutex_;
  std::unique_ptr<state::Reader> content_reader_;
  std::unique_ptr<state::Writer> writer_;
  std::unique_ptr<state::Announcements> announcements_;  ///< of this session
  state::AnnouncedEntries announced_;                    ///< of those before it
  ManifestCache manifests_;  ///< of one that is followed
  std::optional<hash::QuickKey> key_;
  std::array<std::byte, 16> id_{};
  Tree tree_;
  IdentityRules rules_;
  std::shared_ptr<watch::TreeWatch> watched_;
  std::optional<ScanShape> scanned_;  ///< how the tree in memory was seen
  std::set<std::string> unsettled_;
  std::shared_ptr<Selector::RulesFiles> rules_files_;  ///< that the last scan found
  std::optional<Bytes> hidden_;   ///< of this session: how often content was settled that times hid
  hash::Digest rest_root_;        ///< of the tree as the last session left it
  bool has_drifted_ = false;      ///< since then
  std::mutex mutex_;
};

}  // namespace syncline::sync
