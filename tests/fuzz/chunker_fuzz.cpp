// SPDX-License-Identifier: Apache-2.0
// Cut points: whatever the bytes and the parameters, chunks cover the data within their bounds.
#include "chunk/chunker.hpp"
#include "fuzz.hpp"

using namespace syncline;

namespace {

void cut_all(const manifest::ChunkParams& params, ByteView data) {
  std::size_t at = 0;
  while (at < data.size()) {
    const auto length = chunk::cut_point(data.subspan(at), params);
    fuzz::require(length > 0 && length <= params.max_bytes, "a chunk is not empty and not above max_bytes");
    fuzz::require(at + length == data.size() || length >= params.min_bytes,
                  "only the last chunk is below min_bytes");
    at += length;
  }
  fuzz::require(at == data.size(), "chunks cover the data");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Source source(fuzz::view(data, size));
  manifest::ChunkParams params;
  params.avg_bytes = 32u << (source.u8() % 6);
  params.min_bytes = 1 + source.u8() % params.avg_bytes;
  params.max_bytes = params.avg_bytes + source.u16();
  fuzz::accept_errors([&] { cut_all(params, source.rest()); });
  return 0;
}
