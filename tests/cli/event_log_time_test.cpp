// SPDX-License-Identifier: Apache-2.0
#include "cli/event_log_time.hpp"

#include <cstdlib>
#include <ctime>

#include "cli/numbers.hpp"
#include "support/catch.hpp"

namespace syncline::cli {
namespace {

constexpr std::int64_t now_ns = 1'767'323'045'678'000'000;  // 2026-01-02T03:04:05.678Z

/// Central European time, whatever the machine has.
class InCentralEurope {
 public:
  InCentralEurope() : before_(::getenv("TZ") != nullptr ? ::getenv("TZ") : "") {
    set("CET-1CEST,M3.5.0,M10.5.0/3");
  }
  InCentralEurope(const InCentralEurope&) = delete;
  InCentralEurope& operator=(const InCentralEurope&) = delete;
  ~InCentralEurope() { set(before_); }

 private:
  static void set(const std::string& zone) {
    if (zone.empty()) ::unsetenv("TZ");
    else ::setenv("TZ", zone.c_str(), 1);
    ::tzset();
  }
  std::string before_;
};

std::string parsed(const std::string& text) {
  const auto at = parse_moment(text, now_ns);
  return at ? format_moment(*at) : "none";
}

TEST_CASE("RFC 3339 is understood in all of its forms", "[time]") {
  CHECK(parsed("2026-01-02T03:04:05Z") == "2026-01-02T03:04:05.000Z");
  CHECK(parsed("2026-01-02t03:04:05.678z") == "2026-01-02T03:04:05.678Z");
  CHECK(parsed("2026-01-02 03:04:05.6789999Z") == "2026-01-02T03:04:05.678Z");
  CHECK(parsed("2026-01-02T03:04:05+01:30") == "2026-01-02T01:34:05.000Z");
  CHECK(parsed("2026-01-01T23:30:00-05:00") == "2026-01-02T04:30:00.000Z");
  CHECK(parsed("2024-02-29T00:00:00Z") == "2024-02-29T00:00:00.000Z");
  CHECK(parsed("2016-12-31T23:59:60Z") == "2017-01-01T00:00:00.000Z");
  CHECK(parse_moment("2026-01-02T03:04:05.678Z", 0) == now_ns);
}

TEST_CASE("what names no offset is local time", "[time]") {
  const InCentralEurope zone;
  CHECK(parsed("2026-01-02") == "2026-01-01T23:00:00.000Z");
  CHECK(parsed("2026-07-02") == "2026-07-01T22:00:00.000Z");
  CHECK(parsed("2026-01-02 03:04") == "2026-01-02T02:04:00.000Z");
  CHECK(parsed("2026-07-02 03:04:05") == "2026-07-02T01:04:05.000Z");
  CHECK(parsed("2026-01-02T03:04:05.5") == "2026-01-02T02:04:05.500Z");
  CHECK(format_local_moment(now_ns) == "2026-01-02 04:04:05.678 +0100");
}

TEST_CASE("a length is counted back from now", "[time]") {
  CHECK(parsed("5s") == "2026-01-02T03:04:00.678Z");
  CHECK(parsed("4m") == "2026-01-02T03:00:05.678Z");
  CHECK(parsed("2h") == "2026-01-02T01:04:05.678Z");
  CHECK(parsed("3d") == "2025-12-30T03:04:05.678Z");
  CHECK(parsed("1w") == "2025-12-26T03:04:05.678Z");
  CHECK(parsed("1h30m") == "2026-01-02T01:34:05.678Z");
  CHECK(parsed("0s") == "2026-01-02T03:04:05.678Z");
  CHECK(parsed("36500d") != "none");
  CHECK(parsed("36501d") == "none");
}

TEST_CASE("what is no time is none", "[time]") {
  for (const auto* text : {"",
                           " ",
                           "now",
                           "2",
                           "h",
                           "2x",
                           "2 h",
                           "-2h",
                           "2h ",
                           "99999999999999999999h",
                           "2026",
                           "2026-1-02",
                           "2026-13-01",
                           "2026-00-01",
                           "2026-02-29",
                           "2026-04-31",
                           "2026-01-32",
                           "2026-01-02T",
                           "2026-01-02 3:04",
                           "2026-01-02 24:00",
                           "2026-01-02 03:60",
                           "2026-01-02 03:04:61",
                           "2026-01-02 03:04:",
                           "2026-01-02 03:04:05.",
                           "2026-01-02T03:04:05+0100",
                           "2026-01-02T03:04:05+24:00",
                           "2026-01-02T03:04:05Zx",
                           "2026-01-02x03:04",
                           "1969-12-31",
                           "9999-12-31",
                           "20260-01-01"}) {
    CAPTURE(text);
    CHECK(parsed(text) == "none");
  }
}

}  // namespace
}  // namespace syncline::cli
