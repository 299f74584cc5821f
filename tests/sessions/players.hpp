// SPDX-License-Identifier: Apache-2.0
// One end of a recorded connection, played to today's program at the other end.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "recording.hpp"
#include "transcript.hpp"
#include "wire/transport.hpp"

namespace syncline::test {

struct Part {
  Side side = Side::client;  ///< that is played
  bool by_group = false;     ///< as in Transcript
  bool breaks_off = false;   ///< after its last frame, whatever the other side has still to say
};

/// What came of it. Empty texts: all as recorded.
struct Played {
  std::string problem;     ///< why it could not go on
  std::string unsaid;      ///< by the live side, and said in the recording
  std::string unheard_of;  ///< the other way round
};

/// The recorded side sends: its frames, bit by bit as they were. Each waits for what its sender had heard
/// before it sent it, so that nothing comes earlier than the protocol allows it.
Played play_sender(const RecordedConnection& connection, const Part& part,
                   std::unique_ptr<wire::Transport> end);

/// The recorded side receives: its messages as they were, each in answer to the request that it answered. A
/// sender may ask in another order, or for several things in one message. `recorded` and `live` go on from
/// one connection of a scenario to the next.
Played play_receiver(const RecordedConnection& connection, const Part& part,
                     std::unique_ptr<wire::Transport> end, SentTree& recorded, SentTree& live);

}  // namespace syncline::test
