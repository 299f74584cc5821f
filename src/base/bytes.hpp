// SPDX-License-Identifier: Apache-2.0
// Little-endian byte writer and bounds-checked reader shared by every codec.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace syncline {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

/// Empties it and frees its memory, which neither clear() nor `= {}` (an empty list is assigned) does.
template <class Item>
void give_back(std::vector<Item>& items) {
  std::vector<Item>().swap(items);
}

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

static_assert(std::endian::native == std::endian::little, "formats are little-endian");

/// Size of a varint of ByteWriter.
inline std::size_t varint_bytes(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}
inline std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
inline std::size_t svarint_bytes(std::int64_t value) { return varint_bytes(zigzag(value)); }

/// Appends values to a byte vector. Integers are little-endian; varints are LEB128, at most
/// 10 bytes; signed varints are zigzag-coded. Nothing here fails but for want of memory.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}

  void u8(std::uint8_t value) { out_.push_back(static_cast<std::byte>(value)); }
  void u16(std::uint16_t value) { fixed(value); }
  void u32(std::uint32_t value) { fixed(value); }
  void u64(std::uint64_t value) { fixed(value); }
  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      u8(static_cast<std::uint8_t>(value | 0x80));
      value >>= 7;
    }
    u8(static_cast<std::uint8_t>(value));
  }
  void svarint(std::int64_t value) { varint(zigzag(value)); }
  void bytes(ByteView value) { out_.insert(out_.end(), value.begin(), value.end()); }
  /// A varint length, then the bytes.
  void blob(ByteView value) {
    varint(value.size());
    bytes(value);
  }
  void text(std::string_view value) { blob(as_bytes(value)); }
  std::size_t size() const { return out_.size(); }
  Bytes& out() { return out_; }

 private:
  template <class T>
  void fixed(T value) {
    const auto at = out_.size();
    out_.resize(at + sizeof value);
    std::memcpy(out_.data() + at, &value, sizeof value);
  }
  Bytes& out_;
};

/// Reads what ByteWriter wrote. Throws Error(truncated | malformed | limit_exceeded) with the
/// byte offset; never reads outside its view and never allocates more than the view holds.
class ByteReader {
 public:
  explicit ByteReader(ByteView in, std::string what = "data") : in_(in), what_(std::move(what)) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(take(1)[0]); }
  std::uint16_t u16() { return fixed<std::uint16_t>(); }
  std::uint32_t u32() { return fixed<std::uint32_t>(); }
  std::uint64_t u64() { return fixed<std::uint64_t>(); }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = u8();
      if (shift == 63 && byte > 1) fail(Errc::malformed);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) {
        if (byte == 0 && shift != 0) fail(Errc::malformed);  // one form per value
        return value;
      }
    }
    fail(Errc::malformed);
  }
  std::int64_t svarint() {
    const auto raw = varint();
    return static_cast<std::int64_t>(raw >> 1) ^ -static_cast<std::int64_t>(raw & 1);
  }
  /// A varint that must not exceed `max` (inclusive).
  std::uint64_t varint_max(std::uint64_t max) {
    const auto value = varint();
    if (value > max) fail(Errc::limit_exceeded);
    return value;
  }
  ByteView bytes(std::size_t count) { return take(count); }
  ByteView blob(std::size_t max) { return take(static_cast<std::size_t>(varint_max(max))); }
  std::string text(std::size_t max) { return std::string(as_text(blob(max))); }
  template <std::size_t N>
  std::array<std::byte, N> array() {
    std::array<std::byte, N> out;
    std::memcpy(out.data(), take(N).data(), N);
    return out;
  }
  std::size_t remaining() const { return in_.size() - pos_; }
  std::size_t offset() const { return pos_; }
  bool done() const { return pos_ == in_.size(); }
  /// Throws unless everything was read.
  void expect_done() {
    if (!done()) fail(Errc::malformed);
  }
  [[noreturn]] void fail(Errc code) const { throw Error(code, what_, pos_); }

 private:
  ByteView take(std::size_t count) {
    if (count > remaining()) fail(Errc::truncated);
    const auto out = in_.subspan(pos_, count);
    pos_ += count;
    return out;
  }
  template <class T>
  T fixed() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  ByteView in_;
  std::size_t pos_ = 0;
  std::string what_;
};

}  // namespace syncline
