// SPDX-License-Identifier: Apache-2.0
// Timetables and accounts.
#include "wire/rate.hpp"

#include <algorithm>
#include <ctime>

namespace syncline::wire {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t day_seconds = 24 * 60 * 60;
constexpr std::int64_t week_ns = 7 * day_seconds * second_ns;

std::optional<std::uint64_t> lower_of(std::optional<std::uint64_t> one, std::optional<std::uint64_t> other) {
  if (!one || !other) return one ? one : other;
  return std::min(*one, *other);
}

}  // namespace

std::int64_t local_week_second(std::int64_t now_ns) {
  const std::time_t seconds = now_ns / second_ns;
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  const int day = (parts.tm_wday + 6) % 7;  // Monday first
  // A leap second counts as the one before it: the next minute begins one second late.
  return day * day_seconds + parts.tm_hour * 3600 + parts.tm_min * 60 + std::min(parts.tm_sec, 59);
}

RateTable::RateTable(std::vector<RateSlot> slots, std::int64_t week_second, std::int64_t now_ns)
    : slots_(std::move(slots)), week_begin_ns_(now_ns - week_second * second_ns) {}

RateTable RateTable::constant(std::optional<std::uint64_t> bytes_per_second) {
  RateTable out;
  out.set_ceiling(bytes_per_second);
  return out;
}

/// Before the first slot of a week, the last one of the week before still holds.
std::optional<std::uint64_t> RateTable::rate_at(std::int64_t now_ns) const {
  if (slots_.empty()) return ceiling_;
  const auto in_week_ns = ((now_ns - week_begin_ns_) % week_ns + week_ns) % week_ns;
  const auto minute = static_cast<std::uint16_t>(in_week_ns / (60 * second_ns));
  const auto after = std::ranges::upper_bound(slots_, minute, {}, &RateSlot::week_minute);
  const auto& slot = after == slots_.begin() ? slots_.back() : *std::prev(after);
  const auto rate = slot.bytes_per_second;
  return lower_of(rate == 0 ? std::nullopt : std::optional(rate), ceiling_);
}

std::chrono::nanoseconds RateAccount::wait(Moment now, std::optional<std::uint64_t> rate) {
  const auto passed = at_ ? std::chrono::duration<double>(now - *at_).count() : 0.0;
  at_ = now;
  if (!rate) {
    balance_bytes_ = 0;
    return {};
  }
  const auto bytes_per_second = static_cast<double>(*rate);
  balance_bytes_ = std::min(balance_bytes_ + bytes_per_second * std::max(passed, 0.0), bytes_per_second / 8);
  if (balance_bytes_ >= 0) return {};
  // Beyond an hour the caller asks again long before.
  const std::chrono::duration<double> due(std::min(-balance_bytes_ / bytes_per_second, 3600.0));
  return std::chrono::duration_cast<std::chrono::nanoseconds>(due) + std::chrono::nanoseconds(1);
}

}  // namespace syncline::wire
