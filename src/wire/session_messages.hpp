// SPDX-License-Identifier: Apache-2.0
// Messages about a session as a whole: who speaks, what is wanted, who owns what.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hash/digest.hpp"
#include "wire/rate.hpp"

namespace syncline::wire {

inline constexpr std::uint16_t protocol_version = 1;
inline constexpr std::uint32_t protocol_magic = 0x31574C53;  // "SLW1"

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
  /// Refuse, as replaced, where what was there with something in it is not what is there now.
  open_same_root = 64,
  open_take_root = 128,  ///< what is there now is that from now on
  open_mounts = 256,     ///< the PullRound has mounts
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
  /// Only with open_mounts, where something was mounted in it: deletions are held where one is missing.
  std::vector<std::string> mounts;
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
  open_far_mounts = 8,      ///< of a client: it takes RoundMounts; of a server: it takes open_mounts
};
inline constexpr std::uint64_t open_features =
    open_drift | open_finish_commits | open_rounds | open_far_mounts;  ///< ours

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

}  // namespace syncline::wire
