// SPDX-License-Identifier: Apache-2.0
// The sending role of a session: agrees on what differs, then sends it.
#pragma once

#include <memory>

#include "sync/block_sums.hpp"
#include "sync/events.hpp"
#include "sync/plan.hpp"
#include "sync/replica.hpp"
#include "wire/channel.hpp"

namespace syncline::sync {

struct SenderOptions {
  const CopyOptions* copy = nullptr;
  const Selector* selector = nullptr;
  IdentityRules rules;
  unsigned threads = 2;
  /// Not empty, over a network: names the receiver to ourselves, so that it is remembered who it was.
  std::string peer_label;
  std::string place;            ///< where it goes to, for messages; empty: to this machine
  std::string cache_path;       ///< of recently changed chunks; empty: none
  BlockSums* blocks = nullptr;  ///< from round to round
  bool tells_failures = true;   ///< of the receiver; else the person hears of them there
  bool incomplete = false;      ///< a source is missing: nothing is deleted
  bool asks_for_all = false;    ///< the session before has left the trees unlike each other
  /// wire::OpenFeature bits, as long as no server says another thing.
  std::uint64_t receiver_features = wire::open_features;
  bool index = true;            ///< give every larger file a manifest before the end
};

struct SenderResult {
  bool in_step = false;
  bool is_unlike = false;  ///< as ReceiverResult's
  bool delete_limit_reached = false;
  std::uint64_t deletions_held = 0;
  std::uint64_t changes_held = 0;
  HeldPlan held;
  std::vector<std::string> mounts;  ///< as CopyReport's
  std::string missing_mount;
  hash::Digest receiver_root;
  bool is_alike = false;  ///< and ours is that as well
  std::uint64_t receiver_written_bytes = 0;
  std::uint64_t receiver_read_bytes = 0;
  std::uint64_t files_changed = 0;
  std::uint64_t files_deleted = 0;
  std::uint64_t files_renamed = 0;
  std::uint64_t bytes_changed = 0;
};

/// Scans `replica` and makes the receiver at the other end of `channel` equal to it. Single entries
/// that fail are told to `events`; throws Error when the session as a whole cannot go on.
SenderResult run_sender(Replica& replica, wire::Channel& channel, Events& events,
                        const SenderOptions& options);

}  // namespace syncline::sync
