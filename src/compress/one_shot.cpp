// SPDX-License-Identifier: Apache-2.0
// One-shot frames, with and without a prefix.
#include <algorithm>
#include <bit>

#include "compress/frame.hpp"
#include "compress/zstd.hpp"

namespace syncline::compress {
namespace {

/// Tables large enough to index this many bytes. The greatest windows that zstd picks by itself (2 MiB at
/// levels 1-3) would leave the start of a long prefix out; its tables (2^17 entries) would keep one position
/// in many. Beyond 4 Mi positions the long-distance matcher, which samples, finds the bulk of it for less
/// memory.
void size_tables(ZSTD_CCtx* context, std::size_t indexed_bytes) {
  const int log = std::clamp(static_cast<int>(std::bit_width(indexed_bytes)), 10, window_log_max);
  const auto set = [&](ZSTD_cParameter parameter, int value) {
    check_compress(ZSTD_CCtx_setParameter(context, parameter, value), "zstd parameter");
  };
  set(ZSTD_c_windowLog, log);
  set(ZSTD_c_hashLog, std::min(log, 22));
  set(ZSTD_c_chainLog, std::min(log, 22));
  if (log > 20) {
    set(ZSTD_c_enableLongDistanceMatching, 1);
    set(ZSTD_c_ldmHashLog, std::min(log - 2, 22));
    set(ZSTD_c_ldmHashRateLog, std::max(0, log - 24));
    set(ZSTD_c_ldmMinMatch, 32);
  }
}

/// Level 1's search with a table of a quarter of a MiB, which stays in a core's cache: see level_lean.
void take_lean_tables(ZSTD_CCtx* context) {
  const auto set = [&](ZSTD_cParameter parameter, int value) {
    check_compress(ZSTD_CCtx_setParameter(context, parameter, value), "zstd parameter");
  };
  set(ZSTD_c_strategy, ZSTD_fast);
  set(ZSTD_c_minMatch, 5);
  set(ZSTD_c_windowLog, 20);
  set(ZSTD_c_hashLog, 16);
}

}  // namespace

struct Compressor::State {
  CompressContext context = new_compress_context();
  Bytes scratch;  ///< kept: to clear room for each result costs a tenth of compressing

  Bytes compress(ByteView prefix, ByteView data, int level) {
    if (level == level_off || data.empty()) return stored(data);
    auto* const raw = context.get();
    check_compress(ZSTD_CCtx_reset(raw, ZSTD_reset_session_and_parameters), "zstd reset");
    check_compress(ZSTD_CCtx_setParameter(raw, ZSTD_c_compressionLevel, level), "zstd level");
    if (level == level_lean) take_lean_tables(raw);
    if (!prefix.empty()) {
      size_tables(raw, prefix.size() + data.size());
      check_compress(ZSTD_CCtx_refPrefix(raw, prefix.data(), prefix.size()), "zstd prefix");
    }
    const auto bound = ZSTD_compressBound(data.size());
    if (scratch.size() < bound) scratch.resize(bound);
    const auto size = ZSTD_compress2(raw, scratch.data(), scratch.size(), data.data(), data.size());
    check_compress(size, "zstd compress");
    if (size + data.size() / gain_divisor >= data.size()) return stored(data);
    Bytes out;
    out.reserve(1 + size);
    out.push_back(static_cast<std::byte>(Tag::compressed));
    out.insert(out.end(), scratch.begin(), scratch.begin() + static_cast<std::ptrdiff_t>(size));
    return out;
  }
};

Compressor::Compressor() : state_(std::make_unique<State>()) {}
Compressor::~Compressor() = default;
Bytes Compressor::compress(ByteView data, int level) { return state_->compress({}, data, level); }
Bytes Compressor::compress_with_prefix(ByteView prefix, ByteView data, int level) {
  return state_->compress(prefix, data, level);
}

struct Decompressor::State {
  DecompressContext context = new_decompress_context(window_log_max);

  Bytes decompress(ByteView prefix, ByteView frame, std::size_t raw_bytes_max) {
    const auto tag = tag_of(frame);
    const auto body = frame.subspan(1);
    if (tag == Tag::stored) return unstored(body, raw_bytes_max);
    const auto content = ZSTD_getFrameContentSize(body.data(), body.size());
    if (content == ZSTD_CONTENTSIZE_ERROR) corrupt("not a frame");
    if (content == ZSTD_CONTENTSIZE_UNKNOWN) corrupt("frame without its content size");
    if (content > raw_bytes_max) throw Error(Errc::limit_exceeded, "zstd frame content");
    // One frame and nothing after it: ZSTD_decompressDCtx would decode all that follow.
    if (ZSTD_findFrameCompressedSize(body.data(), body.size()) != body.size())
      corrupt("frame of another length");
    check_compress(ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_only), "zstd reset");
    if (!prefix.empty())
      check_compress(ZSTD_DCtx_refPrefix(context.get(), prefix.data(), prefix.size()), "zstd prefix");
    Bytes out(static_cast<std::size_t>(content));
    const auto size = ZSTD_decompressDCtx(context.get(), out.data(), out.size(), body.data(), body.size());
    if (ZSTD_isError(size)) corrupt(ZSTD_getErrorName(size));
    if (size != out.size()) corrupt("content of another size than announced");
    return out;
  }
};

Decompressor::Decompressor() : state_(std::make_unique<State>()) {}
Decompressor::~Decompressor() = default;
Bytes Decompressor::decompress(ByteView frame, std::size_t raw_bytes_max) {
  return state_->decompress({}, frame, raw_bytes_max);
}
Bytes Decompressor::decompress_with_prefix(ByteView prefix, ByteView frame, std::size_t raw_bytes_max) {
  return state_->decompress(prefix, frame, raw_bytes_max);
}

}  // namespace syncline::compress
