// SPDX-License-Identifier: Apache-2.0
// Contexts, errors and stored frames.
#include "compress/frame.hpp"

#include <zstd_errors.h>

#include <new>

namespace syncline::compress {

CompressContext new_compress_context() {
  CompressContext context(ZSTD_createCCtx());
  if (!context) throw std::bad_alloc();
  return context;
}

DecompressContext new_decompress_context(int window_log) {
  DecompressContext context(ZSTD_createDCtx());
  if (!context) throw std::bad_alloc();
  check_compress(ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, window_log), "zstd window bound");
  return context;
}

std::size_t check_compress(std::size_t result, const char* what) {
  if (!ZSTD_isError(result)) return result;
  if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation) throw std::bad_alloc();
  throw Error(Errc::unsupported, std::string(what) + ": " + ZSTD_getErrorName(result));
}

void corrupt(const std::string& what) { throw Error(Errc::corrupt, "zstd: " + what); }

Bytes stored(ByteView data) {
  Bytes out;
  out.reserve(data.size() + 1);
  out.push_back(static_cast<std::byte>(Tag::stored));
  out.insert(out.end(), data.begin(), data.end());
  return out;
}

Bytes unstored(ByteView body, std::size_t raw_bytes_max) {
  if (body.size() > raw_bytes_max) throw Error(Errc::limit_exceeded, "stored data");
  return Bytes(body.begin(), body.end());
}

Tag tag_of(ByteView frame) {
  if (frame.empty()) corrupt("empty frame");
  const auto tag = std::to_integer<std::uint8_t>(frame[0]);
  if (tag > static_cast<std::uint8_t>(Tag::compressed)) corrupt("unknown tag");
  return static_cast<Tag>(tag);
}

}  // namespace syncline::compress
