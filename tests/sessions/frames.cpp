// SPDX-License-Identifier: Apache-2.0
#include "frames.hpp"

#include "base/limits.hpp"

namespace syncline::test {

std::vector<SpokenMessage> FrameReader::read(ByteView frame) {
  constexpr std::size_t raw_bytes_max = 16 * limits::mib;
  ByteReader in(frame, "frame");
  if (in.u32() != in.remaining()) in.fail(Errc::malformed);
  const auto kind = in.u8();
  if (kind > 2) in.fail(Errc::unsupported);
  const auto raw_bytes = kind == 0 ? in.remaining() : in.u32();
  if (raw_bytes > raw_bytes_max) in.fail(Errc::limit_exceeded);
  const auto payload = in.bytes(in.remaining());
  const Bytes content = kind == 0   ? Bytes(payload.begin(), payload.end())
                        : kind == 1 ? stream_.decompress(payload, raw_bytes)
                                    : single_.decompress(payload, raw_bytes);
  if (content.size() != raw_bytes) throw Error(Errc::corrupt, "frame");
  std::vector<SpokenMessage> out;
  ByteReader messages(content, "frame");
  while (!messages.done()) {
    const auto type = static_cast<wire::MessageType>(messages.u8());
    const auto body = messages.blob(limits::frame_bytes_max);
    out.push_back({wire::decode(type, body), Bytes(body.begin(), body.end())});
  }
  return out;
}

Bytes raw_frame(wire::MessageType type, ByteView body) {
  Bytes payload;
  ByteWriter message(payload);
  message.u8(0);  // not compressed
  message.u8(static_cast<std::uint8_t>(type));
  message.blob(body);
  Bytes out;
  ByteWriter frame(out);
  frame.u32(static_cast<std::uint32_t>(payload.size()));
  frame.bytes(payload);
  return out;
}

}  // namespace syncline::test
