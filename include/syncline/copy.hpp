// SPDX-License-Identifier: Apache-2.0
// Public API: bring a directory in step with another one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "syncline/export.hpp"

namespace syncline {

enum class Update { automatic, atomic, inplace };
enum class Durable { none, batch, file };
/// What becomes of an entry of the destination that somebody else changed there since the last copy, or that
/// is another one at the first. heal: the source's version takes its place. keep: it stays until the source's
/// version changes. report: it stays, and is told as an error.
enum class Drift { heal, keep, report };
/// Where heal keeps what was there: nowhere, in the same directory as stem.conflict-DEVICE-SEQ.ext, or below
/// .syncline/kept/ of the destination.
enum class DriftKeep { none, beside, area };

/// One rule in rsync's order: the first that matches decides.
struct FilterRule {
  bool include = false;
  std::string pattern;  ///< rsync's pattern language
};

/// From this minute of every week on, in local time; what the last one of a week says holds until the first
/// of the next.
struct RateSlot {
  std::uint16_t week_minute = 0;       ///< 0: Monday 00:00; at most 10,079
  std::uint64_t bytes_per_second = 0;  ///< 0: no limit
};

/// What copies did of which the next one is the continuation, by path.
struct RecentFiles {
  std::unordered_set<std::string> changed;  ///< got other content: each counts once
  std::uint64_t changed_more = 0;           ///< and so many whose names are not known
  std::unordered_set<std::string> created;  ///< what becomes of them does not count
};

/// Of directories that were in step before and are others now: unmounted, moved or made anew. Those in which
/// there was nothing are not remembered.
enum class RootGuard : std::uint8_t {
  none,  ///< whatever is there is taken, and nothing is remembered
  keep,  ///< nothing is done with others
  take,  ///< what is there now is to be remembered
};

struct CopyOptions {
  std::vector<std::string> sources;  ///< as typed; a trailing slash means the contents
  std::string destination;

  // Archive mode is the default; each attribute can be switched off.
  bool recursive = true;
  bool links = true;
  bool perms = true;
  bool times = true;
  bool group = true;
  bool owner = true;
  bool devices = true;  ///< devices and special files
  bool hard_links = true;
  bool acls = true;
  bool xattrs = true;
  bool sparse = true;
  bool numeric_ids = false;
  std::optional<std::string> chown;  ///< USER:GROUP as in rsync

  bool dry_run = false;
  bool update_only = false;      ///< -u: skip files that are newer in the destination
  bool checksum = false;         ///< -c: compare content, not size and mtime
  bool one_file_system = false;  ///< -x
  bool delete_extra = false;
  std::optional<std::uint64_t> max_delete;
  /// More deletions than 50 and than a fifth of what was there, or of all that was there, are held: none of
  /// them is made, everything else is.
  bool guard_deletes = false;
  std::uint64_t recent_deletes = 0;  ///< made by copies just before, of which this one is the continuation
  /// More than 50 files and than a fifth of all entries that are there already and would get other content
  /// are held in the same way. A file whose time of modification differs counts: what is in it is not known
  /// yet.
  bool guard_changes = false;
  std::shared_ptr<const RecentFiles> recent_files;  ///< of copies just before
  RootGuard root_guard = RootGuard::none;
  std::string root_guard_name;  ///< whose memory it is, of several that follow the same directories
  /// Paths below the source at which something was mounted (CopyReport::mounts of a copy before): all
  /// deletions are held where one is missing. With `one_file_system` or several sources it is not looked for.
  std::optional<std::vector<std::string>> mounts;
  std::vector<FilterRule> filters;
  bool synclineignore = true;  ///< leave out what .synclineignore files in the sources name
  bool gitignore = false;      ///< and what .gitignore files do, and .git
  std::optional<std::vector<std::string>> files_from;  ///< relative paths; nothing else is looked at
  std::optional<std::string> backup_dir;
  Drift drift = Drift::heal;
  DriftKeep drift_keep = DriftKeep::none;  ///< with backup_dir nothing is kept twice

  Update update = Update::automatic;
  Durable durability = Durable::batch;
  std::optional<int> compress_level;  ///< 0 off; absent: by the link
  std::vector<RateSlot> bwlimit;      ///< ascending by minute; a lone one holds always, none: no limit
  /// Default $XDG_STATE_HOME/syncline; keys and pins, which otherwise lie in $XDG_CONFIG_HOME/syncline, are
  /// there as well then.
  std::optional<std::string> state_dir;
  unsigned threads = 0;  ///< 0: as many as cores

  // Of copies from or to another machine.
  std::optional<std::string> server_key;  ///< fingerprint that the server must have; absent: the pinned one
  std::vector<std::string> remote_shell = {"ssh"};
  std::string remote_program = "syncline";  ///< as the remote shell finds it
  unsigned retries = 5;                     ///< after a connection that broke, without progress in between
};

/// A change that is made (or would be, in a dry run).
struct ChangeEvent {
  /// rsync's 11 characters; "*deleting  " for deletions, "*keeping   " for a version that was kept,
  /// "*drifted   " for one that others made and that stays.
  std::string itemized;
  std::string path;                    ///< relative, raw bytes; directories end in '/'
  std::string link_target;             ///< for symlinks and hard links
  std::string renamed_from;            ///< not empty: one rename, no content
  bool edited_in_destination = false;  ///< the destination's copy had been edited since the last run
  std::string kept_as = {};            ///< of "*keeping   ": where that version is now
};

struct ErrorEvent {
  std::string path;    ///< raw bytes, may be empty
  std::string side;    ///< "source" or "destination"
  std::string cause;   ///< one line
  std::string next;    ///< what happens next, or what to do
  int exit_code = 23;  ///< 23, or 24 for a source that vanished or kept changing
};

struct ProgressEvent {
  enum class Phase { scanning, transferring, finishing } phase = Phase::scanning;
  std::uint64_t files_scanned = 0;
  std::uint64_t files_done = 0;
  std::uint64_t files_total = 0;  ///< to be changed; 0 while scanning
  std::uint64_t bytes_done = 0;   ///< of real work: content read, compared or sent
  std::uint64_t bytes_total = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t matched_bytes = 0;
};

/// Changes of one kind that are kept back, as they would be told if they were made.
struct HeldBack {
  std::vector<ChangeEvent> first;  ///< 1,000 at most
  std::uint64_t more = 0;          ///< and so many beyond them
};

/// What the guards and max_delete keep back; of copies from another machine only where there is a guard.
struct HeldPlan {
  HeldBack deletions;
  HeldBack changes;
};

struct CopyReport {
  std::uint64_t sent_bytes = 0;      ///< source to destination, all that crossed the pipe
  std::uint64_t received_bytes = 0;  ///< the other way
  std::uint64_t files_total = 0;
  std::uint64_t files_changed = 0;
  std::uint64_t files_deleted = 0;
  std::uint64_t files_renamed = 0;
  std::uint64_t deletions_held = 0;  ///< by guard_deletes; exit_code is 41 then
  std::uint64_t changes_held = 0;    ///< by guard_changes; the same
  HeldPlan held;
  std::vector<std::string> mounts;  ///< paths in the source at which something is mounted, where asked for
  std::string missing_mount;        ///< of those that were to be there, the first that was not
  std::uint64_t bytes_total = 0;
  std::uint64_t bytes_changed = 0;  ///< size of the files that changed
  std::uint64_t bytes_matched = 0;
  std::uint64_t bytes_literal = 0;
  std::uint64_t disk_written_bytes = 0;
  std::uint64_t content_read_bytes = 0;  ///< content of files read on both sides; 0 when nothing changed
  std::uint64_t errors = 0;
  double seconds = 0;
  std::string root;      ///< hex digest of the destination's tree
  /// The source's tree has the same. Else entries stay there that are not the source's: what others changed
  /// and `drift` leaves, versions that were kept, and what the file systems cannot have in common.
  bool is_alike = false;
  bool in_step = false;  ///< proven by equal roots or by the agreement
  int exit_code = 0;
};

struct CopyObserver {
  std::function<void(const ChangeEvent&)> on_change;
  std::function<void(const ErrorEvent&)> on_error;
  std::function<void(const ProgressEvent&)> on_progress;  ///< at most ten times a second
  std::function<void(const std::string&)>
      on_notice;                    ///< recovery, a state set aside, a lock that is waited for
  std::function<bool()> cancelled;  ///< polled; true stops at the next safe point
};

/// Makes options.destination like options.sources. Returns a report also when single entries
/// failed (exit_code 23, 24, 25); throws std::system_error (a syncline error) when nothing could be done.
/// Blocks; callbacks come from its own threads, one at a time.
SYNCLINE_API CopyReport copy(const CopyOptions& options, const CopyObserver& observer);

}  // namespace syncline
