// SPDX-License-Identifier: Apache-2.0
// Chunk sizes by file size, and the digest that names a file.
#include <set>

#include "base/limits.hpp"
#include "chunk_data.hpp"
#include "manifest/manifest.hpp"
#include "support/catch.hpp"

namespace {

using namespace syncline;
using manifest::Chunk;
using manifest::ChunkParams;
using manifest::Manifest;
using manifest::params_for_size;

constexpr std::uint64_t gib_bytes = 1024 * limits::mib;

TEST_CASE("chunks grow fourfold for every factor of four above 8 GiB", "[manifest]") {
  CHECK(params_for_size(0) == ChunkParams{8192, 16384, 65536});
  CHECK(params_for_size(8 * gib_bytes) == ChunkParams{8192, 16384, 65536});
  CHECK(params_for_size(8 * gib_bytes + 1) == ChunkParams{32768, 65536, 262144});
  CHECK(params_for_size(32 * gib_bytes) == ChunkParams{32768, 65536, 262144});
  CHECK(params_for_size(32 * gib_bytes + 1) == ChunkParams{131072, 262144, 1048576});
  CHECK(params_for_size(128 * gib_bytes) == ChunkParams{131072, 262144, 1048576});
  CHECK(params_for_size(128 * gib_bytes + 1) == ChunkParams{524288, 1048576, 2097152});
}

TEST_CASE("a chunk of any size class fits into a frame", "[manifest]") {
  for (const std::uint64_t size : {std::uint64_t{0}, 9 * gib_bytes, 33 * gib_bytes, 129 * gib_bytes,
                                   1024 * gib_bytes, ~std::uint64_t{0}}) {
    CAPTURE(size);
    CHECK(params_for_size(size).max_bytes < limits::frame_bytes_max);
  }
}

TEST_CASE("a file root changes with every field that the content determines and with nothing else",
          "[manifest]") {
  Chunk chunk;
  chunk.id = hash::blake3(as_bytes("a"));
  chunk.length_bytes = 1;
  const Manifest base{{}, 2, {chunk, chunk}};
  std::set<hash::Digest> roots{base.root()};
  const auto add = [&](auto change) {
    auto changed = base;
    change(changed);
    CHECK(roots.insert(changed.root()).second);
  };
  add([](Manifest& m) { m.params.min_bytes = 1; });
  add([](Manifest& m) { m.params.avg_bytes = 1; });
  add([](Manifest& m) { m.params.max_bytes = 1; });
  add([](Manifest& m) { m.size_bytes = 3; });
  add([](Manifest& m) { m.chunks[1].length_bytes = 2; });
  add([](Manifest& m) { m.chunks[1].repeat_count = 2; });
  add([](Manifest& m) { m.chunks[1].id.bytes[31] ^= std::byte{1}; });
  add([](Manifest& m) { m.chunks.pop_back(); });
  add([](Manifest& m) { m.chunks.clear(); });

  auto elsewhere = base;
  elsewhere.chunks[0].quick = {1, 2};  // local knowledge
  CHECK(elsewhere.root() == base.root());
}

TEST_CASE("a file root of many chunks does not depend on how it is fed to the hash", "[manifest]") {
  Manifest manifest;
  Bytes coding;
  ByteWriter out(coding);
  out.bytes(as_bytes("syncline file root 1\n"));
  out.u32(8192);
  out.u32(16384);
  out.u32(65536);
  out.u64(1'000'000);
  manifest.size_bytes = 1'000'000;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    Chunk chunk;
    chunk.id.bytes[0] = static_cast<std::byte>(i);
    chunk.length_bytes = i;
    chunk.repeat_count = i + 1;
    manifest.chunks.push_back(chunk);
    out.u32(i);
    out.u32(i + 1);
    out.bytes(chunk.id.view());
  }
  CHECK(manifest.root() == hash::blake3(coding));
}

}  // namespace
