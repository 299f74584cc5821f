// SPDX-License-Identifier: Apache-2.0
// The planner's state: shared by comparison (plan.cpp), what is gone (plan_gone.cpp) and guards
// (plan_guards.cpp).
#pragma once

#include <deque>
#include <unordered_set>

#include "sync/plan.hpp"

namespace syncline::sync {

/// An entry of our record that is no longer under its name: moved or deleted.
struct Gone {
  DirNode* live_parent = nullptr;  ///< exactly one of the two parents is set
  Gone* gone_parent = nullptr;
  state::StoredEntry stored;
  bool moved = false;     ///< a rename of it was planned
  bool replaced = false;  ///< by an entry of another type: what it holds over there goes with it
};

/// In place of a record: what we remember to be in the directory is gone as well, entry by entry.
inline constexpr state::DirId gone_by_themselves = -1;

/// A file that is there and gets other content.
struct Rewrite {
  std::size_t file = 0;  ///< index into Plan::files
  ChangeEvent event;     ///< told once it is clear that no guard holds it
};

/// Where the other side keeps a directory's entries, in our terms.
struct RemoteRef {
  bool exists = false;
  state::DirId id = 0;  ///< from_records: the record that describes it
};

class Planner {
 public:
  Planner(Replica& replica, const RemoteDirs& remote, const PlanOptions& options)
      : replica_(replica), remote_(remote), options_(options), reader_(replica.database().reader()) {}

  Plan run(const wire::EntryInfo& remote_root);

 private:
  void find_leaders(const DirNode& node);
  void find_gone(DirNode& node);
  void add_gone(const state::StoredEntry& stored, DirNode* live, Gone* gone);
  const Gone* old_place(const DirNode& node) const;
  std::string contents_path(const DirNode& node) const;
  std::string remote_path(const DirNode& node) const;
  std::string remote_path(const Gone& gone) const;
  bool contents_are_replaced(const DirNode& node) const;
  bool is_replaced(const DirNode& node) const;
  bool is_replaced(const Gone& gone) const;

  RemoteDir remote_dir(const DirNode& node, const RemoteRef& ref, const std::string& path);
  void visit(DirNode& node, const RemoteRef& ref);
  bool tell_unknown(DirNode& node, const RemoteDir& remote);
  bool will_be_open(const wire::EntryInfo& local, const wire::EntryInfo& remote) const;
  void withhold(DirNode& node);
  void find_incomplete(DirNode& root);
  void both(DirNode& node, std::uint32_t index, const wire::EntryInfo& remote, const RemoteRef& ref);
  bool is_proven(const wire::EntryInfo& local, const wire::EntryInfo& remote) const;
  void both_regular(DirNode& node, std::uint32_t index, const wire::EntryInfo& local,
                    const wire::EntryInfo& remote, const RemoteRef& ref);
  void create(DirNode& node, std::uint32_t index, const wire::EntryInfo* replaced);
  bool try_rename(DirNode& node, std::uint32_t index);
  bool linked(DirNode& node, std::uint32_t index, const wire::EntryInfo* remote, bool changed);
  void relink(DirNode& node);
  void extra(const DirNode& node, const wire::EntryInfo& remote, const RemoteRef& ref);
  /// What removing an entry leaves: nothing, only what was kept or stays by itself, or also what must not go.
  enum class Rest { none, kept, blocked };
  /// What a removal is for: the directory above goes as well or stays, or something else takes the name.
  enum class Removal { plain, makes_way, inside_of_kept };
  Rest remove_tree(const std::string& path, const wire::EntryInfo& entry, state::DirId id,
                   std::vector<PlannedRemove>& out, Removal removal = Removal::plain);
  Rest remove_below(const std::string& path, const wire::EntryInfo& entry, state::DirId id,
                    std::vector<PlannedRemove>& out, Removal removal);
  bool is_closed_there(const std::string& path) const;
  bool may_go_whole(const std::string& path, const wire::EntryInfo& entry, state::DirId id);
  bool keeps() const { return options_.keep != DriftKeep::none; }
  void leave(const std::string& path, std::uint64_t version = 0) { plan_.left.push_back({path, version}); }
  bool has_changed(const wire::EntryInfo* local, const wire::EntryInfo& remote, const RemoteRef& ref);
  bool spare(const std::string& path, const wire::EntryInfo* local, const wire::EntryInfo& remote,
             const RemoteRef& ref);
  bool spare(DirNode& node, const Entry& entry, const wire::EntryInfo& remote, const RemoteRef& ref);
  bool make_way(const Entry& entry, const std::string& path, const wire::EntryInfo& remote,
                const RemoteRef& ref);
  void tell_drift(const std::string& path, bool is_removed);
  std::optional<state::DirRecord> record_of(state::DirId id);
  std::vector<std::pair<wire::EntryInfo, state::DirId>> remote_children(const std::string& path,
                                                                        state::DirId id, bool& unknown);
  void remove_gone();
  void leave_unvisited();
  bool is_tangled() const;
  bool gone_there_too(const std::string& path) const;
  wire::EntryInfo told_entry(const std::string& path, const wire::EntryInfo& recorded) const;
  void hold_removes();
  void limit_removes();
  void drop_removes(std::size_t first);
  static void note_held(HeldBack& held, ChangeEvent event);
  void tell_removes(const std::vector<PlannedRemove>& removes);
  bool is_guarded(const std::string& path, const Difference& difference, const wire::EntryInfo& local,
                  const wire::EntryInfo& remote) const;
  bool are_rewrites_too_many() const;
  void hold_rewrites();
  std::optional<state::StoredEntry> stored_entry(state::DirId id, const std::string& name);
  Base make_base(const DirNode& node, const wire::EntryInfo& remote, const RemoteRef& ref);
  void touch(DirNode& node) { touched_.insert({&node, true}); }
  ChangeEvent change_event(DirNode& node, const Entry& entry, char update, bool is_new,
                           const Difference& difference, bool edited) const;
  void emit(DirNode& node, const Entry& entry, char update, bool is_new, const Difference& difference,
            bool edited, const std::string& renamed_from = {}, const std::string& link = {});
  void keep_out(const Entry& entry, const std::string& path, const std::string& cause,
                const std::string& next);
  void pass_on(const Entry& entry, const std::string& path);
  void fail(const std::string& path, const std::string& cause, const std::string& next);

  Replica& replica_;
  const RemoteDirs& remote_;
  const PlanOptions& options_;
  std::unique_ptr<state::Reader> reader_;
  Plan plan_;
  std::deque<Gone> gone_;
  std::unordered_map<std::uint64_t, Gone*> gone_by_inode_;
  std::unordered_map<state::DirId, DirNode*> live_dirs_;
  std::unordered_set<const DirNode*> settled_;  ///< over there under their own paths, as far as is planned
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> leaders_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t>
      leader_groups_;  ///< remote link group of the leader
  std::unordered_map<const DirNode*, bool> touched_;
  std::vector<Rewrite> rewrites_;  ///< where they are guarded
  /// Inodes of entries whose place in the destination could not be looked at: their old place there stays.
  std::unordered_set<std::uint64_t> withheld_;
  std::unordered_set<const DirNode*> opened_;  ///< their new mode lets the receiver look into them
  std::unordered_set<std::string> visited_;  ///< of the directories that were told
  std::unordered_set<std::string> removed_;  ///< of what drifted
  bool is_tangled_ = false;                  ///< a directory is recorded inside itself
  bool incomplete_ = false;                  ///< a part of the source could not be read
  state::DirId cached_id_ = -1;
  std::optional<state::DirRecord> cached_record_;
};

}  // namespace syncline::sync
