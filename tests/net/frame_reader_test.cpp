// SPDX-License-Identifier: Apache-2.0
#include "net/frame_reader.hpp"

#include <random>

#include "base/limits.hpp"
#include "frames.hpp"
#include "support/catch.hpp"

namespace syncline::net {
namespace {

using test::frame_of;

constexpr std::size_t no_limit = 1 << 30;

Bytes joined(const std::vector<Bytes>& frames) {
  Bytes out;
  for (const auto& frame : frames) out.insert(out.end(), frame.begin(), frame.end());
  return out;
}

TEST_CASE("frames come out as they went in, however the bytes are cut", "[frames]") {
  std::mt19937_64 random(7);
  std::vector<Bytes> frames;
  for (const std::size_t bytes : {1, 2, 3, 255, 4096, 4097, 70'000, 1, 1'000'000, 5})
    frames.push_back(frame_of(bytes));
  const auto stream = joined(frames);
  for (const std::size_t cut_max : {1u, 7u, 4096u, 65'536u, 10'000'000u}) {
    FrameReader reader;
    std::vector<Bytes> out;
    CHECK(reader.at_boundary());
    for (ByteView rest(stream); !rest.empty();) {
      const auto taken = std::min<std::size_t>(rest.size(), 1 + random() % cut_max);
      reader.feed(rest.first(taken), no_limit, out);
      rest = rest.subspan(taken);
    }
    CAPTURE(cut_max);
    CHECK(out == frames);
    CHECK(reader.at_boundary());
  }
}

TEST_CASE("a keepalive is swallowed, whole or in pieces", "[frames]") {
  FrameReader reader;
  std::vector<Bytes> out;
  const Bytes nothing(12);
  for (const std::byte byte : nothing) reader.feed({&byte, 1}, no_limit, out);
  reader.feed(nothing, no_limit, out);
  CHECK(out.empty());
  CHECK(reader.at_boundary());
  reader.feed(joined({Bytes(4), frame_of(3), Bytes(4), frame_of(2)}), no_limit, out);
  CHECK(out == std::vector<Bytes>{frame_of(3), frame_of(2)});
}

TEST_CASE("a frame of the largest length passes and one byte more is refused", "[frames]") {
  std::vector<Bytes> out;
  FrameReader reader;
  reader.feed(frame_of(1000), 1000, out);
  CHECK(out.size() == 1);
  const auto two = joined({frame_of(8), frame_of(1001)});
  try {
    reader.feed(two, 1000, out);
    FAIL("was taken");
  } catch (const Error& error) {
    CHECK(error.is(Errc::limit_exceeded));
  }
  CHECK(out.size() == 2);  // what came before it is there
  FrameReader other;
  CHECK_THROWS_AS(other.feed(Bytes(4, std::byte{0xFF}), limits::link_frame_bytes_max, out), Error);
}

TEST_CASE("memory follows what was received and not the length that is claimed", "[frames]") {
  auto frame = frame_of(64 << 20);
  FrameReader reader;
  std::vector<Bytes> out;
  std::size_t received = 0;
  for (const std::size_t bytes : {4u, 100u, 5'000u, 100'000u, 1'000'000u}) {
    reader.feed(ByteView(frame).subspan(received, bytes), no_limit, out);
    received += bytes;
    CAPTURE(received);
    CHECK(reader.reserved_bytes() <= std::max<std::size_t>(4096, 4 * received));
    CHECK_FALSE(reader.at_boundary());
  }
}

TEST_CASE("a large frame claims at once what the one before it has taken", "[frames]") {
  FrameReader reader;
  std::vector<Bytes> out;
  const auto large = frame_of(300'000);
  reader.feed(large, no_limit, out);
  CHECK(reader.reserved_bytes() == 0);
  reader.feed(ByteView(frame_of(200'000)).first(4), no_limit, out);
  CHECK(reader.reserved_bytes() == 200'004);
  FrameReader other;
  other.feed(large, no_limit, out);
  other.feed(ByteView(frame_of(64 << 20)).first(4), no_limit, out);
  CHECK(other.reserved_bytes() == large.size());
}

TEST_CASE("no input ends at a boundary inside a frame", "[frames]") {
  const auto frame = frame_of(3);
  for (std::size_t bytes = 0; bytes <= frame.size(); ++bytes) {
    FrameReader reader;
    std::vector<Bytes> out;
    reader.feed(ByteView(frame).first(bytes), no_limit, out);
    CHECK(reader.at_boundary() == (bytes == 0 || bytes == frame.size()));
  }
}

}  // namespace
}  // namespace syncline::net
