// SPDX-License-Identifier: Apache-2.0
// Frames, prefixes and streams: round trips and what is refused.
#include "compress/zstd.hpp"

#include <zstd.h>

#include <functional>
#include <random>

#include "support/catch.hpp"

namespace {

using namespace syncline;
using namespace syncline::compress;

Bytes noise(std::size_t count, std::uint64_t seed = 1) {
  std::mt19937_64 rng(seed);
  Bytes out(count);
  for (auto& byte : out) byte = static_cast<std::byte>(rng());
  return out;
}

/// Words in random order: about 3 to 1.
Bytes text(std::size_t count, std::uint64_t seed = 1) {
  static const char* const words[] = {"chunk ", "block ", "frame ", "gap ", "old ",
                                      "fresh ", "sum ",   "the ",   "of ",  "\n"};
  std::mt19937_64 rng(seed);
  Bytes out;
  while (out.size() < count)
    for (const char* word = words[rng() % 10]; *word != 0; ++word)
      out.push_back(static_cast<std::byte>(*word));
  out.resize(count);
  return out;
}

template <class Action>
void check_refused(Action action, Errc code) {
  try {
    action();
    FAIL("accepted");
  } catch (const Error& error) {
    CAPTURE(error.what());
    CHECK(error.is(code));
  }
}

void accept_or_refuse(const std::function<Bytes()>& action, std::size_t raw_bytes_max) {
  try {
    const auto size = action().size();  // outside of REQUIRE, which would catch for itself
    REQUIRE(size <= raw_bytes_max);
  } catch (const Error& error) {
    REQUIRE((error.is(Errc::corrupt) || error.is(Errc::limit_exceeded) || error.is(Errc::truncated) ||
             error.is(Errc::malformed)));
  }
}

Bytes tagged(unsigned tag, ByteView body) {
  Bytes out(1, static_cast<std::byte>(tag));
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

TEST_CASE("frames give back what went in, at every level", "[compress]") {
  Compressor compressor;
  Decompressor decompressor;
  for (const int level : {0, 1, level_lean, 3, 6, 19, -5})
    for (const std::size_t size : {0u, 1u, 100u, 5000u, 300000u})
      for (const auto& data : {noise(size), text(size), Bytes(size)}) {
        CAPTURE(level, size);
        const auto frame = compressor.compress(data, level);
        REQUIRE(frame.size() <= size + 1);
        REQUIRE(decompressor.decompress(frame, size) == data);
        if (size > 0) check_refused([&] { decompressor.decompress(frame, size - 1); }, Errc::limit_exceeded);
      }
}

TEST_CASE("stored frames have their documented bytes", "[compress][golden]") {
  Compressor compressor;
  CHECK(compressor.compress(as_bytes("abc"), level_off) == tagged(0, as_bytes("abc")));
  CHECK(compressor.compress({}, 3) == tagged(0, {}));
  CHECK(compressor.compress(noise(1000), 3) == tagged(0, noise(1000)));  // gains less than 3 %
  CHECK(compressor.compress(text(1000), 3).front() == std::byte{1});
}

TEST_CASE("a frame that unpacks to a gigabyte is refused before anything is allocated", "[compress]") {
  const auto bomb = [] {
    Bytes out(ZSTD_compressBound(1 << 20));
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setPledgedSrcSize(context, 1u << 30);
    const Bytes zeros(1 << 20);
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    for (int i = 0; i < 1024; ++i) {
      ZSTD_inBuffer in{zeros.data(), zeros.size(), 0};
      while (ZSTD_compressStream2(context, &to, &in, i == 1023 ? ZSTD_e_end : ZSTD_e_continue) != 0 &&
             i == 1023) {}
    }
    ZSTD_freeCCtx(context);
    out.resize(to.pos);
    return out;
  }();
  CHECK(bomb.size() < 100000);
  Decompressor decompressor;
  check_refused([&] { decompressor.decompress(tagged(1, bomb), 64 << 20); }, Errc::limit_exceeded);
  // The same as a message of a stream that claims little.
  Bytes message;
  ByteWriter out(message);
  out.u8(1);
  out.varint(1000);
  out.bytes(bomb);
  check_refused([&] { StreamDecompressor().decompress(message, 64 << 20); }, Errc::corrupt);
  message.clear();
  out.u8(1);
  out.varint(1u << 30);
  out.bytes(bomb);
  check_refused([&] { StreamDecompressor().decompress(message, 64 << 20); }, Errc::limit_exceeded);
}

TEST_CASE("frames without a size, with a huge window or with more behind them are refused", "[compress]") {
  Decompressor decompressor;
  const auto data = text(50000);
  const auto frame_with = [&](ZSTD_cParameter parameter, int value) {
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, parameter, value);
    Bytes out(ZSTD_compressBound(data.size()) + 100);
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    ZSTD_inBuffer first{data.data(), 10, 0};  // in two steps, or zstd shrinks the window to the content
    ZSTD_compressStream2(context, &to, &first, ZSTD_e_flush);
    ZSTD_inBuffer in{data.data(), data.size(), 10};
    ZSTD_compressStream2(context, &to, &in, ZSTD_e_end);
    ZSTD_freeCCtx(context);
    out.resize(to.pos);
    return tagged(1, out);
  };
  check_refused([&] { decompressor.decompress(frame_with(ZSTD_c_contentSizeFlag, 0), 1 << 20); },
                Errc::corrupt);
  auto wide = frame_with(ZSTD_c_windowLog, 28);
  check_refused([&] { decompressor.decompress(wide, 1 << 20); }, Errc::corrupt);
  auto frame = Compressor().compress(data, 3);
  auto doubled = frame;
  doubled.insert(doubled.end(), frame.begin() + 1, frame.end());
  check_refused([&] { decompressor.decompress(doubled, 1 << 20); }, Errc::corrupt);
  check_refused([&] { decompressor.decompress(tagged(2, data), 1 << 20); }, Errc::corrupt);
  check_refused([&] { decompressor.decompress({}, 1 << 20); }, Errc::corrupt);
}

TEST_CASE("truncated and damaged frames never crash or pass a limit", "[compress]") {
  Decompressor decompressor;
  const auto data = text(3000);
  const auto frame = Compressor().compress(data, 3);
  for (std::size_t size = 1; size < frame.size(); ++size)
    check_refused([&] { decompressor.decompress(ByteView(frame).first(size), 1 << 20); }, Errc::corrupt);
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    auto flipped = frame;
    flipped[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    accept_or_refuse([&] { return decompressor.decompress(flipped, 4000); }, 4000);
  }
  CHECK(decompressor.decompress(frame, data.size()) == data);  // an error leaves the context usable
}

TEST_CASE("a prefix makes what it holds nearly free", "[compress]") {
  Compressor compressor;
  Decompressor decompressor;
  for (const std::size_t size : {100u, 20000u, 200000u, 3000000u, 9000000u}) {
    CAPTURE(size);
    const auto prefix = noise(size);
    auto data = prefix;
    for (std::size_t at = 50; at < size; at += 30000) data[at] ^= std::byte{1};
    data.insert(data.begin(), {std::byte{1}, std::byte{2}, std::byte{3}});
    const auto frame = compressor.compress_with_prefix(prefix, data, 3);
    CHECK(frame.size() < 80 + 25 * (size / 30000 + 1));
    CHECK(decompressor.decompress_with_prefix(prefix, frame, data.size()) == data);
    CHECK(compressor.compress(data, 3).size() == data.size() + 1);  // the next frame knows nothing of it
  }
  CHECK(decompressor.decompress_with_prefix({}, compressor.compress_with_prefix({}, text(500), 1), 500) ==
        text(500));
}

TEST_CASE("another prefix gives an error or other bytes", "[compress]") {
  const auto prefix = noise(100000, 1);
  const auto other = noise(100000, 2);
  const auto data = prefix;
  const auto frame = Compressor().compress_with_prefix(prefix, data, 3);
  Decompressor decompressor;
  for (const ByteView wrong : {ByteView(other), ByteView(prefix).subspan(1), ByteView{}}) {
    try {
      const auto got = decompressor.decompress_with_prefix(wrong, frame, data.size());
      CHECK(got != data);
    } catch (const Error& error) {
      CHECK(error.is(Errc::corrupt));
    }
  }
  CHECK(decompressor.decompress_with_prefix(prefix, frame, data.size()) == data);
}

TEST_CASE("a stream gives back its messages in order and remembers them", "[compress]") {
  for (const int level : {0, 1, 3, 6, 19}) {
    CAPTURE(level);
    StreamCompressor compressor(level);
    StreamDecompressor decompressor;
    std::size_t first = 0;
    for (int i = 0; i < 40; ++i) {
      const auto message = i % 7 == 3   ? Bytes{}
                           : i % 5 == 4 ? text(400000, 9)
                                        : noise(static_cast<std::size_t>(i) * 300, 5);
      const auto coded = compressor.compress(message);
      REQUIRE(decompressor.decompress(coded, message.size()) == message);
      if (i == 4) first = coded.size();
      if (i == 9 && level > 0) CHECK(coded.size() < first / 3);
    }
  }
}

TEST_CASE("a stream that rests holds little from then on, and its messages are understood all along",
          "[compress]") {
  for (const int level : {1, 3, 6, 19}) {
    CAPTURE(level);
    StreamCompressor compressor(level);
    StreamDecompressor decompressor;
    const auto passes = [&](const Bytes& message) {
      const auto coded = compressor.compress(message);
      REQUIRE(decompressor.decompress(coded, message.size()) == message);
      return coded.size();
    };
    for (std::uint64_t i = 0; i < 8; ++i) passes(text(100'000, i));
    const auto much = compressor.held_bytes();
    const auto much_at_reader = decompressor.held_bytes();
    for (int round = 0; round < 3; ++round) {
      compressor.rest();
      for (int i = 0; i < 300; ++i) passes(text(100, static_cast<std::uint64_t>(i)));
      CHECK(compressor.held_bytes() < much / 2);
      CHECK(decompressor.held_bytes() < much_at_reader / 2);
      // What one session said is remembered in the next.
      const auto unknown = passes(text(100, 1000 + static_cast<std::uint64_t>(round)));
      compressor.rest();
      CHECK(passes(text(100, 299)) < unknown);
    }
  }
}

TEST_CASE("a stream that says much after it rested remembers as much as before", "[compress]") {
  const auto large = noise(200'000);
  const auto again = [&](StreamCompressor& compressor, StreamDecompressor& decompressor) {
    for (int i = 0; i < 2; ++i) {
      const auto coded = compressor.compress(large);
      REQUIRE(decompressor.decompress(coded, large.size()) == large);
      if (i == 1) return coded.size();
    }
    return std::size_t{0};
  };
  StreamCompressor compressor(3);
  StreamDecompressor decompressor;
  for (int session = 0; session < 3; ++session) {
    CHECK(again(compressor, decompressor) < large.size() / 20);
    compressor.rest();
    const auto small = text(5000);
    CHECK(decompressor.decompress(compressor.compress(small), small.size()) == small);
  }
}

TEST_CASE("messages out of order, truncated or damaged do not pass for others", "[compress]") {
  StreamCompressor compressor(3);
  std::vector<Bytes> messages, coded;
  for (std::uint64_t i = 0; i < 4; ++i) {
    messages.push_back(text(5000, 7));
    coded.push_back(compressor.compress(messages.back()));
  }
  check_refused([&] { StreamDecompressor().decompress(coded[1], 5000); }, Errc::corrupt);
  for (std::size_t size = 0; size < coded[0].size(); ++size) {
    const auto part = ByteView(coded[0]).first(size);
    accept_or_refuse([&] { return StreamDecompressor().decompress(part, 5000); }, 5000);
  }
  for (std::size_t bit = 0; bit < coded[0].size() * 8; bit += 3) {
    auto flipped = coded[0];
    flipped[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    accept_or_refuse([&] { return StreamDecompressor().decompress(flipped, 5000); }, 5000);
  }
  StreamDecompressor decompressor;
  check_refused([&] { decompressor.decompress(coded[0], 4999); }, Errc::limit_exceeded);
  for (std::size_t i = 0; i < coded.size(); ++i)
    CHECK(decompressor.decompress(coded[i], 5000) == messages[i]);
}

TEST_CASE("a message must hold exactly what it announces", "[compress]") {
  const auto message = text(5000);
  const auto coded = StreamCompressor(3).compress(message);
  const auto announcing = [&](std::uint64_t raw_bytes) {
    ByteReader in(ByteView(coded).subspan(1));
    in.varint();
    Bytes out;
    ByteWriter writer(out);
    writer.u8(1);
    writer.varint(raw_bytes);
    writer.bytes(ByteView(coded).subspan(1 + in.offset()));
    return out;
  };
  CHECK(StreamDecompressor().decompress(announcing(5000), 1 << 20) == message);
  check_refused([&] { StreamDecompressor().decompress(announcing(4999), 1 << 20); }, Errc::corrupt);
  check_refused([&] { StreamDecompressor().decompress(announcing(5001), 1 << 20); }, Errc::corrupt);
}

}  // namespace
