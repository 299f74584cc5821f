// SPDX-License-Identifier: Apache-2.0
#include "manifest/codec.hpp"

#include <functional>

#include "base/limits.hpp"
#include "document.hpp"
#include "sample_manifest.hpp"
#include "support/catch.hpp"

using namespace syncline;
using namespace syncline::manifest;

namespace {

const std::string page = SYNCLINE_SOURCE_DIR "/docs/format/manifest.md";

/// The manifest of the page's example: three chunks of zeros in a row, then "syncline\n".
Manifest example() {
  Manifest out;
  out.chunks.push_back({hash::blake3(Bytes(out.params.max_bytes)), {1, 2}, out.params.max_bytes, 3});
  out.chunks.push_back({hash::blake3(as_bytes("syncline\n")), {3, 4}, 9, 1});
  out.size_bytes = 3 * out.params.max_bytes + 9;
  return out;
}

std::string hex(ByteView data) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const auto byte : data) {
    out += digits[static_cast<unsigned>(byte) >> 4];
    out += digits[static_cast<unsigned>(byte) & 15];
    out += ' ';
  }
  return out;
}

/// Replaces the trailer by a right one, so that what is altered reaches the parser's own checks.
Bytes resealed(Bytes data) {
  data.resize(data.size() - hash::digest_bytes);
  const auto digest = hash::blake3(data);
  data.insert(data.end(), digest.bytes.begin(), digest.bytes.end());
  return data;
}

Errc error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.offset_bytes());
    REQUIRE(error.code().category() == syncline_category());
    return static_cast<Errc>(error.code().value());
  }
  FAIL("no error");
  return Errc::usage;
}

}  // namespace

TEST_CASE("the bytes are those of the format page", "[manifest]") {
  CHECK(hex(encode(example())) == hex(test::hex_example(page, "manifest")));
  CHECK(decode(test::hex_example(page, "manifest")) == without_quick(example()));
  CHECK(hex(encode_local(example())) == hex(test::hex_example(page, "manifest-local")));
  CHECK(decode_local(test::hex_example(page, "manifest-local")) == example());
  CHECK(test::page_text(page).find(example().root().hex()) != std::string::npos);
}

TEST_CASE("a manifest comes back without its keyed digests, from local storage with them", "[manifest]") {
  std::mt19937_64 random(1);
  for (const std::size_t count : {0, 1, 2, 100, 3000}) {
    CAPTURE(count);
    const auto manifest = random_manifest(random, count);
    CHECK(decode(encode(manifest)) == without_quick(manifest));
    CHECK(decode_local(encode_local(manifest)) == manifest);
    CHECK(decode_local(encode(manifest)) == without_quick(manifest));
    CHECK(decode(encode(manifest)).root() == manifest.root());
  }
}

TEST_CASE("no keyed digest is in what leaves the installation", "[manifest]") {
  std::mt19937_64 random(2);
  auto manifest = random_manifest(random, 20);
  const auto bytes = encode(manifest);
  CHECK(encode(without_quick(manifest)) == bytes);
  CHECK(error_of([&] { decode(encode_local(manifest)); }) == Errc::malformed);
}

TEST_CASE("a manifest cut off anywhere is refused with the place", "[manifest]") {
  for (const auto& data : {encode(example()), encode_local(example())}) {
    for (std::size_t length = 0; length < data.size(); ++length) {
      CAPTURE(length);
      try {
        decode_local(ByteView(data).first(length));
        FAIL("accepted");
      } catch (const Error& error) {
        REQUIRE(error.offset_bytes());
        CHECK(*error.offset_bytes() <= length);
      }
    }
  }
}

TEST_CASE("a manifest with any bit flipped is refused with the place", "[manifest]") {
  for (const auto& data : {encode(example()), encode_local(example())}) {
    for (std::size_t bit = 0; bit < data.size() * 8; ++bit) {
      CAPTURE(bit);
      auto altered = data;
      altered[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      error_of([&] { decode_local(altered); });
    }
  }
}

TEST_CASE("bytes after a manifest are refused", "[manifest]") {
  auto data = encode(example());
  data.push_back(std::byte{0});
  CHECK(error_of([&] { decode(data); }) == Errc::malformed);
}

TEST_CASE("a later version, another algorithm and unknown flags are refused as such", "[manifest]") {
  for (const std::size_t at : {4, 5, 6, 7}) {
    auto data = encode(example());
    data[at] ^= std::byte{2};
    CAPTURE(at);
    CHECK(error_of([&] { decode(resealed(data)); }) == Errc::unsupported);
  }
}

TEST_CASE("contradictions inside a well-sealed manifest are refused", "[manifest]") {
  const auto refused = [](const std::function<void(Manifest&)>& spoil) {
    auto manifest = example();
    spoil(manifest);
    const auto data = encode(manifest);
    const auto code = error_of([&] { decode(data); });
    CHECK((code == Errc::malformed || code == Errc::limit_exceeded));
  };
  refused([](Manifest& m) { m.size_bytes += 1; });
  refused([](Manifest& m) { m.size_bytes -= 1; });
  refused([](Manifest& m) { m.size_bytes = UINT64_MAX; });
  refused([](Manifest& m) { m.chunks[1].length_bytes = 0, m.size_bytes -= 9; });
  refused([](Manifest& m) {
    m.chunks[1].length_bytes = m.params.max_bytes + 1, m.size_bytes += m.params.max_bytes - 8;
  });
  refused([](Manifest& m) { m.chunks[1].repeat_count = 2, m.size_bytes += 9; });
  refused([](Manifest& m) { m.chunks[0].repeat_count = 0, m.size_bytes = 9; });
  refused([](Manifest& m) { m.params.avg_bytes = 12345; });
  refused([](Manifest& m) { m.params.min_bytes = 0; });
  refused([](Manifest& m) { m.params.min_bytes = m.params.avg_bytes + 1; });
  refused([](Manifest& m) { m.params.avg_bytes = m.params.max_bytes * 2; });
  refused([](Manifest& m) { m.params.max_bytes = limits::chunk_bytes_max + 1; });
}

TEST_CASE("a count far beyond the data is refused before memory is taken for it", "[manifest]") {
  Bytes data;
  data.reserve(64);  // g++ 12 sees an overflow in the growth of a vector that it knows to be empty
  ByteWriter out(data);
  out.bytes(as_bytes("SLMF"));
  out.u16(1);
  out.u8(1);
  out.u8(0);
  for (const std::uint64_t value : {4096, 16384, 65536}) out.varint(value);
  out.varint(UINT64_MAX);
  out.varint(std::uint64_t{1} << 40);
  CHECK(error_of([&] { decode(data); }) == Errc::truncated);
}

TEST_CASE("the root is BLAKE3 of the records, of any number of them", "[manifest]") {
  for (const std::size_t count : {0, 1, 1'636, 1'637, 1'638, 1'639, 3'277, 20'000}) {
    CAPTURE(count);
    Manifest manifest;
    Bytes coded;
    ByteWriter out(coded);
    out.bytes(as_bytes("syncline file root 1\n"));
    out.u32(manifest.params.min_bytes);
    out.u32(manifest.params.avg_bytes);
    out.u32(manifest.params.max_bytes);
    manifest.size_bytes = count * (count + 1) / 2;
    out.u64(manifest.size_bytes);
    for (std::uint32_t i = 1; i <= count; ++i) {
      manifest.chunks.push_back({hash::blake3(as_bytes(std::to_string(i))), {}, i, 1});
      out.u32(i);
      out.u32(1);
      out.bytes(manifest.chunks.back().id.view());
    }
    CHECK(manifest.root() == hash::blake3(coded));
  }
}

TEST_CASE("the root does not depend on keyed digests", "[manifest]") {
  std::mt19937_64 random(3);
  const auto manifest = random_manifest(random, 50);
  CHECK(manifest.root() == without_quick(manifest).root());
}
