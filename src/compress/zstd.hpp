// SPDX-License-Identifier: Apache-2.0
// zstd with bounded decompression. The only module that sees zstd.
//
// A frame is a tag byte and a body. Tag 0: the body is the data as it is (level 0, or less than 3 % to gain).
// Tag 1: the body is one zstd frame that names its content size, with a window of at most 128 MiB. A message
// of a stream has the same tags; behind tag 1 stand the raw size (varint) and what continues a sequence of
// zstd frames up to a flush, with windows of at most 8 MiB: a frame may go on over any number of messages,
// and one message may end a frame and begin the next. Messages with tag 0 leave the stream's history as it
// is. Readers refuse everything else.
#pragma once

#include <cstddef>
#include <memory>

#include "base/bytes.hpp"

namespace syncline::compress {

inline constexpr int level_off = 0;  ///< stored, not compressed
/// Of one-shot frames not zstd's own level 2, but one between it and 3 (docs/decisions/0010): 2.3 % more
/// bytes than 3 where 1 takes 9 % more, at 1.45 times its speed.
inline constexpr int level_lean = 2;

/// One-shot frames, reusing a context. Not thread-safe; one per thread.
class Compressor {
 public:
  Compressor();
  ~Compressor();
  Bytes compress(ByteView data, int level);
  /// Against `prefix` (ZSTD_CCtx_refPrefix, tables large enough to index all of it): both sides must have it.
  /// Bytes of the prefix more than 128 MiB behind are not used. The reader notices another prefix by digests
  /// only.
  Bytes compress_with_prefix(ByteView prefix, ByteView data, int level);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Decompressor {
 public:
  Decompressor();
  ~Decompressor();
  /// Throws Error(corrupt) for a bad frame and Error(limit_exceeded) for one that would give more
  /// than raw_bytes_max, before allocating more than that.
  Bytes decompress(ByteView frame, std::size_t raw_bytes_max);
  Bytes decompress_with_prefix(ByteView prefix, ByteView frame, std::size_t raw_bytes_max);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// One compression context over many messages, flushed at the end of each: what a session's
/// literals go through. Messages must be decompressed in the same order.
class StreamCompressor {
 public:
  explicit StreamCompressor(int level);
  ~StreamCompressor();
  Bytes compress(ByteView message);
  /// Much was said, and little is expected next: gives back the window, and with it the history. What follows
  /// has a window of 64 KiB, and the usual one again once more than that has followed.
  void rest();
  std::size_t held_bytes() const;  ///< of windows and tables, by zstd's count

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class StreamDecompressor {
 public:
  StreamDecompressor();
  ~StreamDecompressor();
  /// Same errors as Decompressor.
  Bytes decompress(ByteView message, std::size_t raw_bytes_max);
  std::size_t held_bytes() const;  ///< likewise

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace syncline::compress
