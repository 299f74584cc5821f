// SPDX-License-Identifier: Apache-2.0
// Every message of the protocol as a plain struct. docs/format/wire.md gives the bytes.
//
// Integers are little-endian or varints; framing and compression are the channel's (wire/channel.hpp).
// The sender has the new content, the receiver makes its replica equal to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "delta/gap.hpp"
#include "fs/fs.hpp"
#include "hash/digest.hpp"
#include "manifest/manifest.hpp"
#include "wire/rate.hpp"

namespace syncline::wire {

inline constexpr std::uint16_t protocol_version = 1;
inline constexpr std::uint32_t protocol_magic = 0x31574C53;  // "SLW1"

enum class MessageType : std::uint8_t {
  hello = 1,
  begin = 2,
  roots = 3,
  list_request = 4,
  listing = 5,
  list_end = 6,
  manifest_request = 7,
  manifest_reply = 8,
  batch = 9,
  file_begin = 10,
  file_steps = 11,
  file_end = 12,
  gap_sums = 13,
  gap_matches = 14,
  gap_delta = 15,
  chunk_request = 16,
  chunk_data = 17,
  flush = 18,
  ack = 19,
  failure = 20,
  finish = 21,
  finished = 22,
  fatal = 23,
  open = 24,
  opened = 25,
  partials = 26,
  event = 27,
  summary = 28,
  pair = 29,
  paired = 30,
  owners = 31,
  owner_ids = 32,
  stirred = 33,
  left = 34,
  kept = 35,
};

/// Which attributes are compared and set. Bits of Begin::attributes.
enum Attribute : std::uint32_t {
  attr_mode = 1,
  attr_owner = 2,
  attr_group = 4,
  attr_times = 8,
  attr_xattrs = 16,
  attr_acls = 32,
  attr_links = 64,  ///< hard links
  attr_dir_times = 128,
  attr_content = 256,  ///< the manifest root is part of the identity (checksum comparison)
};

enum BeginFlag : std::uint32_t {
  begin_dry_run = 1,
  begin_checksum = 2,
  begin_index = 4,  ///< the receiver gives every large file a manifest before it finishes
  begin_sparse = 8,
  /// The sender knows of drift: it is told which entries others made or removed, and tells what it leaves.
  begin_drift = 16,
  begin_keep_beside = 32,  ///< what drifted and is replaced or removed is kept, in its directory
  begin_keep_area = 64,    ///< likewise, below .syncline/kept/
};

enum HelloFeature : std::uint64_t {
  feature_privileged = 1,  ///< this side can set owners
};

struct Hello {
  std::uint32_t magic = protocol_magic;
  std::uint16_t version = protocol_version;
  std::uint64_t features = 0;              ///< HelloFeature bits; unknown ones are ignored
  std::array<std::byte, 16> replica_id{};  ///< random, kept in the replica's state
  bool operator==(const Hello&) const = default;
};

/// What the client wants of a share: the first message over a network.
enum class Direction : std::uint8_t { push = 1, pull = 2 };

enum OpenFlag : std::uint32_t {
  open_contents = 1,  ///< the path was typed with a trailing slash: it must be a directory
  open_dry_run = 2,   ///< nothing is made for this session
  open_one_file_system = 4,
  /// More sessions like this one are to follow: what is known now is worth keeping, and what changes between
  /// them worth telling.
  open_standing = 8,
  open_round = 16,   ///< a pull: with a PullRound
  open_afresh = 32,  ///< what was kept before is not to be relied on
};

enum PullFlag : std::uint32_t {
  pull_recursive = 1,
  pull_links = 2,
  pull_perms = 4,
  pull_times = 8,
  pull_group = 16,
  pull_owner = 32,
  pull_devices = 64,
  pull_hard_links = 128,
  pull_acls = 256,
  pull_xattrs = 512,
  pull_sparse = 1024,
  pull_update_only = 2048,
  pull_checksum = 4096,
  pull_delete = 8192,
  pull_gitignore = 16384,
  pull_numeric_ids = 32768,
  pull_synclineignore = 65536,
  pull_drift_keep = 131072,
  pull_drift_report = 262144,
  pull_keep_beside = 524288,
  pull_keep_area = 1048576,
};

struct PullFilter {
  bool include = false;
  std::string pattern;
};

struct PullSource {
  bool contents = false;  ///< as open_contents
  std::string share;      ///< that of the open, except where the client may go anywhere
  std::string path;       ///< below the share's root
};

/// Which directory a replica is, as far as its side can tell; all zero: unknown.
using SourceId = std::array<std::byte, 16>;

/// Guards over a pull, and what earlier ones of which it is the continuation leave to it.
struct PullRound {
  bool guards_deletes = false;
  bool guards_changes = false;
  std::uint64_t deleted = 0;         ///< by rounds just before
  std::vector<std::string> changed;  ///< by rounds just before, got other content
  std::uint64_t changed_more = 0;    ///< and so many more
  std::vector<std::string> created;  ///< files that do not count yet
  SourceId source{};                 ///< that it must be still
};

/// How a server is to send: the options of the person at the client.
struct PullOptions {
  std::uint32_t flags = 0;  ///< PullFlag bits
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::optional<std::uint64_t> max_delete;
  std::vector<PullFilter> filters;
  std::optional<std::vector<std::string>> files_from;
  std::string backup_dir;
  std::optional<std::uint32_t> level;  ///< of compression; 0: off
  std::vector<RateSlot> rates;         ///< ascending; none: no limit
  std::uint32_t week_second = 0;       ///< of the client's week, now
  /// Sources behind the one that the open itself names: the server sends all of them as one tree.
  std::vector<PullSource> others;
  PullRound round;  ///< only with open_round
};

/// Of a client and of a server: what the other one may ask of it. Unknown bits are ignored.
enum OpenFeature : std::uint64_t {
  open_drift = 1,  ///< knows begin_drift and what belongs to it, the pull flags about drift among them
  open_finish_commits = 2,  ///< as the receiver it makes visible what came before a finish, without a flush
  open_rounds = 4,          ///< as the sender it takes part in rounds: PullRound, RoundSummary
};
inline constexpr std::uint64_t open_features = open_drift | open_finish_commits | open_rounds;  ///< ours

struct Open {
  std::uint32_t magic = protocol_magic;
  std::uint16_t version = protocol_version;  ///< the highest that the client speaks
  std::uint64_t features = 0;                ///< OpenFeature bits
  Direction direction = Direction::push;
  std::string share;  ///< empty: the only one
  std::string path;   ///< below the share's root
  /// Push: not empty, if only these entries of `path` are sent. One alone may become `path` itself where that
  /// is no directory. Pull: one, what the entry is to be called if `path` is none.
  std::vector<std::string> entries;
  std::uint32_t flags = 0;  ///< OpenFlag bits
  std::uint8_t update = 0;  ///< push: of the options of the receiver
  std::uint8_t durability = 0;
  std::optional<PullOptions> pull;
};

struct Opened {
  std::uint16_t version = protocol_version;       ///< that of the session
  std::uint64_t features = 0;                     ///< OpenFeature bits
  std::string entry;                              ///< not empty: the session is about this one entry
  std::optional<std::uint64_t> bytes_per_second;  ///< not more is to be sent to the server
};

struct AgreedRoots {
  hash::Digest sender;
  hash::Digest receiver;
};

struct Begin {
  std::uint32_t attributes = 0;
  std::uint32_t flags = 0;
  hash::Digest options;  ///< digest of all that decides what "in step" means (attributes, filters, delete)
  std::uint64_t sum_key = 0;
  std::string backup_dir;  ///< relative to the root; empty: none
  /// Who the sender takes the receiver for, as it has not heard its hello yet. Under a wrong guess this
  /// message and the roots after it mean nothing, and another one follows.
  std::optional<Hello> guess;
};

/// An entry as the other side sees it: its quick identity.
struct EntryInfo {
  std::string name;
  fs::FileType type = fs::FileType::regular;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  hash::Digest xattr_digest;  ///< zero: none
  std::string link_target;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint64_t link_group = 0;  ///< equal and not 0: hard links of one file
  std::uint64_t content = 0;     ///< first 8 bytes of the manifest root; 0: unknown
  bool edited = false;           ///< changed by someone else since the receiver's last commit
  /// Under begin_drift: nothing says that it ever was the sender's.
  bool drifted = false;
  bool absent = false;             ///< drifted, and it is not there: others removed it
  std::uint64_t left_version = 0;  ///< drifted: as in Left, of an earlier session
  /// The content is not what size and mtime tell, or was not agreed upon. Sent as `edited`.
  bool deviates = false;
  hash::Digest tree;               ///< directories: digest of the subtree
};

/// First from the sender, then from the receiver.
struct Roots {
  hash::Digest root;  ///< of this side's tree now
  std::optional<AgreedRoots>
      agreed;            ///< sender: its last agreement with this receiver; receiver: unless it differs
  bool in_step = false;  ///< receiver: nothing is to be done
  EntryInfo root_entry;  ///< receiver: attributes of the root directory
};

struct ListRequest {
  std::vector<std::string> dirs;
  bool end = false;  ///< no more requests will come
};

/// Chunks that a broken transfer left with the receiver. They lie in no file of the replica: StepOther finds
/// them under the path partial_path(number).
struct Partials {
  std::uint32_t number = 0;
  std::vector<std::uint32_t> lengths;
  std::vector<std::uint64_t> offsets;
  std::vector<hash::Digest> ids;  ///< the first 16 bytes
};

/// Below the root of the receiver's replica.
std::string partial_path(std::uint32_t number);

/// `partial`: only what drifted since the agreement; else the whole directory.
struct Listing {
  std::string dir;
  bool partial = false;
  std::vector<EntryInfo> entries;
  std::vector<std::string> gone;     ///< partial only
  std::vector<std::string> unknown;  ///< exist, but could not be examined
};
struct ListEnd {};

struct ManifestRequest {
  std::vector<std::string> paths;
};
/// Answers one path: chunk lengths and 16-byte ids; no chunks: the receiver has no such regular file.
struct ManifestReply {
  std::string path;
  std::uint64_t size_bytes = 0;
  std::uint64_t content = 0;  ///< first 8 bytes of the manifest root
  bool more = false;          ///< the chunks go on in another reply
  manifest::ChunkParams params;
  std::vector<std::uint32_t> lengths;
  std::vector<std::uint32_t> repeats;
  std::vector<hash::Digest> ids;
};

struct Meta {
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int64_t mtime_ns = 0;
  std::vector<fs::XattrPair> xattrs;
};

struct MakeDir {
  std::string path;
};
struct MakeSymlink {
  std::string path;
  std::string target;
  Meta meta;
};
struct MakeNode {
  std::string path;
  fs::FileType type = fs::FileType::fifo;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  Meta meta;
};
struct MakeLink {
  std::string path;
  std::string existing;
};
/// A whole small file. The chunks' lengths save the receiver the cut-point search.
struct WriteFile {
  std::string path;
  Meta meta;
  manifest::ChunkParams params;
  std::vector<std::uint32_t> lengths;
  std::array<std::byte, hash::short_id_bytes> root{};
  /// Of the chunks; only in one process, where nothing can happen to the content on its way and the
  /// receiver need not compute them again: then `root` is not looked at. Else empty.
  std::vector<hash::ChunkId> ids;
  Bytes content;
};
struct SetMeta {
  std::string path;
  Meta meta;
};
struct Rename {
  std::string from;
  std::string to;
};
struct Remove {
  std::string path;
  bool directory = false;
  bool keep = false;  ///< under begin_drift: what is in it drifted, it is kept as a whole
};
using Op = std::variant<MakeDir, MakeSymlink, MakeNode, MakeLink, WriteFile, SetMeta, Rename, Remove>;

/// Operations in order, compressed as a whole.
struct Batch {
  std::vector<Op> ops;
};

/// One larger or changed file; its steps follow.
struct FileBegin {
  std::uint64_t file = 0;  ///< number, counted by the sender
  std::string path;
  std::uint64_t size_bytes = 0;
  manifest::ChunkParams params;
  bool has_base = false;  ///< the receiver's present file takes part
  std::uint64_t base_bytes = 0;
  std::uint64_t base_content = 0;  ///< first 8 bytes of its manifest root; 0: not needed (no match steps)
  std::uint64_t matched_in_place_bytes = 0;
  std::uint64_t matched_moved_bytes = 0;
  std::uint64_t changed_bytes = 0;
};

/// Chunk as announced: 16 bytes of the id are enough to tell a bad rebuild from a good one.
struct ChunkRef {
  std::uint32_t length_bytes = 0;
  std::array<std::byte, hash::short_id_bytes> id{};
};

struct StepMatch {  ///< bytes of the base
  std::uint64_t old_offset = 0;
  std::uint64_t bytes = 0;
};
struct StepZeros {
  std::uint64_t bytes = 0;
};
struct StepData {  ///< a whole chunk
  ChunkRef chunk;
  Bytes content;
};
struct StepOther {  ///< chunk that the receiver holds in another file (dedupe)
  ChunkRef chunk;
  std::string path;
  std::uint64_t offset = 0;
};
struct StepGap {  ///< to be searched in rounds; gaps are numbered per file from 0
  std::uint64_t old_offset = 0;
  delta::GapPlan plan;
  std::vector<ChunkRef> chunks;
};
struct StepPatch {  ///< chunks compressed against a range of the base
  std::uint64_t old_offset = 0;
  std::uint64_t old_bytes = 0;
  std::vector<ChunkRef> chunks;
  Bytes frame;  ///< zstd with the old range as prefix
};
/// A whole chunk with its whole id, which is taken over unchecked: only in one process.
struct StepLocal {
  hash::ChunkId id;
  Bytes content;
};
using Step = std::variant<StepMatch, StepZeros, StepData, StepOther, StepGap, StepPatch, StepLocal>;

struct FileSteps {
  std::uint64_t file = 0;
  std::vector<Step> steps;
};
struct FileEnd {
  std::uint64_t file = 0;
  bool aborted = false;  ///< it changed or vanished while it was read: leave the old one
  Meta meta;
  hash::Digest root;  ///< manifest root of the whole new file
};

/// Round 1 (`round` 1) or 2 of one gap; 0: the receiver gave this file up and wants no answer.
struct GapSums {
  std::uint64_t file = 0;
  std::uint32_t gap = 0;
  std::uint8_t round = 1;
  Bytes sums;
};
/// Matches in the coding of delta::write_matches() (the receiver has the gap's plan).
struct GapMatches {
  std::uint64_t file = 0;
  std::uint32_t gap = 0;
  Bytes matches;
};
/// Matches in the coding of delta::write_fine_matches(): only what round 2 added.
struct GapDelta {
  std::uint64_t file = 0;
  std::uint32_t gap = 0;
  Bytes matches;
  Bytes literals;
};
/// The receiver could not rebuild this chunk (or its base is not what the sender thought).
struct ChunkRequest {
  std::uint64_t file = 0;
  std::uint64_t new_offset = 0;
  std::uint32_t length_bytes = 0;
};
struct ChunkData {
  std::uint64_t file = 0;
  std::uint64_t new_offset = 0;
  Bytes content;
};

struct Flush {
  std::uint64_t token = 0;
};
/// Everything sent before the flush with this token is committed (or was told as failed).
struct Ack {
  std::uint64_t token = 0;
};
/// Of the file system that an entry did not fit into.
struct Space {
  std::uint64_t needed_bytes = 0;  ///< for the entry's content
  std::uint64_t free_bytes = 0;
};
struct Failure {
  std::string path;
  std::uint32_t code = 0;  ///< errno, or Errc when syncline_code
  bool syncline_code = false;
  bool retry = false;  ///< the sender may send the file again (its base was not the expected one)
  std::string message;
  std::optional<Space> space;  ///< where there is too little of it
};
/// Entries of the receiver that are not the sender's and stay as they are, with all below them.
struct Left {
  struct Entry {
    std::string path;
    std::uint64_t version = 0;  ///< not 0: of what the sender has there, to be told with the entry next time
  };
  std::vector<Entry> entries;
  bool all = false;  ///< none will follow: what was not named in any is equal
};
/// A version that others made was kept.
struct Kept {
  std::string path;
  std::string kept_as;  ///< below the receiver's root
};
struct Finish {
  bool agree = false;       ///< nothing failed: record an agreement
  bool unanswered = false;  ///< both were in step and nothing is to be recorded: no finished follows
  hash::Digest root;        ///< of the sender's tree as it was sent
};
struct Finished {
  hash::Digest root;
  bool agreed = false;
  std::uint64_t disk_written_bytes = 0;
  std::uint64_t content_read_bytes = 0;
};
struct Fatal {
  std::uint32_t code = 0;
  bool syncline_code = false;
  std::string message;
};

/// What a server that sends tells the person at the client.
struct ChangeInfo {
  std::string itemized;
  std::string path;
  std::string link_target;
  std::string renamed_from;
  bool edited = false;
};
struct ErrorInfo {
  std::string path;
  std::string cause;
  std::string next;
  std::uint8_t exit_code = 23;
  bool at_destination = false;
};
struct NoticeInfo {
  std::string text;
};
struct ProgressInfo {
  std::uint8_t phase = 0;
  std::uint64_t files_scanned = 0;
  std::uint64_t files_done = 0;
  std::uint64_t files_total = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t matched_bytes = 0;
};
/// A change that a guard keeps back.
struct HeldInfo {
  bool is_deletion = false;
  ChangeInfo change;
};
struct Event {
  std::variant<ChangeInfo, ErrorInfo, NoticeInfo, ProgressInfo, HeldInfo> what;
};
/// What guards keep back, and what a continuation needs to know.
struct RoundSummary {
  std::uint64_t deletions_held = 0;
  std::uint64_t changes_held = 0;
  std::uint64_t deletions_unnamed = 0;  ///< of those held back, beyond the events that told of them
  std::uint64_t changes_unnamed = 0;
  SourceId source{};
  bool is_followed = false;  ///< of a standing one: it will be told when something changes
};
struct Summary {
  std::uint64_t files_total = 0;
  std::uint64_t files_changed = 0;
  std::uint64_t files_deleted = 0;
  std::uint64_t files_renamed = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t bytes_changed = 0;
  std::uint64_t bytes_matched = 0;
  std::uint64_t bytes_literal = 0;
  std::uint64_t content_read_bytes = 0;
  std::uint64_t errors = 0;
  std::uint8_t exit_code = 0;
  bool in_step = false;
  bool delete_limit_reached = false;
  std::optional<RoundSummary> round;  ///< of a pull with open_round
};

/// Instead of a session: a client that is not known shows that it knows a pairing code.
struct Pair {
  std::array<std::byte, 32> proof{};
};
struct Paired {
  std::array<std::byte, 32> proof{};  ///< that the server knows it too
  std::string share;
  std::uint8_t right = 0;
};

/// A user or group of the sender's tree.
struct Owner {
  std::uint32_t id = 0;
  std::string name;  ///< empty: it stays a number
  std::uint32_t expected =
      0;                 ///< what it is at the receiver, as far as the sender knows; its root counts on it
  bool settable = true;  ///< groups: and that it can be given to files there
};
/// Before the sender's roots. If the receiver finds other ids, the roots mean nothing and another begin
/// follows.
struct Owners {
  std::vector<Owner> users;   ///< ascending by id
  std::vector<Owner> groups;  ///< likewise
};
/// The answer where they differ: as many, in the same order.
struct OwnerIds {
  struct Group {
    std::uint32_t id = 0;  ///< if it cannot be set: the one that new files get
    bool settable = true;
  };
  std::vector<std::uint32_t> users;
  std::vector<Group> groups;
};
/// As a group in Meta and in comparisons: one that cannot be set; whatever is there stays.
inline constexpr std::uint32_t any_group = 0xFFFFFFFF;

/// Something has changed over there since the last session: another one is worth while.
struct Stirred {};

using Message =
    std::variant<Hello, Begin, Roots, ListRequest, Listing, ListEnd, ManifestRequest, ManifestReply, Batch,
                 FileBegin, FileSteps, FileEnd, GapSums, GapMatches, GapDelta, ChunkRequest, ChunkData, Flush,
                 Ack, Failure, Finish, Finished, Fatal, Open, Opened, Partials, Event, Summary, Pair, Paired,
                 Owners, OwnerIds, Stirred, Left, Kept>;

MessageType type_of(const Message& message);
const char* name_of(MessageType type);

/// Size of a message's payload, before compression. Throws Error(limit_exceeded) past
/// limits::frame_bytes_max.
std::size_t encoded_bytes(const Message& message);
std::size_t encoded_bytes(const Op& op);
/// Appends the payload. Throws Error(limit_exceeded) for a field past its own limit.
void encode_to(Bytes& out, const Message& message);
Bytes encode(const Message& message);
/// Throws Error(malformed | truncated | limit_exceeded | unsupported) with the byte offset.
Message decode(MessageType type, ByteView payload);

}  // namespace syncline::wire
