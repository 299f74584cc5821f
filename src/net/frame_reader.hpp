// SPDX-License-Identifier: Apache-2.0
// Cuts the bytes of a connection into frames. No input or output here.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"

namespace syncline::net {

/// A frame is a u32 (little-endian) and that many bytes. A length of 0 is a keepalive and dropped.
class FrameReader {
 public:
  /// Appends the frames that are now complete, length field and all. Memory grows with what was received, at
  /// most to four times as much, whatever length is claimed. Throws Error(limit_exceeded) for a length above
  /// `frame_bytes_max`; nothing may be fed after that. `out` then has the frames before it.
  void feed(ByteView in, std::size_t frame_bytes_max, std::vector<Bytes>& out);
  /// May the input end here?
  bool at_boundary() const { return head_bytes_ == 0; }
  /// Memory of the frame that is not complete.
  std::size_t reserved_bytes() const { return frame_.capacity(); }

 private:
  void begin_frame(std::size_t frame_bytes_max);
  void make_room(std::size_t more_bytes);

  std::array<std::byte, 4> head_{};
  std::size_t head_bytes_ = 0;
  std::size_t frame_bytes_ = 0;  // with the length field
  std::size_t last_bytes_ = 0;   // the same of the frame before
  Bytes frame_;
};

}  // namespace syncline::net
