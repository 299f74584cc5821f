// SPDX-License-Identifier: Apache-2.0
// BLAKE3 and keyed XXH3-128 behind the types of digest.hpp.
#include "hash/digest.hpp"

#include <blake3.h>
#include <xxhash.h>
#ifdef SYNCLINE_XXH_DISPATCH
#define XXH_DISPATCH_DISABLE_REPLACE
#include <xxh_x86dispatch.h>
#endif

namespace syncline::hash {
namespace {

Digest finalize(const blake3_hasher& state) {
  Digest out;
  blake3_hasher_finalize(&state, reinterpret_cast<std::uint8_t*>(out.bytes.data()), out.bytes.size());
  return out;
}

/// The library looks at the CPU in its first call and notes the result without a lock: that call is made
/// here, before there are threads.
const Digest of_nothing = [] {
  blake3_hasher state;
  blake3_hasher_init(&state);
  return finalize(state);
}();

}  // namespace

std::string Digest::hex() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const auto byte : bytes) {
    out.push_back(digits[std::to_integer<unsigned>(byte) >> 4]);
    out.push_back(digits[std::to_integer<unsigned>(byte) & 15]);
  }
  return out;
}

Digest blake3(ByteView data) {
  if (data.empty()) return of_nothing;
  blake3_hasher state;
  blake3_hasher_init(&state);
  blake3_hasher_update(&state, data.data(), data.size());
  return finalize(state);
}

struct Blake3::State {
  blake3_hasher hasher;
};

Blake3::Blake3() : state_(std::make_unique<State>()) { blake3_hasher_init(&state_->hasher); }
Blake3::Blake3(const Blake3& other) : state_(std::make_unique<State>(*other.state_)) {}
Blake3& Blake3::operator=(const Blake3& other) {
  *state_ = *other.state_;
  return *this;
}
Blake3::~Blake3() = default;

void Blake3::update(ByteView data) { blake3_hasher_update(&state_->hasher, data.data(), data.size()); }

Digest Blake3::finish() const { return finalize(state_->hasher); }

QuickHash QuickKey::operator()(ByteView data) const {
  // The functions for inputs of up to 240 bytes read the secret in another way and have known
  // seed-independent collisions (xxHash issue 1127); chunk/ therefore never trusts a QuickHash of so few
  // bytes.
#ifdef SYNCLINE_XXH_DISPATCH
  const auto value =
      XXH3_128bits_withSecret_dispatch(data.data(), data.size(), secret_.data(), secret_.size());
#else
  const auto value = XXH3_128bits_withSecret(data.data(), data.size(), secret_.data(), secret_.size());
#endif
  return {value.low64, value.high64};
}

}  // namespace syncline::hash
