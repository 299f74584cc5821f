// SPDX-License-Identifier: Apache-2.0
#include "cli/numbers.hpp"

#include <cmath>

#include "support/catch.hpp"

namespace syncline::cli {
namespace {

TEST_CASE("counts print at rsync's four levels", "[numbers]") {
  CHECK(format_count(1234567, 0) == "1234567");
  CHECK(format_count(0, 1) == "0");
  CHECK(format_count(999, 1) == "999");
  CHECK(format_count(1000, 1) == "1,000");
  CHECK(format_count(1234567, 1) == "1,234,567");
  CHECK(format_count(999, 2) == "999");
  CHECK(format_count(1234567, 2) == "1.23M");
  CHECK(format_count(1023, 3) == "1,023");
  CHECK(format_count(1024, 3) == "1.00K");
  CHECK(format_count(UINT64_MAX, 1) == "18,446,744,073,709,551,615");
  CHECK(format_count(UINT64_MAX, 2) == "18.45E");
}

TEST_CASE("decimals print two digits and nothing that is no number", "[numbers]") {
  CHECK(format_decimal(1234.5, 1) == "1,234.50");
  CHECK(format_decimal(1234.5, 0) == "1234.50");
  CHECK(format_decimal(12345.6, 2) == "12.35K");
  CHECK(format_decimal(std::nan(""), 1) == "0.00");
  CHECK(format_decimal(INFINITY, 1) == "0.00");
}

TEST_CASE("sizes never take more than seven columns", "[numbers]") {
  CHECK(format_size(0) == "0 B");
  CHECK(format_size(999) == "999 B");
  CHECK(format_size(999.7) == "1.00 kB");
  CHECK(format_size(1000) == "1.00 kB");
  CHECK(format_size(12'345) == "12.3 kB");
  CHECK(format_size(9'996) == "10.0 kB");
  CHECK(format_size(99'960) == "100 kB");
  CHECK(format_size(999'499) == "999 kB");
  CHECK(format_size(999'500) == "1.00 MB");
  for (double size = 1; size < 1e20; size *= 1.07) CHECK(format_size(size).size() <= 7);
}

TEST_CASE("durations stop counting at a hundred hours", "[numbers]") {
  CHECK(format_duration(0) == "0:00");
  CHECK(format_duration(59.4) == "0:59");
  CHECK(format_duration(3599) == "59:59");
  CHECK(format_duration(3600) == "1:00:00");
  CHECK(format_duration(360'000) == ">99h");
  CHECK(format_duration(INFINITY) == ">99h");
}

TEST_CASE("moments are RFC 3339 in UTC", "[numbers]") {
  CHECK(format_moment(0) == "1970-01-01T00:00:00.000Z");
  CHECK(format_moment(1'767'323'045'678'999'999) == "2026-01-02T03:04:05.678Z");
}

TEST_CASE("UTF-8 is told from what only looks like it", "[numbers]") {
  CHECK(is_utf8("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x99\x82"));
  for (const auto* bad :
       {"\xFF", "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xE2\x82"})
    CHECK_FALSE(is_utf8(bad));
}

TEST_CASE("base 64 pads as RFC 4648 shows", "[numbers]") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xFF\xFE") == "//4=");
}

TEST_CASE("base 64 comes back, and nothing else is taken for it", "[numbers]") {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) {
    CHECK(from_base64(base64(bytes)) == bytes);
    bytes += static_cast<char>(byte);
  }
  for (const auto* text :
       {"Zg=", "Zg", "Zg==Zg==", "Z===", "====", "Zh==", "Zm9=", "Zm9\n", "Zm9-", "=m9v"}) {
    CAPTURE(text);
    CHECK_FALSE(from_base64(text));
  }
}

}  // namespace
}  // namespace syncline::cli
