// SPDX-License-Identifier: Apache-2.0
// The receiving role of a session: tells what it has, applies what comes, remembers the result.
#pragma once

#include "patch/patch.hpp"
#include "sync/events.hpp"
#include "sync/replica.hpp"
#include "wire/channel.hpp"

namespace syncline::sync {

struct ReceiverOptions {
  patch::UpdateMode update = patch::UpdateMode::automatic;
  patch::Durability durability = patch::Durability::batch;
  unsigned threads = 2;
  bool one_file_system = false;
  std::function<void(const std::string&)> notice;
  std::function<bool()> cancelled;
  std::string place;       ///< what this is to a person at the other end; empty: the person sits here
  bool may_delete = true;  ///< else every removal fails with EPERM, entry by entry
  /// Where the person sits at this end: what the sender reports, and what fails here.
  std::function<void(const wire::Event&)> on_event;
  std::function<void(const wire::Failure&)> on_failure;
  std::function<void(const wire::Kept&)> on_kept = {};  ///< then the sender is not told
};

struct ReceiverResult {
  bool in_step = false;  ///< from the start: nothing was to be done
  /// Nothing failed, and yet the tree is not the sender's, which nobody can explain: another session, which will
  /// compare everything, is to follow.
  bool is_unlike = false;
  hash::Digest root;
  bool is_alike = false;  ///< and the sender's is that as well
  std::uint64_t disk_written_bytes = 0;
  std::uint64_t content_read_bytes = 0;
};

/// Serves one session until the sender has finished. Failures of single entries go back to the
/// sender; throws Error when the replica as a whole cannot be worked on (the sender is told first).
ReceiverResult run_receiver(Replica& replica, wire::Channel& channel, const ReceiverOptions& options);

}  // namespace syncline::sync
