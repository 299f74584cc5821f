// SPDX-License-Identifier: Apache-2.0
// Sessions as they crossed, and the files that keep them (tests/data/sessions/README.md gives the bytes).
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace syncline::test {

/// An end of a connection.
enum class Side : std::uint8_t { client = 0, server = 1 };
inline Side other(Side side) { return side == Side::client ? Side::server : Side::client; }

struct RecordedFrame {
  Side from = Side::client;
  std::size_t seen = 0;  ///< frames of the other side that it had received when it sent this one
  Bytes bytes;
};

struct RecordedConnection {
  std::vector<RecordedFrame> frames;  ///< in the order in which they were sent
  std::string report;                 ///< what the client told the person at its end
  std::string picture;                ///< of the receiver's tree afterwards
};

struct Recording {
  std::uint64_t version = 0;  ///< of the protocol
  std::vector<RecordedConnection> connections;
};

/// Throws Error for what is no recording.
Recording load_recording(const std::string& path);
/// Throws Error(EEXIST) rather than replace one.
void save_recording(const std::string& path, const Recording& recording);

}  // namespace syncline::test
