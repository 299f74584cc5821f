// SPDX-License-Identifier: Apache-2.0
// Formatting of numbers, durations and bytes.
#include "cli/numbers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <utility>

namespace syncline::cli {
namespace {

template <class... Args>
std::string format(const char* pattern, Args... args) {
  std::array<char, 64> buffer;
  const int length = std::snprintf(buffer.data(), buffer.size(), pattern, args...);
  return {buffer.data(), static_cast<std::size_t>(length)};
}

std::string grouped(std::string digits) {
  const auto whole = digits.find('.') == digits.npos ? digits.size() : digits.find('.');
  for (auto pos = whole; pos > 3; pos -= 3) digits.insert(pos - 3, ",");
  return digits;
}

std::string in_units(double number, double unit) {
  constexpr std::string_view names = "KMGTPE";
  std::size_t power = 0;
  for (number /= unit; number >= unit && power + 1 < names.size(); ++power) number /= unit;
  return format("%.2f", number) + names[power];
}

double level_unit(int level) { return level >= 3 ? 1024.0 : 1000.0; }

}  // namespace

std::string format_count(std::uint64_t number, int level) {
  if (level >= 2 && static_cast<double>(number) >= level_unit(level))
    return in_units(static_cast<double>(number), level_unit(level));
  const auto digits = std::to_string(number);
  return level == 0 ? digits : grouped(digits);
}

std::string format_decimal(double number, int level) {
  if (!std::isfinite(number) || number < 0 || number > 1e30) number = 0;
  if (level >= 2 && number >= level_unit(level)) return in_units(number, level_unit(level));
  const auto digits = format("%.2f", number);
  return level == 0 ? digits : grouped(digits);
}

std::string format_size(double bytes) {
  constexpr std::array names{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  std::size_t power = 0;
  // 999.5 would print as "1000 MB".
  for (; bytes >= 999.5 && power + 1 < names.size(); ++power) bytes /= 1000;
  const int decimals = power == 0 || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
  return format("%.*f %s", decimals, bytes, names[power]);
}

std::string format_duration(double seconds) {
  if (!(seconds < 360'000)) return ">99h";
  const auto total = static_cast<long>(seconds < 0 ? 0 : seconds + 0.5);
  const long hours = total / 3600, minutes = total / 60 % 60;
  if (hours > 0) return format("%ld:%02ld:%02ld", hours, minutes, total % 60);
  return format("%ld:%02ld", minutes, total % 60);
}

std::string format_moment(std::int64_t epoch_ns) {
  const std::time_t seconds = epoch_ns / 1'000'000'000;
  const auto millis = static_cast<int>(epoch_ns / 1'000'000 % 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> day;
  const auto length = std::strftime(day.data(), day.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return std::string(day.data(), length) + format(".%03dZ", millis);
}

std::string one_line(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) c = '?';
  return out;
}

std::optional<std::chrono::seconds> parse_span(std::string_view text) {
  constexpr std::int64_t longest_s = std::int64_t{100} * 365 * 86'400;
  constexpr auto units = std::to_array<std::pair<char, std::int64_t>>(
      {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86'400}, {'w', 604'800}});
  if (text.empty()) return std::nullopt;
  std::int64_t span_s = 0;
  while (!text.empty()) {
    std::int64_t count = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (error != std::errc() || count < 0 || text.empty()) return std::nullopt;
    const auto unit = std::ranges::find(units, text.front(), &std::pair<char, std::int64_t>::first);
    if (unit == units.end() || count > longest_s / unit->second) return std::nullopt;
    span_s += count * unit->second;
    if (span_s > longest_s) return std::nullopt;
    text.remove_prefix(1);
  }
  return std::chrono::seconds(span_s);
}

}  // namespace syncline::cli
