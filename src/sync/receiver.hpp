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
};

/// Serves one session until the sender has finished. Failures of single entries go back to the
/// sender; throws Error when the replica as a whole cannot be worked on (the sender is told first).
void run_receiver(Replica& replica, wire::Channel& channel, const ReceiverOptions& options);

}  // namespace syncline::sync
