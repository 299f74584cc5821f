// SPDX-License-Identifier: Apache-2.0
// How fast a side may send: a timetable over the week, and the account that holds a sender back. Without I/O.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace syncline::wire {

/// From this minute of every week on, until the next one.
struct RateSlot {
  std::uint16_t week_minute = 0;       ///< 0: Monday 00:00 where the person is
  std::uint64_t bytes_per_second = 0;  ///< 0: no limit
  bool operator==(const RateSlot&) const = default;
};

inline constexpr std::uint16_t week_minutes = 7 * 24 * 60;

/// Where in the week the person's clock is, in seconds, when ours says `now_ns`.
std::int64_t local_week_second(std::int64_t now_ns);

/// What is allowed at which time.
class RateTable {
 public:
  RateTable() = default;
  /// `slots`: ascending by minute; a lone one holds always, none at all is no limit. `week_second`: of the
  /// person's week, at the clock's `now_ns`; the person may be in another time zone, and have another idea of
  /// the time.
  RateTable(std::vector<RateSlot> slots, std::int64_t week_second, std::int64_t now_ns);
  /// One rate at all times; absent: no limit.
  static RateTable constant(std::optional<std::uint64_t> bytes_per_second);

  /// In addition to the timetable; the lower one counts.
  void set_ceiling(std::optional<std::uint64_t> bytes_per_second) { ceiling_ = bytes_per_second; }
  std::optional<std::uint64_t> rate_at(std::int64_t now_ns) const;
  const std::vector<RateSlot>& slots() const { return slots_; }

 private:
  std::vector<RateSlot> slots_;
  std::int64_t week_begin_ns_ = 0;  ///< of some week of the person, by our clock
  std::optional<std::uint64_t> ceiling_;
};

/// Counts what was sent against what was allowed. After a pause at most an eighth of a second's worth may go
/// at once.
class RateAccount {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  void spend(std::uint64_t bytes) { balance_bytes_ -= static_cast<double>(bytes); }
  /// How long to hold back, if the rate stays as it is; 0: not at all. To be asked again afterwards, as the
  /// rate may change. `rate`: absent is no limit, and debts are forgotten.
  std::chrono::nanoseconds wait(Moment now, std::optional<std::uint64_t> rate);

 private:
  double balance_bytes_ = 0;
  std::optional<Moment> at_;
};

}  // namespace syncline::wire
