// SPDX-License-Identifier: Apache-2.0
// The byte writer and reader: golden bytes, round trips, truncation, limits.
#include "base/bytes.hpp"

#include <array>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace syncline;

namespace {

Bytes bytes(std::initializer_list<int> values) {
  Bytes out;
  for (const int value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

template <class Read>
void check_throws(Errc code, std::uint64_t offset, const Bytes& in, Read&& read) {
  ByteReader reader(in, "sample");
  try {
    read(reader);
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.is(code));
    CHECK(error.offset_bytes() == offset);
    CHECK(error.context() == "sample");
  }
}

const std::vector<std::uint64_t> edges = {0,
                                          1,
                                          0x7F,
                                          0x80,
                                          0x3FFF,
                                          0x4000,
                                          0xFFFFFFFF,
                                          1ull << 32,
                                          (1ull << 63) - 1,
                                          1ull << 63,
                                          std::numeric_limits<std::uint64_t>::max()};

}  // namespace

TEST_CASE("the writer's bytes are little-endian and minimal", "[base]") {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u64(0x08090A0B0C0D0E0F);
  writer.varint(0);
  writer.varint(300);
  writer.svarint(-1);
  writer.svarint(1);
  writer.text("ab");
  CHECK(out ==
        bytes({1, 3, 2, 7, 6, 5, 4, 0xF, 0xE, 0xD, 0xC, 0xB, 0xA, 9, 8, 0, 0xAC, 2, 1, 2, 2, 'a', 'b'}));
  CHECK(writer.size() == out.size());
}

TEST_CASE("every value comes back as it was written", "[base]") {
  Bytes out;
  ByteWriter writer(out);
  for (const auto value : edges) {
    writer.varint(value);
    writer.svarint(static_cast<std::int64_t>(value));
    writer.u64(value);
  }
  writer.blob(bytes({1, 2, 3}));
  writer.blob({});
  ByteReader reader(out);
  for (const auto value : edges) {
    CHECK(reader.varint() == value);
    CHECK(reader.svarint() == static_cast<std::int64_t>(value));
    CHECK(reader.u64() == value);
  }
  CHECK(reader.array<4>() == std::array{std::byte{3}, std::byte{1}, std::byte{2}, std::byte{3}});
  CHECK(reader.text(0).empty());
  CHECK(reader.done());
  reader.expect_done();
}

TEST_CASE("random varints come back as they were written", "[base]") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  Bytes out;
  ByteWriter writer(out);
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 10'000; ++i) {
    values.push_back(random() >> (random() % 64));
    writer.varint(values.back());
    writer.svarint(static_cast<std::int64_t>(values.back()));
  }
  ByteReader reader(out);
  for (const auto value : values) {
    REQUIRE(reader.varint() == value);
    REQUIRE(reader.svarint() == static_cast<std::int64_t>(value));
  }
  CHECK(reader.done());
}

TEST_CASE("every truncation is told, with the byte where the value began to lack", "[base]") {
  check_throws(Errc::truncated, 0, {}, [](ByteReader& reader) { reader.u8(); });
  check_throws(Errc::truncated, 0, bytes({1}), [](ByteReader& reader) { reader.u16(); });
  check_throws(Errc::truncated, 0, bytes({1, 2, 3}), [](ByteReader& reader) { reader.u32(); });
  check_throws(Errc::truncated, 1, bytes({1, 2, 3, 4, 5, 6, 7, 8}), [](ByteReader& reader) {
    reader.u8();
    reader.u64();
  });
  check_throws(Errc::truncated, 1, bytes({0x80}), [](ByteReader& reader) { reader.varint(); });
  check_throws(Errc::truncated, 1, bytes({3, 'a', 'b'}), [](ByteReader& reader) { reader.text(9); });
}

TEST_CASE("a number has one form only", "[base]") {
  check_throws(Errc::malformed, 2, bytes({0x80, 0x00}), [](ByteReader& reader) { reader.varint(); });
  check_throws(Errc::malformed, 10, bytes({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02}),
               [](ByteReader& reader) { reader.varint(); });
  check_throws(Errc::malformed, 10, bytes({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x81, 0x01}),
               [](ByteReader& reader) { reader.varint(); });
}

TEST_CASE("a length past its limit is refused before anything is read", "[base]") {
  Bytes out;
  ByteWriter(out).text("abcd");
  ByteReader exact(out);
  CHECK(exact.text(4) == "abcd");
  check_throws(Errc::limit_exceeded, 1, out, [](ByteReader& reader) { reader.text(3); });
  // A length that no memory could hold.
  Bytes huge;
  ByteWriter(huge).varint(std::numeric_limits<std::uint64_t>::max());
  check_throws(Errc::truncated, 10, huge,
               [](ByteReader& reader) { reader.blob(std::numeric_limits<std::size_t>::max()); });
}

TEST_CASE("left-over bytes are refused where none may be", "[base]") {
  check_throws(Errc::malformed, 1, bytes({1, 2}), [](ByteReader& reader) {
    reader.u8();
    reader.expect_done();
  });
}
