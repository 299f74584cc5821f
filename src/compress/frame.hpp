// SPDX-License-Identifier: Apache-2.0
// What one-shot frames and streams have in common: the tag byte and zstd's errors as ours.
#pragma once

#include <zstd.h>

#include <memory>
#include <string>

#include "base/bytes.hpp"

namespace syncline::compress {

/// First byte of every frame and message.
enum class Tag : std::uint8_t {
  stored = 0,  ///< the bytes as they are
  compressed =
      1,  ///< one zstd frame with its content size (one-shot); varint raw size, then flushed blocks (stream)
};

/// Largest window that a decompressor accepts: 128 MiB, zstd's own default bound.
inline constexpr int window_log_max = 27;
/// Compressed data must be at least 3 % smaller, or it is stored.
inline constexpr std::size_t gain_divisor = 33;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
using CompressContext = std::unique_ptr<ZSTD_CCtx, FreeContext>;
using DecompressContext = std::unique_ptr<ZSTD_DCtx, FreeContext>;

CompressContext new_compress_context();
/// Refuses frames with a larger window.
DecompressContext new_decompress_context(int window_log);

/// For compression and parameters, where an error means want of memory or our mistake. Returns `result`.
std::size_t check_compress(std::size_t result, const char* what);
/// Throws Error(corrupt).
[[noreturn]] void corrupt(const std::string& what);

Bytes stored(ByteView data);
/// Content of a stored frame. Throws Error(limit_exceeded).
Bytes unstored(ByteView body, std::size_t raw_bytes_max);
/// Tag of a frame; throws Error(corrupt) for none or an unknown one.
Tag tag_of(ByteView frame);

}  // namespace syncline::compress
