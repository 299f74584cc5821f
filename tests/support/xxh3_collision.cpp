// SPDX-License-Identifier: Apache-2.0
// How to collide XXH3 when its secret is known.
//
// Long inputs are eaten in stripes of 8 words. Word i of stripe s meets the secret word k(s, i), which
// starts 8 * (s + i) bytes into the secret, and changes two of eight sums:
//     sum[i ^ 1] += word
//     sum[i]     += low32(word ^ k) * high32(word ^ k)
// Give word 0 of stripe 0 and word 0 of stripe 1 the low halves of their secret words. Then both products
// are zero whatever the high halves are, and only the total of the two words remains, in
// sum[1]: trading the high halves changes nothing. (No scrambling lies between two stripes of one block.)
#include "support/xxh3_collision.hpp"

namespace syncline::test {
namespace {

// The first 16 bytes of the default secret (xxHash specification, "XXH3 default secret").
constexpr unsigned char secret_start[] = {0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe,
                                          0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c};
constexpr std::size_t stripe_bytes = 64;
constexpr std::size_t half_bytes = 4;

void set_word(Bytes& out, std::size_t stripe, std::uint32_t high) {
  std::memcpy(out.data() + stripe * stripe_bytes, secret_start + 8 * stripe, half_bytes);
  std::memcpy(out.data() + stripe * stripe_bytes + half_bytes, &high, half_bytes);
}

}  // namespace

std::pair<Bytes, Bytes> xxh3_collision() {
  Bytes one(64 * 1024);
  for (std::size_t i = 0; i < one.size(); ++i) one[i] = static_cast<std::byte>(i * i / 7);
  Bytes other = one;
  set_word(one, 0, 1);
  set_word(one, 1, 1000);
  set_word(other, 0, 1000);
  set_word(other, 1, 1);
  return {one, other};
}

}  // namespace syncline::test
