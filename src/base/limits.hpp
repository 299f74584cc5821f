// SPDX-License-Identifier: Apache-2.0
// Every bound of the program, by name. A test reaches each one and passes it by one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace syncline::limits {

inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;

// Paths. Linux allows 255 bytes a name; 4,096 components of one letter would still fit in a frame.
inline constexpr std::size_t name_bytes_max = 255;
inline constexpr std::size_t path_bytes_max = 16 * kib;
inline constexpr std::size_t path_depth_max = 1024;
inline constexpr std::size_t sources_max = 64 * kib;  // of one run: each entry notes its source in 16 bits
inline constexpr std::size_t link_target_bytes_max = 4095;  // PATH_MAX without its NUL

// One file of patterns in the tree: .synclineignore, .gitignore. A hundred times what anybody writes by hand.
inline constexpr std::size_t ignore_file_bytes_max = 1 * mib;
inline constexpr std::size_t ignore_patterns_max = 16 * kib;

// Extended attributes of one entry, names and values together (XATTR_LIST_MAX, XATTR_SIZE_MAX).
inline constexpr std::size_t xattr_bytes_max = 256 * kib;
inline constexpr std::size_t xattr_count_max = 1024;

// Wire.
inline constexpr std::size_t frame_bytes_max = 9 * mib;    // one message: a whole gap side and its header
inline constexpr std::size_t list_count_max = 1024 * kib;  // numbers and ids of one list in a message
inline constexpr std::size_t list_items_max = 64 * kib;    // paths, entries, operations, steps of one
inline constexpr std::size_t batch_bytes_max = 1 * mib;    // a batch before compression
inline constexpr std::size_t pipe_bytes_max = 8 * mib;     // queued in one direction
inline constexpr std::size_t owners_max = 4096;            // users, and groups, whose names a session tells
inline constexpr int owner_rounds_max = 2;                 // times that a receiver finds other ones
inline constexpr std::size_t rate_slots_max = 1024;        // of a bandwidth timetable, over a week

// What one side of a session keeps of what the other one says. The gap window is counted in bytes of the old
// file, each gap as one of the least size at least.
inline constexpr std::size_t gap_window_bytes_max = 64 * mib;    // of gaps that are not answered
inline constexpr std::size_t gap_window_bytes_min = 1 * kib;     // of one gap
inline constexpr std::size_t open_files_max = 4096;              // begun and not ended
inline constexpr std::size_t open_chunks_max = 32 * 1024 * kib;  // that they can have, unless it is one alone
inline constexpr std::size_t listed_bytes_max = 512 * mib;       // of names that only the receiver has
inline constexpr std::size_t manifest_chunks_max = 16 * 1024 * kib;  // of the receiver's files, at a time
inline constexpr std::size_t chunk_requests_max = 1024 * kib;        // that are not answered yet

// Content. A chunk fits into one message.
inline constexpr std::size_t chunk_bytes_max = 2 * mib;
static_assert(chunk_bytes_max < frame_bytes_max);
inline constexpr std::size_t read_buffer_bytes = 512 * kib;
inline constexpr int read_attempts_max = 3;  // of a file that changes while it is read

// Second level: one side of a gap, its blocks (powers of two) and the width of their sums.
inline constexpr std::size_t gap_side_bytes_max = 8 * mib;
inline constexpr std::size_t block_bytes_min = 16;
inline constexpr std::size_t block_bytes_max = 8 * kib;
inline constexpr unsigned sum_bits_min = 8;
inline constexpr unsigned sum_bits_max = 32;
inline constexpr std::size_t block_chain_max = 16;  // equal sums that the search looks at in one place

// Names under which changed versions are kept beside what replaced them: stem.conflict-DEVICE-SEQ.ext
inline constexpr std::size_t device_label_bytes_max = 32;
inline constexpr unsigned conflict_seq_max = 10'000;  // of one name in one directory
// Entries that a sender leaves as they are, told apart from those that are equal; past it none is.
inline constexpr std::size_t left_entries_max = 64 * kib;

// What a broken transfer leaves for the next one: at least so many bytes of a file, of so many files.
inline constexpr std::size_t partial_bytes_min = 1 * mib;
inline constexpr std::size_t partial_count_max = 64;

// Sessions that read one replica beside the one that writes its state, each with a copy of that state.
inline constexpr int state_snapshots_max = 64;

// What a session announces before it can be seen (60 to 70 bytes for a file): with more, what comes then and
// is not recorded counts as made by others, if the session is killed.
inline constexpr std::size_t announced_bytes_max = 64 * mib;

// Receiving: one durable batch.
inline constexpr std::size_t commit_files_max = 1000;
/// Without a barrier to share nothing is gained by waiting, and a small directory is quicker to rename from.
inline constexpr std::size_t commit_files_unsynced_max = 64;
inline constexpr std::size_t commit_bytes_max = 64 * mib;
inline constexpr std::size_t apply_queue_bytes_min = 2 * mib;  // of messages in memory; who sends waits
inline constexpr std::size_t gathered_bytes_max = 4 * mib;     // of many files, for larger writes
inline constexpr std::size_t commit_held_bytes_max =
    64 * mib;  // of manifests and names that are not visible yet

// Trust: files of keys, pins, grants and pairing codes (docs/format/trust.md).
inline constexpr std::size_t trust_file_bytes_max = 1 * mib;
inline constexpr std::size_t host_bytes_max = 253;  // RFC 1035 as it is written: without the root's dot
inline constexpr std::size_t share_name_bytes_max = 64;
inline constexpr std::size_t grant_name_bytes_max = 128;
inline constexpr std::size_t pairing_codes_max = 16;  // open at the same time; each costs a guess 50 ms
inline constexpr int pairing_attempts_max = 3;
inline constexpr std::int64_t pairing_lifetime_s_default = 10 * 60;
inline constexpr std::int64_t pairing_lifetime_s_max = 24 * 60 * 60;
inline constexpr std::int64_t pairing_expired_kept_s = 60 * 60;  // to tell "too late" from "wrong"
inline constexpr int dir_lock_attempts_max = 1000;               // 10 ms apart

// Network. The largest frame is the largest message, what was gathered before it, and their heads.
inline constexpr std::size_t link_frame_bytes_max = frame_bytes_max + 256 * kib;  // after the length field
inline constexpr std::size_t link_queue_bytes_max = 2 * mib;                      // each way of a connection
inline constexpr std::size_t link_output_bytes_max = 128 * kib;  // encrypted and not yet taken by the kernel
inline constexpr std::size_t peer_certificate_bytes_max = 16 * kib;
inline constexpr std::uint64_t key_records_max = 1 << 20;  // sent under one TLS key: AES-GCM allows 2^24
inline constexpr std::uint64_t key_updates_free = 16;  // TLS key updates that a peer may send at any time,
inline constexpr std::size_t key_update_bytes = 16 * mib;      // and one more for so much content
inline constexpr std::size_t handshakes_max = 256;             // begun by clients that are not known yet
inline constexpr std::size_t handshakes_per_address_max = 64;  // a whole office comes from one
inline constexpr std::chrono::milliseconds handshake_limit{10'000};     // resolving, TCP and TLS together
inline constexpr std::chrono::milliseconds keepalive_interval{15'000};  // after so long a silence of ours
inline constexpr std::chrono::milliseconds silence_limit{60'000};       // of theirs
inline constexpr std::chrono::milliseconds stall_limit{60'000};         // of a write without progress
inline constexpr std::chrono::milliseconds close_limit{10'000};         // for what was queued before close()
inline constexpr std::chrono::milliseconds farewell_limit{
    1'000};  // of that, for the other side to say that it is done too
inline constexpr std::chrono::milliseconds accept_pause{100};  // when the system has no descriptor left

// What a state remembers of others, and how many states one client of a server can have made in a share.
inline constexpr std::size_t peers_max = 4096;
inline constexpr std::size_t states_per_client_max = 256;

// Clients of a server.
inline constexpr std::size_t unknown_frame_bytes_max = 64 * kib;          // until it is known who it is
inline constexpr std::chrono::milliseconds unknown_client_limit{10'000};  // to pair, once connected
inline constexpr std::chrono::milliseconds stuck_session_limit{120'000};  // without a byte while others wait

// Sums of the blocks of files, which a sender that goes on from round to round keeps in memory: of how many
// blocks of one file (larger ones have larger blocks), of files of what size (in smaller ones a chunk is soon
// sent, larger ones take too long to read), and of all together.
inline constexpr std::uint64_t file_blocks_max = 1024 * kib;
inline constexpr std::uint64_t blocks_file_bytes_min = 256 * kib;
inline constexpr std::uint64_t blocks_file_bytes_max = 4096 * mib;
inline constexpr std::size_t block_sums_bytes_max = 16 * mib;

// Of a file that is patched in place: whoever opens it meanwhile waits so long for that to end, before it is made anew
// instead. Less than the shortest lease-break-time (1 s), after which the kernel lets them in.
inline constexpr std::chrono::milliseconds lease_hold{700};
// And of one that is so large that writing it anew takes longer: how often it is tried whether nobody has it
// open just then.
inline constexpr std::uint64_t lease_retry_file_bytes_min = 16 * mib;
inline constexpr int lease_attempts_max = 10;
inline constexpr std::chrono::milliseconds lease_pause{2};

// Deletions that a guard lets pass: so many, or so large a part of the entries that were there.
inline constexpr std::size_t guarded_deletions_free = 50;
inline constexpr std::size_t guarded_deletions_percent = 20;
// Files that already are there and get other content: the same.
inline constexpr std::size_t guarded_changes_free = 50;
inline constexpr std::size_t guarded_changes_percent = 20;
inline constexpr std::size_t guarded_created_max =
    100'000;  // new files of the last minute, which do not count
/// As a count of what was made before: whatever is to come is too much.
inline constexpr std::uint64_t guarded_until_approved = std::uint64_t{1} << 40;
inline constexpr std::chrono::milliseconds guarded_span{60'000};  // in which they count together
// Of the names of such files, to a server that counts them: so much; the rest is a number.
inline constexpr std::size_t round_names_bytes_max = 1 * mib;
// Of what is held, so many deletions and so many changes are known by name; the rest is a number.
inline constexpr std::size_t held_named_max = 1000;

// What is watched: when changes count as complete, and when everything is looked at again.
inline constexpr std::chrono::milliseconds settle_complete{2};        // after the last complete change,
inline constexpr std::chrono::milliseconds settle_complete_max{100};  // and after the first at the latest
inline constexpr std::chrono::milliseconds settle_written{200};       // after the last write to an open file,
inline constexpr std::chrono::milliseconds settle_written_max{5'000};  // and after the first at the latest
inline constexpr std::size_t watch_writers_max = 4'096;                // files that are known to be open
inline constexpr std::chrono::milliseconds watch_retry_first{1'000};   // after a failure; doubled each time,
inline constexpr std::chrono::milliseconds watch_retry_max{60'000};    // up to this
inline constexpr std::chrono::milliseconds watch_retry_blocked_max{10'000};  // while SRC or DST is another one
inline constexpr std::size_t watch_dirty_max = 4'096;  // directories that are looked at again one by one
inline constexpr std::chrono::milliseconds watch_rescan{3'600'000};
inline constexpr std::chrono::milliseconds watch_rescan_degraded{60'000};  // where not all can be watched
inline constexpr std::chrono::milliseconds watch_root_look{1'000};         // between looks for the root
inline constexpr std::size_t watch_memory_bytes_max = 256 * kib;
// Of paths below SRC at which something is mounted, all together; where they are longer none is guarded.
inline constexpr std::size_t mount_names_bytes_max = 64 * kib;
inline constexpr std::size_t mount_table_bytes_max = 16 * mib;  // a longer one is not looked at
inline constexpr std::chrono::milliseconds watch_tick{1'000};  // at a stop signal, which also ends a wait

// What a person may tell `syncline watch`. Each pair of SRC and DST takes a thread and one or two of the 128
// inotify instances that a user has by default.
inline constexpr std::size_t watch_pairs_max = 64;
inline constexpr std::chrono::milliseconds watch_rescan_min{10'000};
inline constexpr std::chrono::milliseconds watch_rescan_span_max{7 * 24 * 3'600'000};
inline constexpr std::size_t live_lines_max = 4;  // at the foot of a terminal; more pairs are summed up

// The command of --hook.
inline constexpr std::size_t hook_command_bytes_max = 64 * kib;  // Linux allows 128 KiB for an argument
inline constexpr std::size_t hook_paths_bytes_max = 1 * mib;     // that wait for it; it is told of more
inline constexpr std::chrono::milliseconds hook_slow{60'000};    // after which it is told that it runs still
inline constexpr std::chrono::milliseconds hook_end{5'000};      // for the last one at the end; then SIGTERM

// The log of what copies did (docs/format/event-log.md).
inline constexpr std::size_t event_log_bytes_max = 16 * mib;         // of one file; then it is put aside,
inline constexpr unsigned event_log_old_max = 4;                     // and so many of those are kept
inline constexpr std::size_t event_log_line_bytes_max = 512 * kib;   // two paths, no byte of which is UTF-8
inline constexpr std::size_t event_log_roots_bytes_max = 128 * kib;  // of sources that a line names
inline constexpr std::size_t event_log_buffer_bytes = 64 * kib;      // are written without waiting for
inline constexpr std::chrono::milliseconds event_log_delay_max{1'000};  // this to pass
inline constexpr std::size_t event_log_pending_bytes_max = 1 * mib;     // that wait for a full disk
inline constexpr int event_log_lock_attempts_max = 10;                  // 10 ms apart; then without rotation
inline constexpr std::size_t event_log_runs_max = 4096;                 // that a reader remembers at a time
inline constexpr std::uint64_t event_log_tail_max = 100'000;            // of `syncline log -n`
inline constexpr std::chrono::milliseconds event_log_poll{200};         // of `syncline log -f`
static_assert(event_log_line_bytes_max < event_log_pending_bytes_max);

// Replicas that are kept between two sessions, and entries of their trees, of some 100 bytes each.
inline constexpr std::size_t warm_replicas_max = 32;
inline constexpr std::size_t warm_entries_max = 1'000'000;
inline constexpr std::size_t kept_manifest_bytes_max = 8 * mib;  // of one replica, and of all that are kept
inline constexpr std::chrono::milliseconds stir_interval{
    1'000};  // between looks at whether anything stirred there
inline constexpr std::chrono::milliseconds warm_wait{2'000};  // for a source that another session works with
// Directories of which clients are told: each takes an inotify instance, as its replica does.
inline constexpr std::size_t followed_sources_max = 32;

// What a running watch remembers of its failures, and how it is asked from outside (docs/format/control.md).
inline constexpr std::size_t board_failures_max = 1000;           // entries by name; the rest is a number
inline constexpr std::size_t board_text_bytes_max = 4 * kib;      // of a cause
inline constexpr std::size_t control_line_bytes_max = 128 * kib;  // of a request, with its newline
inline constexpr std::size_t control_answer_bytes_max = 2 * mib;  // of an answer, with its newline
inline constexpr std::size_t control_failures_shown_max = 10;     // entries that fail, in one answer
inline constexpr std::size_t control_held_bytes_max = 960 * kib;  // of held deletions; and of changes
inline constexpr std::size_t control_connections_max = 64;
inline constexpr std::chrono::milliseconds control_idle{10'000};  // for a request, or an answer to be read
inline constexpr std::size_t tapped_line_bytes_max = 1 * kib;     // of what a remote shell says
inline constexpr std::chrono::milliseconds control_appear{1'000};    // for a watch that is waited for
inline constexpr std::chrono::milliseconds control_appear_look{20};  // between two looks for it
static_assert(2 * control_held_bytes_max + 64 * kib < control_answer_bytes_max);

// The configuration of a server.
inline constexpr std::size_t config_bytes_max = 1 * mib;
inline constexpr std::size_t config_key_parts_max = 32;  // dots on one line outside of strings
inline constexpr std::size_t config_nesting_max = 16;    // brackets inside each other
inline constexpr std::size_t config_listen_max = 64;
inline constexpr std::size_t config_threads_max = 1024;
inline constexpr std::size_t config_connections_max = 1'000'000;  // also of one client
inline constexpr std::size_t config_sessions_max = 100'000;
inline constexpr std::size_t config_sessions_per_client_max = 128;
static_assert(config_sessions_per_client_max < states_per_client_max);  // one that is not in use is found
inline constexpr std::size_t config_handshake_seconds_max = 300;
inline constexpr std::size_t config_idle_seconds_min = 5;
inline constexpr std::size_t config_idle_seconds_max = 24 * 60 * 60;
inline constexpr std::uint64_t config_bwlimit_min = 4 * kib;  // bytes a second: a frame takes 40 minutes
inline constexpr std::uint64_t config_bwlimit_max = std::uint64_t{1} << 40;

// The configuration of a client.
inline constexpr std::size_t config_watch_name_bytes_max = 64;
inline constexpr std::size_t config_watch_options_max = 256;  // of one watch

// What the service manager hands over.
inline constexpr std::size_t inherited_sockets_max = 64;
inline constexpr std::size_t notify_status_bytes_max = 1024;

}  // namespace syncline::limits
