// SPDX-License-Identifier: Apache-2.0
// Bounded decompression of frames from the peer: whole, against a prefix, and as a stream.
#include "compress/zstd.hpp"
#include "fuzz.hpp"

using namespace syncline;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t raw_bytes_max = 64 * 1024;
  fuzz::Source source(fuzz::view(data, size));
  const auto prefix = source.take(source.u8());
  const auto frame = source.rest();
  const auto bounded = [&](const Bytes& raw) {
    fuzz::require(raw.size() <= raw_bytes_max, "the bound holds");
  };

  compress::Decompressor decompressor;
  fuzz::accept_errors([&] { bounded(decompressor.decompress(frame, raw_bytes_max)); });
  fuzz::accept_errors([&] { bounded(decompressor.decompress_with_prefix(prefix, frame, raw_bytes_max)); });
  fuzz::accept_errors([&] {
    compress::StreamDecompressor stream;
    bounded(stream.decompress(prefix, raw_bytes_max));
    bounded(stream.decompress(frame, raw_bytes_max));
  });

  // A decompressor that has refused a frame still serves the next one.
  compress::Compressor compressor;
  const auto packed = compressor.compress(frame, 1);
  const auto raw = decompressor.decompress(packed, frame.size());
  fuzz::require(std::equal(raw.begin(), raw.end(), frame.begin(), frame.end()),
                "a frame gives its bytes back");
  return 0;
}
