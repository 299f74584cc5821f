// SPDX-License-Identifier: Apache-2.0
// Frames to messages and back, without the channel's order of phases.
#pragma once

#include <vector>

#include "compress/zstd.hpp"
#include "wire/messages.hpp"

namespace syncline::test {

struct SpokenMessage {
  wire::Message message;
  Bytes body;  ///< as it was coded
};

/// One direction of a connection: its frames in order.
class FrameReader {
 public:
  std::vector<SpokenMessage> read(ByteView frame);

 private:
  compress::StreamDecompressor stream_;
  compress::Decompressor single_;
};

/// A frame that is not compressed, of one message.
Bytes raw_frame(wire::MessageType type, ByteView body);
inline Bytes raw_frame(const wire::Message& message) {
  return raw_frame(wire::type_of(message), wire::encode(message));
}

}  // namespace syncline::test
