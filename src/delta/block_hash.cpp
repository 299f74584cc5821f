// SPDX-License-Identifier: Apache-2.0
// Evaluation and rolling of the keyed polynomial sum.
#include "delta/block_hash.hpp"

namespace syncline::delta {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t prime = (std::uint64_t{1} << 61) - 1;

/// x modulo the prime, not canonical: below 2^61 plus the high part of x.
std::uint64_t fold(Wide x) {
  return static_cast<std::uint64_t>(x & prime) + static_cast<std::uint64_t>(x >> 61);
}
std::uint64_t fold(std::uint64_t x) { return (x & prime) + (x >> 61); }

std::uint64_t canonical(std::uint64_t x) {
  x = fold(x);  // at most prime + 7
  return (x + ((x + 1) >> 61)) & prime;
}

std::uint64_t multiply(std::uint64_t a, std::uint64_t b) { return canonical(fold(Wide{a} * b)); }

/// SplitMix64 (Steele, Lea, Flood 2014): independent constants from one key.
std::uint64_t next_constant(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15u;
  std::uint64_t x = state;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

std::uint64_t byte_at(ByteView data, std::size_t at) { return std::to_integer<std::uint64_t>(data[at]); }

}  // namespace

BlockHash::BlockHash(SumKey key, std::uint32_t window_bytes, unsigned bits)
    : window_bytes_(window_bytes), mask_(~std::uint32_t{0} << (32 - bits)) {
  std::uint64_t state = key.value;
  // Below 2^60: one fold per step then keeps the rolled value below 2^64 (see roll()).
  const std::uint64_t point = (next_constant(state) >> 4) | 0x100;
  mix_a_ = next_constant(state) | 1;
  mix_b_ = next_constant(state) | 1;
  powers_[0] = 1;
  for (std::size_t i = 1; i < powers_.size(); ++i) powers_[i] = multiply(powers_[i - 1], point);
  std::uint64_t window_power = 1;
  std::uint64_t square = point;
  for (std::uint32_t n = window_bytes; n != 0; n >>= 1, square = multiply(square, square))
    if (n & 1) window_power = multiply(window_power, square);
  for (std::uint64_t byte = 0; byte < leaving_.size(); ++byte)
    leaving_[byte] = canonical(prime - multiply(byte, window_power));
}

std::uint32_t BlockHash::finish(std::uint64_t value) const {
  // The shift between two products matters: without it one edit made in many blocks (a counter in every
  // record) changes every product by the same amount, and a key that is bad for one of these blocks is bad
  // for half of them.
  std::uint64_t x = canonical(value) * mix_a_;
  x ^= x >> 32;
  return static_cast<std::uint32_t>((x * mix_b_) >> 32) & mask_;
}

std::uint64_t BlockHash::evaluate(ByteView block) const {
  const auto& k = powers_;
  std::uint64_t value = 0;
  std::size_t at = 0;
  for (; at + 8 <= block.size(); at += 8) {
    Wide next = Wide{value} * k[8];
    next += Wide{byte_at(block, at)} * k[7] + Wide{byte_at(block, at + 1)} * k[6];
    next += Wide{byte_at(block, at + 2)} * k[5] + Wide{byte_at(block, at + 3)} * k[4];
    next += Wide{byte_at(block, at + 4)} * k[3] + Wide{byte_at(block, at + 5)} * k[2];
    next += Wide{byte_at(block, at + 6)} * k[1] + byte_at(block, at + 7);
    value = fold(fold(next));
  }
  for (; at < block.size(); ++at) value = fold(fold(Wide{value} * k[1] + byte_at(block, at)));
  return value;
}

void BlockHash::roll(ByteView data, std::span<std::uint32_t> sums) const {
  if (sums.empty()) return;
  constexpr std::size_t lanes = 4;
  const auto* bytes = reinterpret_cast<const unsigned char*>(data.data());
  const std::size_t window = window_bytes_;
  const std::uint64_t point = powers_[1];
  // value < 2^64 stays so: fold gives at most 2^61 + value * 2^60 / 2^61, the two terms add 2^61 + 2^8.
  const auto step = [&](std::uint64_t value, std::size_t at) {
    return fold(Wide{value} * point) + bytes[at + window] + leaving_[bytes[at]];
  };
  const std::size_t length = sums.size() < window ? 0 : sums.size() / lanes;
  if (length != 0) {
    const auto start = [&](std::size_t lane) { return evaluate(data.subspan(lane * length, window)); };
    std::uint64_t a = start(0), b = start(1), c = start(2), d = start(3);
    for (std::size_t i = 0;; ++i) {
      sums[i] = finish(a);
      sums[length + i] = finish(b);
      sums[2 * length + i] = finish(c);
      sums[3 * length + i] = finish(d);
      if (i + 1 == length) break;
      a = step(a, i);
      b = step(b, length + i);
      c = step(c, 2 * length + i);
      d = step(d, 3 * length + i);
    }
  }
  std::size_t at = lanes * length;  // the rest, or all of a short range, one by one
  if (at == sums.size()) return;
  std::uint64_t rest = evaluate(data.subspan(at, window));
  for (; at + 1 < sums.size(); ++at) {
    sums[at] = finish(rest);
    rest = step(rest, at);
  }
  sums[at] = finish(rest);
}

}  // namespace syncline::delta
