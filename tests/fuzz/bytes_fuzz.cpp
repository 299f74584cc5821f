// SPDX-License-Identifier: Apache-2.0
// ByteReader under any order of reads, and ByteWriter giving the same bytes back.
#include "fuzz.hpp"

using namespace syncline;

namespace {

// The first half chooses the reads, the second is read.
void read_all(ByteView choices, ByteView data) {
  ByteReader in(data);
  Bytes copy;
  ByteWriter out(copy);
  for (const auto choice : choices) {
    const auto kind = static_cast<std::uint8_t>(choice);
    switch (kind % 8) {
      case 0: out.u8(in.u8()); break;
      case 1: out.u16(in.u16()); break;
      case 2: out.u32(in.u32()); break;
      case 3: out.u64(in.u64()); break;
      case 4: out.varint(in.varint()); break;
      case 5: out.svarint(in.svarint()); break;
      case 6: out.blob(in.blob(kind)); break;
      case 7: out.bytes(in.bytes(kind / 8)); break;
    }
    fuzz::require(copy.size() == in.offset(), "a value takes the bytes it was read from");
    fuzz::require(std::equal(copy.begin(), copy.end(), data.begin()), "every value has one form");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::view(data, size);
  fuzz::accept_errors([&] { read_all(input.first(size / 2), input.subspan(size / 2)); });
  return 0;
}
