// SPDX-License-Identifier: Apache-2.0
// Private to tests/trust: keys, clocks and random numbers that a test chooses.
#pragma once

#include <sys/stat.h>

#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/world.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"
#include "trust/fingerprint.hpp"

namespace syncline::test {

class FakeClock final : public Clock {
 public:
  std::int64_t now_ns() const override { return now_s * 1'000'000'000; }
  std::chrono::steady_clock::time_point steady() const override { return {}; }
  std::int64_t now_s = 1'800'000'000;
};

/// The given bytes first, then numbers that go on counting.
class FakeRandom final : public Random {
 public:
  explicit FakeRandom(Bytes first = {}) : next_(std::move(first)) {}
  void fill(std::span<std::byte> out) override {
    for (auto& byte : out) byte = at_ < next_.size() ? next_[at_++] : static_cast<std::byte>(count_++);
  }

 private:
  Bytes next_;
  std::size_t at_ = 0;
  unsigned count_ = 0;
};

inline Bytes from_hex(std::string_view hex) {
  Bytes out;
  for (std::size_t k = 0; k + 1 < hex.size(); k += 2)
    out.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(k, 2)), nullptr, 16)));
  return out;
}

inline std::string to_hex(ByteView bytes) {
  std::string out;
  for (const auto byte : bytes) {
    out += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
    out += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
  }
  return out;
}

/// A fingerprint of 32 equal bytes.
inline trust::Fingerprint key_of(unsigned value) {
  trust::Fingerprint out;
  out.bytes.fill(static_cast<std::byte>(value));
  return out;
}

/// The error that `call` throws; a code of zero when it does not.
template <class Call>
Error error_of(Call&& call) {
  try {
    call();
    return Error(0, "nothing was thrown");
  } catch (const Error& error) {
    return error;
  }
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

/// A file with the mode that the program gives it.
inline void write_with_mode(const TempDir& temp, const std::string& name, const std::string& content,
                            unsigned mode = 0600) {
  temp.write(name, content);
  REQUIRE(::chmod(temp.path(name).c_str(), mode) == 0);
}

inline unsigned mode_of(const std::string& path) {
  struct ::stat raw {};
  REQUIRE(::stat(path.c_str(), &raw) == 0);
  return raw.st_mode & 07777;
}

}  // namespace syncline::test
