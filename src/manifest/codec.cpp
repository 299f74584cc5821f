// SPDX-License-Identifier: Apache-2.0
// Saved manifests of one file.
#include "manifest/codec.hpp"

#include "manifest/body_codec.hpp"

namespace syncline::manifest {
namespace {

constexpr std::size_t record_bytes_usual = 36;

Bytes encode_with(const Manifest& manifest, std::uint8_t flags) {
  Bytes data;
  data.reserve(64 + manifest.chunks.size() * record_bytes_usual);
  ByteWriter out(data);
  write_header(out, manifest_magic, flags);
  write_body(out, manifest);
  if ((flags & flag_quick) != 0) {
    for (const auto& chunk : manifest.chunks) {
      out.u64(chunk.quick.low);
      out.u64(chunk.quick.high);
    }
  }
  write_trailer(out);
  return data;
}

Manifest decode_with(ByteView data, std::uint8_t flags_allowed) {
  ByteReader in(data, "manifest");
  const auto flags = read_header(in, manifest_magic, flags_allowed);
  auto manifest = read_body(in);
  if ((flags & flag_quick) != 0) {
    for (auto& chunk : manifest.chunks) {
      chunk.quick.low = in.u64();
      chunk.quick.high = in.u64();
    }
  }
  read_trailer(in, data);
  return manifest;
}

}  // namespace

Bytes encode(const Manifest& manifest) { return encode_with(manifest, 0); }

Bytes encode_local(const Manifest& manifest) { return encode_with(manifest, flag_quick); }

Manifest decode(ByteView data) { return decode_with(data, 0); }

Manifest decode_local(ByteView data) { return decode_with(data, flag_quick); }

}  // namespace syncline::manifest
