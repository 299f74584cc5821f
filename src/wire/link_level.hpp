// SPDX-License-Identifier: Apache-2.0
// Which zstd level suits a connection, from how it takes what is sent. Without I/O.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace syncline::wire {

/// A look at a connection, just before a frame is handed to it.
struct LinkView {
  std::chrono::nanoseconds at{};           ///< of a steady clock
  std::uint64_t sent_bytes = 0;            ///< that the connection has taken so far
  std::uint64_t waiting_bytes = 0;         ///< that it has not taken yet
  std::chrono::nanoseconds compressing{};  ///< spent in compressors so far, all threads together
};

/// Judges a connection a few times a second. As long as frames wait for it, it is what limits us, and the
/// rate at which it takes them is its speed: the slower, the harder we compress. Where it waits for us and
/// our time goes into compressing, we compress less. Where neither is so (a slow disk, nothing to send), what
/// was found before holds.
class LinkLevel {
 public:
  static constexpr int level_default = 2;
  /// docs/decisions/0010-compression-level.md: 6 up to 10 Mbit/s, 3 up to 100, 2 up to 2,500, 1, and none
  /// from 10 Gbit/s on.
  static int level_for(double bytes_per_second);

  void observe(const LinkView& view);
  int level() const { return level_; }

 private:
  void judge();

  int level_ = level_default;
  std::optional<LinkView> last_;
  std::chrono::nanoseconds busy_{};  ///< since the last judgement: frames waited all the time
  std::chrono::nanoseconds idle_{};
  std::chrono::nanoseconds compressing_{};
  std::uint64_t busy_bytes_ = 0;
};

}  // namespace syncline::wire
