// SPDX-License-Identifier: Apache-2.0
// Parsing of moments, by hand: strptime(3) takes what is no date.
#include "cli/event_log_time.hpp"

#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "cli/numbers.hpp"

namespace syncline::cli {
namespace {

constexpr std::int64_t ns_per_second = 1'000'000'000;

/// Takes what it understands from the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  bool done() const { return text_.empty(); }
  bool take_one_of(std::string_view chars) {
    if (text_.empty() || chars.find(text_.front()) == chars.npos) return false;
    text_.remove_prefix(1);
    return true;
  }
  /// Exactly `digits` of them, `min` to `max`.
  std::optional<int> number(std::size_t digits, int min, int max) {
    if (text_.size() < digits || digit_count() < digits) return std::nullopt;
    int out = 0;
    std::from_chars(text_.data(), text_.data() + digits, out);
    text_.remove_prefix(digits);
    return out >= min && out <= max ? std::optional(out) : std::nullopt;
  }
  std::string_view digits() {
    const auto out = text_.substr(0, digit_count());
    text_.remove_prefix(out.size());
    return out;
  }

 private:
  std::size_t digit_count() const {
    std::size_t count = 0;
    while (count < text_.size() && std::isdigit(static_cast<unsigned char>(text_[count])) != 0) ++count;
    return count;
  }
  std::string_view text_;
};

std::optional<std::int64_t> parse_ago(std::string_view text, std::int64_t now_ns) {
  const auto span = parse_span(text);
  return span ? std::optional(now_ns - span->count() * ns_per_second) : std::nullopt;
}

/// Z, z or an offset, in seconds.
std::optional<std::int64_t> parse_offset(Scanner& scan) {
  if (scan.take_one_of("Zz")) return 0;
  const bool is_west = scan.take_one_of("-");
  if (!is_west && !scan.take_one_of("+")) return std::nullopt;
  const auto hours = scan.number(2, 0, 23);
  if (!hours || !scan.take_one_of(":")) return std::nullopt;
  const auto minutes = scan.number(2, 0, 59);
  if (!minutes) return std::nullopt;
  const std::int64_t seconds = *hours * 3600 + *minutes * 60;
  return is_west ? -seconds : seconds;
}

/// .678 as nanoseconds; further digits do not count.
std::optional<std::int64_t> parse_fraction(Scanner& scan) {
  if (!scan.take_one_of(".")) return 0;
  auto digits = std::string(scan.digits());
  if (digits.empty()) return std::nullopt;
  digits.resize(9, '0');
  std::int64_t out = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return out;
}

bool parse_day(Scanner& scan, std::tm& parts) {
  const auto year = scan.number(4, 1970, 9999);
  const bool has_month = year && scan.take_one_of("-");
  const auto month = has_month ? scan.number(2, 1, 12) : std::nullopt;
  const bool has_day = month && scan.take_one_of("-");
  const auto day = has_day ? scan.number(2, 1, 31) : std::nullopt;
  if (!day) return false;
  parts.tm_year = *year - 1900, parts.tm_mon = *month - 1, parts.tm_mday = *day;
  std::tm checked = parts;  // the 30th of February becomes another day
  const auto seconds = ::timegm(&checked);
  return seconds != -1 && checked.tm_mday == parts.tm_mday;
}

struct TimeOfDay {
  std::int64_t fraction_ns = 0;
  std::optional<std::int64_t> offset_s;  ///< absent: local time
};

/// HH:MM, HH:MM:SS, HH:MM:SS.FRACTION, and an offset.
std::optional<TimeOfDay> parse_time_of_day(Scanner& scan, std::tm& parts) {
  const auto hour = scan.number(2, 0, 23);
  if (!hour || !scan.take_one_of(":")) return std::nullopt;
  const auto minute = scan.number(2, 0, 59);
  if (!minute) return std::nullopt;
  parts.tm_hour = *hour, parts.tm_min = *minute;
  TimeOfDay out;
  if (scan.take_one_of(":")) {
    const auto second = scan.number(2, 0, 60);  // 60: a leap second
    const auto fraction = second ? parse_fraction(scan) : std::nullopt;
    if (!fraction) return std::nullopt;
    parts.tm_sec = *second;
    out.fraction_ns = *fraction;
  }
  if (scan.done()) return out;
  out.offset_s = parse_offset(scan);
  return out.offset_s && scan.done() ? std::optional(out) : std::nullopt;
}

std::optional<std::int64_t> parse_date(std::string_view text) {
  Scanner scan(text);
  std::tm parts{};
  if (!parse_day(scan, parts)) return std::nullopt;
  TimeOfDay time;
  if (!scan.done()) {
    if (!scan.take_one_of("Tt ")) return std::nullopt;
    const auto parsed = parse_time_of_day(scan, parts);
    if (!parsed) return std::nullopt;
    time = *parsed;
  }
  parts.tm_isdst = -1;
  const std::int64_t seconds = time.offset_s ? ::timegm(&parts) - *time.offset_s : ::mktime(&parts);
  std::int64_t out = 0;
  if (__builtin_mul_overflow(seconds, ns_per_second, &out)) return std::nullopt;
  return out + time.fraction_ns;
}

}  // namespace

std::optional<std::int64_t> parse_moment(std::string_view text, std::int64_t now_ns) {
  const auto ago = parse_ago(text, now_ns);
  return ago ? ago : parse_date(text);
}

std::string format_local_moment(std::int64_t epoch_ns) {
  const std::time_t seconds = epoch_ns / ns_per_second;
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  std::array<char, 32> day{}, zone{};
  std::strftime(day.data(), day.size(), "%Y-%m-%d %H:%M:%S", &parts);
  std::strftime(zone.data(), zone.size(), "%z", &parts);
  const auto millis = static_cast<int>(epoch_ns / 1'000'000 % 1000);
  std::array<char, 80> text{};
  const int length = std::snprintf(text.data(), text.size(), "%s.%03d %s", day.data(), millis, zone.data());
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace syncline::cli
