// SPDX-License-Identifier: Apache-2.0
// What every fuzz target shares: input as bytes, the one permitted exception, checks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace syncline::fuzz {

inline ByteView view(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const std::byte*>(data), size};
}

/// Stops the target with a finding.
inline void require(bool condition, const char* claim) {
  if (condition) return;
  std::fprintf(stderr, "not true: %s\n", claim);
  std::abort();
}

/// Runs `decode`; an Error is a good answer to bad input, anything else that is thrown a finding.
template <class Decode>
void accept_errors(Decode decode) {
  try {
    decode();
  } catch (const Error&) {}
}

/// Cuts pieces off the front of the input, so that one input drives several values.
class Source {
 public:
  explicit Source(ByteView in) : in_(in) {}
  std::uint8_t u8() {
    if (in_.empty()) return 0;
    const auto out = static_cast<std::uint8_t>(in_[0]);
    in_ = in_.subspan(1);
    return out;
  }
  std::uint32_t u16() {
    const std::uint32_t low = u8();
    return low | static_cast<std::uint32_t>(u8()) << 8;
  }
  /// At most `count` bytes.
  ByteView take(std::size_t count) {
    const auto out = in_.first(count < in_.size() ? count : in_.size());
    in_ = in_.subspan(out.size());
    return out;
  }
  ByteView rest() { return take(in_.size()); }

 private:
  ByteView in_;
};

}  // namespace syncline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
