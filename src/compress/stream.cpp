// SPDX-License-Identifier: Apache-2.0
// One context over many messages.
#include <algorithm>

#include "compress/frame.hpp"
#include "compress/zstd.hpp"

namespace syncline::compress {
namespace {

/// A session keeps its window for as long as it lives, so the bound is 8 MiB here. Levels up to 16 stay
/// within.
constexpr int stream_window_log_max = 23;
/// What levels up to zstd's default have: 512 KiB and not 2 MiB. What a message has in common with older ones
/// it has with the latest (SQLite workload 1.4 % more, kernel tree 1.5 % less), and each end of each
/// session has 3 MiB less, of which messages of a few hundred bytes touch more and more for half an hour.
constexpr int stream_window_log = 19;
constexpr int widest_plain_level = 16;

}  // namespace

struct StreamCompressor::State {
  int level;
  CompressContext context;
};

StreamCompressor::StreamCompressor(int level) : state_(std::make_unique<State>(State{level, nullptr})) {
  if (level == level_off) return;
  state_->context = new_compress_context();
  check_compress(ZSTD_CCtx_setParameter(state_->context.get(), ZSTD_c_compressionLevel, level), "zstd level");
  if (level <= ZSTD_CLEVEL_DEFAULT)
    check_compress(ZSTD_CCtx_setParameter(state_->context.get(), ZSTD_c_windowLog, stream_window_log),
                   "zstd window");
  if (level > widest_plain_level)
    check_compress(ZSTD_CCtx_setParameter(state_->context.get(), ZSTD_c_windowLog, stream_window_log_max),
                   "zstd window");
}
StreamCompressor::~StreamCompressor() = default;

Bytes StreamCompressor::compress(ByteView message) {
  if (state_->level == level_off || message.empty()) return stored(message);
  Bytes out;
  ByteWriter head(out);
  head.u8(static_cast<std::uint8_t>(Tag::compressed));
  head.varint(message.size());
  ZSTD_inBuffer in{message.data(), message.size(), 0};
  std::size_t left = 0;
  std::size_t used = out.size();
  do {  // ZSTD_e_flush is complete when it returns 0
    out.resize(used + std::max<std::size_t>(ZSTD_compressBound(in.size - in.pos), left) + 64);
    ZSTD_outBuffer to{out.data() + used, out.size() - used, 0};
    left = check_compress(ZSTD_compressStream2(state_->context.get(), &to, &in, ZSTD_e_flush), "zstd stream");
    used += to.pos;
  } while (left != 0);
  out.resize(used);
  return out;
}

struct StreamDecompressor::State {
  DecompressContext context = new_decompress_context(stream_window_log_max);
};

StreamDecompressor::StreamDecompressor() : state_(std::make_unique<State>()) {}
StreamDecompressor::~StreamDecompressor() = default;

Bytes StreamDecompressor::decompress(ByteView message, std::size_t raw_bytes_max) {
  const auto tag = tag_of(message);
  if (tag == Tag::stored) return unstored(message.subspan(1), raw_bytes_max);
  ByteReader head(message.subspan(1), "zstd message");
  const auto raw_bytes = head.varint_max(raw_bytes_max);
  const auto body = message.subspan(1 + head.offset());
  Bytes out(static_cast<std::size_t>(raw_bytes));
  ZSTD_inBuffer in{body.data(), body.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  while (in.pos < in.size) {
    const auto before = in.pos + to.pos;
    const auto result = ZSTD_decompressStream(state_->context.get(), &to, &in);
    if (ZSTD_isError(result)) corrupt(ZSTD_getErrorName(result));
    if (in.pos + to.pos == before) corrupt("message with more content than announced");
  }
  if (to.pos != to.size) corrupt("message with less content than announced");
  std::byte more;  // what did not fit would otherwise come out in front of the next message
  ZSTD_outBuffer rest{&more, 1, 0};
  const auto result = ZSTD_decompressStream(state_->context.get(), &rest, &in);
  if (ZSTD_isError(result)) corrupt(ZSTD_getErrorName(result));
  if (rest.pos != 0) corrupt("message with more content than announced");
  return out;
}

}  // namespace syncline::compress
