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

/// After rest(): as much as what a few hundred small sessions say, and tables to match (docs/decisions/0022).
constexpr int narrow_window_log = 16;
constexpr int narrow_table_log = 14;
constexpr std::size_t narrow_window_bytes = std::size_t{1} << narrow_window_log;
/// A context for narrow frames is smaller, one for wide ones larger.
constexpr std::size_t narrow_context_bytes_max = 384 * 1024;

void set(ZSTD_CCtx* context, ZSTD_cParameter parameter, int value) {
  check_compress(ZSTD_CCtx_setParameter(context, parameter, value), "zstd parameter");
}

CompressContext wide_context(int level) {
  auto out = new_compress_context();
  set(out.get(), ZSTD_c_compressionLevel, level);
  if (level <= ZSTD_CLEVEL_DEFAULT) set(out.get(), ZSTD_c_windowLog, stream_window_log);
  if (level > widest_plain_level) set(out.get(), ZSTD_c_windowLog, stream_window_log_max);
  return out;
}

CompressContext narrow_context(int level) {
  auto out = new_compress_context();
  set(out.get(), ZSTD_c_compressionLevel, level);
  set(out.get(), ZSTD_c_windowLog, narrow_window_log);
  set(out.get(), ZSTD_c_hashLog, narrow_table_log);
  set(out.get(), ZSTD_c_chainLog, narrow_table_log);
  return out;
}

}  // namespace

struct StreamCompressor::State {
  explicit State(int its_level) : level(its_level) {}

  const int level;
  CompressContext context;  ///< of the frame that goes on; null: the next message begins one
  bool is_wide = true;
  bool has_rested = false;
  std::uint64_t rested_bytes = 0;  ///< messages since
  Bytes owed;                      ///< the end of a frame that was given up; goes with the next message

  void append(Bytes& out, ByteView message, ZSTD_EndDirective how) {
    ZSTD_inBuffer in{message.data(), message.size(), 0};
    std::size_t left = 0;
    std::size_t used = out.size();
    do {  // complete when it returns 0
      out.resize(used + std::max<std::size_t>(ZSTD_compressBound(in.size - in.pos), left) + 64);
      ZSTD_outBuffer to{out.data() + used, out.size() - used, 0};
      left = check_compress(ZSTD_compressStream2(context.get(), &to, &in, how), "zstd stream");
      used += to.pos;
    } while (left != 0);
    out.resize(used);
  }

  void end_frame() {
    append(owed, {}, ZSTD_e_end);
    context.reset();
  }

  void choose_frame(std::size_t message_bytes) {
    rested_bytes += message_bytes;
    const bool wants_wide = !has_rested || rested_bytes > narrow_window_bytes;
    if (context && wants_wide && !is_wide) end_frame();
    if (context) return;
    context = wants_wide ? wide_context(level) : narrow_context(level);
    is_wide = wants_wide;
  }
};

StreamCompressor::StreamCompressor(int level) : state_(std::make_unique<State>(level)) {}
StreamCompressor::~StreamCompressor() = default;

Bytes StreamCompressor::compress(ByteView message) {
  if (state_->level == level_off || message.empty()) return stored(message);
  state_->choose_frame(message.size());
  Bytes out;
  ByteWriter head(out);
  head.u8(static_cast<std::uint8_t>(Tag::compressed));
  head.varint(message.size());
  head.bytes(state_->owed);
  give_back(state_->owed);
  state_->append(out, message, ZSTD_e_flush);
  return out;
}

void StreamCompressor::rest() {
  state_->has_rested = true;
  state_->rested_bytes = 0;
  if (state_->context && state_->is_wide) state_->end_frame();
}

std::size_t StreamCompressor::held_bytes() const {
  return state_->context ? ZSTD_sizeof_CCtx(state_->context.get()) : 0;
}

struct StreamDecompressor::State {
  DecompressContext context = new_decompress_context(stream_window_log_max);

  /// At the end of a frame nothing of its window is needed any more.
  void give_back_window() {
    if (ZSTD_sizeof_DCtx(context.get()) > narrow_context_bytes_max)
      context = new_decompress_context(stream_window_log_max);
  }
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
    if (result == 0) state_->give_back_window();
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

std::size_t StreamDecompressor::held_bytes() const { return ZSTD_sizeof_DCtx(state_->context.get()); }

}  // namespace syncline::compress
