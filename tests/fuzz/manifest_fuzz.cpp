// SPDX-License-Identifier: Apache-2.0
// Manifests and tree exports from files: one coding each, damage is an Error.
#include "fuzz.hpp"
#include "manifest/codec.hpp"

using namespace syncline;

namespace {

bool same(ByteView left, ByteView right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

void decode_all(ByteView input) {
  fuzz::accept_errors([&] {
    const auto one = manifest::decode(input);
    fuzz::require(same(manifest::encode(one), input), "a manifest has one coding");
  });
  fuzz::accept_errors([&] {
    const auto local = manifest::decode_local(input);
    fuzz::require(manifest::decode_local(manifest::encode_local(local)) == local, "keyed digests survive");
  });
  fuzz::accept_errors([&] {
    const auto tree = manifest::decode_tree(input);
    fuzz::require(same(manifest::encode_tree(tree), input), "a tree has one coding");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::view(data, size);
  decode_all(input);
  // The digest at the end keeps chance away from the decoders: give them inputs that have it right.
  Bytes sealed(input.begin(), input.end());
  ByteWriter(sealed).bytes(hash::blake3(input).view());
  decode_all(sealed);
  return 0;
}
