// SPDX-License-Identifier: Apache-2.0
// Frames to send.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace syncline::test {

/// `body_bytes` after the length field, different for each `seed`.
inline Bytes frame_of(std::size_t body_bytes, std::uint32_t seed = 0) {
  Bytes out;
  ByteWriter writer(out);
  writer.u32(static_cast<std::uint32_t>(body_bytes));
  out.resize(4 + body_bytes);
  std::uint32_t state = seed * 2654435761u + 12345;
  for (std::size_t k = 0; k < body_bytes; ++k) {
    if (k % 4 == 0) state = state * 1664525u + 1013904223u;
    out[4 + k] = static_cast<std::byte>(state >> (8 * (k % 4)));
  }
  return out;
}

}  // namespace syncline::test
