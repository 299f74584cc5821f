// SPDX-License-Identifier: Apache-2.0
#include "wire/rate.hpp"

#include <cstdlib>
#include <ctime>

#include "support/catch.hpp"

using namespace syncline::wire;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t day = 24 * 60 * 60;

/// While it lives, local time is that of `zone`.
class TimeZone {
 public:
  explicit TimeZone(const char* zone) : before_(std::getenv("TZ") != nullptr ? std::getenv("TZ") : "") {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  ~TimeZone() {
    if (before_.empty()) ::unsetenv("TZ");
    else ::setenv("TZ", before_.c_str(), 1);
    ::tzset();
  }

 private:
  std::string before_;
};

RateAccount::Moment at(std::chrono::nanoseconds since) { return RateAccount::Moment(since); }

}  // namespace

TEST_CASE("a week begins on Monday, where the person is", "[wire]") {
  const std::int64_t thursday = 0;  // 1970-01-01 00:00 UTC
  {
    const TimeZone utc("UTC0");
    CHECK(local_week_second(thursday) == 3 * day);
    CHECK(local_week_second(4 * day * second_ns) == 0);
    CHECK(local_week_second(4 * day * second_ns - 1) == 7 * day - 1);
  }
  const TimeZone east("XYZ-2");
  CHECK(local_week_second(thursday) == 3 * day + 7200);
  CHECK(local_week_second((4 * day - 7200) * second_ns) == 0);
}

TEST_CASE("what a timetable says holds until its next entry, also around the end of the week", "[wire]") {
  const std::int64_t now = 1'000'000 * second_ns;
  const auto rate_at = [&](std::vector<RateSlot> slots, std::int64_t week_second) {
    return RateTable(std::move(slots), week_second, now).rate_at(now);
  };
  const std::vector<RateSlot> two{{480, 1000}, {1140, 0}};  // Monday 08:00 and 19:00
  CHECK_FALSE(rate_at(two, 0));
  CHECK_FALSE(rate_at(two, 480 * 60 - 1));
  CHECK(rate_at(two, 480 * 60) == 1000u);
  CHECK(rate_at(two, 1140 * 60 - 1) == 1000u);
  CHECK_FALSE(rate_at(two, 1140 * 60));
  CHECK_FALSE(rate_at(two, 7 * day - 1));
  CHECK(rate_at({{480, 1000}, {1140, 20}}, 0) == 20u);
  CHECK(rate_at({{10'079, 7}}, 0) == 7u);
  CHECK_FALSE(rate_at({}, 5));
}

TEST_CASE("a timetable follows the clock, forwards and backwards over weeks", "[wire]") {
  const std::int64_t now = 5 * second_ns;
  const RateTable table({{0, 1}, {60, 2}}, 3599, now);  // a second before Monday 01:00
  CHECK(table.rate_at(now) == 1u);
  CHECK(table.rate_at(now + second_ns) == 2u);
  CHECK(table.rate_at(now - 3600 * second_ns) == 2u);  // Sunday before
  CHECK(table.rate_at(now + 7 * day * second_ns) == 1u);
  CHECK(table.rate_at(now + 70 * day * second_ns + second_ns) == 2u);
}

TEST_CASE("a ceiling lowers rates and takes the place of none", "[wire]") {
  RateTable table({{0, 100}, {60, 0}}, 0, 0);
  table.set_ceiling(50);
  CHECK(table.rate_at(0) == 50u);
  CHECK(table.rate_at(3600 * second_ns) == 50u);
  table.set_ceiling(500);
  CHECK(table.rate_at(0) == 100u);
  table.set_ceiling(std::nullopt);
  CHECK_FALSE(table.rate_at(3600 * second_ns));
  CHECK(RateTable::constant(3).rate_at(0) == 3u);
}

TEST_CASE("who sends waits for what was sent beyond the rate", "[wire]") {
  RateAccount account;
  CHECK(account.wait(at(1s), 1000) == 0ns);
  account.spend(1000);
  CHECK(account.wait(at(1s), 1000) / 1ms == 1000);
  CHECK(account.wait(at(1500ms), 1000) / 1ms == 500);
  CHECK(account.wait(at(1500ms), 4000) / 1ms == 125);  // the rate has changed meanwhile
  CHECK(account.wait(at(2001ms), 1000) == 0ns);
}

TEST_CASE("a pause saves no more than an eighth of a second's worth", "[wire]") {
  RateAccount account;
  (void)account.wait(at(0s), 800);
  (void)account.wait(at(1000s), 800);
  account.spend(100);
  CHECK(account.wait(at(1000s), 800) == 0ns);
  account.spend(80);
  CHECK(account.wait(at(1000s), 800) / 1ms == 100);
}

TEST_CASE("debts end with the limit", "[wire]") {
  RateAccount account;
  account.spend(1'000'000);
  CHECK(account.wait(at(0s), 1) > 1000s);
  CHECK(account.wait(at(0s), std::nullopt) == 0ns);
  CHECK(account.wait(at(0s), 1) == 0ns);
}
