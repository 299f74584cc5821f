// SPDX-License-Identifier: Apache-2.0
// The three ways through a message's fields, and what several messages have in common. Only messages.cpp and
// the descriptions that it includes (*_fields.hpp) need it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/limits.hpp"
#include "delta/gap.hpp"
#include "fs/fs.hpp"
#include "hash/digest.hpp"
#include "manifest/manifest.hpp"

namespace syncline::wire::coding {

/// Elements of one list: a hostile message of empty elements must not cost memory out of proportion.
inline constexpr std::size_t count_max = limits::list_count_max;
inline constexpr std::size_t items_max = limits::list_items_max;

/// Writes fields; the counterpart of Decoder, member for member.
class Encoder {
 public:
  static constexpr bool decoding = false;
  explicit Encoder(Bytes& out) : out_(out) {}
  void fixed(const std::uint32_t& v) { out_.u32(v); }
  void fixed(const std::uint64_t& v) { out_.u64(v); }
  template <class T>
  void num(const T& v) {
    out_.varint(static_cast<std::uint64_t>(v));
  }
  void signed_num(const std::int64_t& v) { out_.svarint(v); }
  void flag(const bool& v) { out_.u8(v ? 1 : 0); }
  template <std::size_t N>
  void array(const std::array<std::byte, N>& v) {
    out_.bytes(v);
  }
  void digest(const hash::Digest& v) { out_.bytes(v.bytes); }
  void blob(const Bytes& v, std::size_t max) {
    if (v.size() > max)
      throw Error(Errc::limit_exceeded, "message field of " + std::to_string(v.size()) + " bytes");
    out_.blob(v);
  }
  void text(const std::string& v, std::size_t max) {
    if (v.size() > max)
      throw Error(Errc::limit_exceeded, "message text of " + std::to_string(v.size()) + " bytes");
    out_.text(v);
  }
  template <class T, class F>
  void list(const std::vector<T>& v, std::size_t max, F&& each) {
    if (v.size() > max) throw Error(Errc::limit_exceeded, "message list of " + std::to_string(v.size()));
    out_.varint(v.size());
    for (const T& item : v) each(const_cast<T&>(item));
  }
  template <class T, class F>
  void optional(const std::optional<T>& v, F&& each) {
    flag(v.has_value());
    if (v) each(const_cast<T&>(*v));
  }
  void plan(const delta::GapPlan& v) { delta::write_plan(out_, v); }
  template <class... T, class F>
  void variant(const std::variant<T...>& v, F&& each) {
    out_.u8(static_cast<std::uint8_t>(v.index()));
    std::visit([&](const auto& item) { each(const_cast<std::remove_cvref_t<decltype(item)>&>(item)); }, v);
  }

 private:
  ByteWriter out_;
};

/// What Encoder would write, in bytes: so that a message can be put behind its length with one copy.
class Measurer {
 public:
  static constexpr bool decoding = false;
  std::size_t bytes() const { return bytes_; }
  void fixed(const std::uint32_t&) { bytes_ += 4; }
  void fixed(const std::uint64_t&) { bytes_ += 8; }
  template <class T>
  void num(const T& v) {
    bytes_ += varint_bytes(static_cast<std::uint64_t>(v));
  }
  void signed_num(const std::int64_t& v) { bytes_ += svarint_bytes(v); }
  void flag(const bool&) { bytes_ += 1; }
  template <std::size_t N>
  void array(const std::array<std::byte, N>&) {
    bytes_ += N;
  }
  void digest(const hash::Digest& v) { bytes_ += v.bytes.size(); }
  void blob(const Bytes& v, std::size_t) { bytes_ += varint_bytes(v.size()) + v.size(); }
  void text(const std::string& v, std::size_t) { bytes_ += varint_bytes(v.size()) + v.size(); }
  template <class T, class F>
  void list(const std::vector<T>& v, std::size_t, F&& each) {
    bytes_ += varint_bytes(v.size());
    for (const T& item : v) each(const_cast<T&>(item));
  }
  template <class T, class F>
  void optional(const std::optional<T>& v, F&& each) {
    bytes_ += 1;
    if (v) each(const_cast<T&>(*v));
  }
  void plan(const delta::GapPlan& v) {
    Bytes scratch;
    ByteWriter writer(scratch);
    delta::write_plan(writer, v);
    bytes_ += scratch.size();
  }
  template <class... T, class F>
  void variant(const std::variant<T...>& v, F&& each) {
    bytes_ += 1;
    std::visit([&](const auto& item) { each(const_cast<std::remove_cvref_t<decltype(item)>&>(item)); }, v);
  }

 private:
  std::size_t bytes_ = 0;
};

class Decoder {
 public:
  static constexpr bool decoding = true;
  explicit Decoder(ByteView in) : in_(in, "message") {}
  void fixed(std::uint32_t& v) { v = in_.u32(); }
  void fixed(std::uint64_t& v) { v = in_.u64(); }
  template <class T>
  void num(T& v) {
    if constexpr (std::is_enum_v<T>) {
      v = static_cast<T>(in_.varint_max(std::numeric_limits<std::underlying_type_t<T>>::max()));
    } else {
      v = static_cast<T>(in_.varint_max(std::numeric_limits<T>::max()));
    }
  }
  void signed_num(std::int64_t& v) { v = in_.svarint(); }
  void flag(bool& v) {
    const auto raw = in_.u8();
    if (raw > 1) in_.fail(Errc::malformed);
    v = raw == 1;
  }
  template <std::size_t N>
  void array(std::array<std::byte, N>& v) {
    v = in_.array<N>();
  }
  void digest(hash::Digest& v) { v.bytes = in_.array<hash::digest_bytes>(); }
  void blob(Bytes& v, std::size_t max) {
    const auto view = in_.blob(max);
    v.assign(view.begin(), view.end());
  }
  void text(std::string& v, std::size_t max) { v = in_.text(max); }
  template <class T, class F>
  void list(std::vector<T>& v, std::size_t max, F&& each) {
    const auto count = in_.varint_max(max);
    if (count > in_.remaining()) in_.fail(Errc::truncated);
    v.clear();
    for (std::uint64_t i = 0; i < count; ++i) each(v.emplace_back());
  }
  template <class T, class F>
  void optional(std::optional<T>& v, F&& each) {
    bool there = false;
    flag(there);
    v.reset();
    if (there) each(v.emplace());
  }
  void plan(delta::GapPlan& v) { v = delta::read_plan(in_); }
  template <class... T, class F>
  void variant(std::variant<T...>& v, F&& each) {
    const auto index = in_.u8();
    if (index >= sizeof...(T)) in_.fail(Errc::malformed);
    std::size_t k = 0;
    (void)((k++ == index ? (each(v.template emplace<T>()), true) : false) || ...);
  }
  void expect_done() { in_.expect_done(); }
  [[noreturn]] void fail(Errc code) { in_.fail(code); }

 private:
  ByteReader in_;
};

template <class A>
void path(A& a, std::string& v) {
  a.text(v, limits::path_bytes_max);
}

template <class A>
void paths(A& a, std::vector<std::string>& v) {
  a.list(v, items_max, [&](std::string& x) { path(a, x); });
}

template <class A>
void file_type(A& a, fs::FileType& v) {
  a.num(v);
  if constexpr (A::decoding) {
    if (v < fs::FileType::regular || v > fs::FileType::block_device) a.fail(Errc::malformed);
  }
}

template <class A>
void fields(A& a, manifest::ChunkParams& v) {
  a.num(v.min_bytes), a.num(v.avg_bytes), a.num(v.max_bytes);
  if constexpr (A::decoding) {
    if (!v.is_valid()) a.fail(Errc::malformed);
  }
}

/// Whoever reads a length may take memory for it.
template <class A>
void chunk_length(A& a, std::uint32_t& v) {
  a.num(v);
  if constexpr (A::decoding) {
    if (v == 0) a.fail(Errc::malformed);
    if (v > limits::chunk_bytes_max) a.fail(Errc::limit_exceeded);
  }
}

template <class A>
void short_id(A& a, hash::Digest& v) {
  std::array<std::byte, hash::short_id_bytes> head{};
  std::copy_n(v.bytes.begin(), head.size(), head.begin());
  a.array(head);
  std::copy(head.begin(), head.end(), v.bytes.begin());
}

template <class A>
void number(A& a, std::optional<std::uint32_t>& v) {
  a.optional(v, [&](std::uint32_t& x) { a.num(x); });
}

template <class A>
void number(A& a, std::optional<std::uint64_t>& v) {
  a.optional(v, [&](std::uint64_t& x) { a.num(x); });
}

}  // namespace syncline::wire::coding
