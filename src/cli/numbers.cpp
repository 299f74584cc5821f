// SPDX-License-Identifier: Apache-2.0
// Formatting of numbers, durations and bytes.
#include "cli/numbers.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

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

constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

double level_unit(int level) { return level >= 3 ? 1024.0 : 1000.0; }

/// Bytes of the UTF-8 sequence that begins `text`, 0 if there is none.
std::size_t sequence_bytes(std::string_view text) {
  const auto at = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t count = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < count) return 0;
  for (std::size_t k = 1; k < count; ++k)
    if ((at(k) & 0xC0U) != 0x80) return 0;
  const bool overlong = (lead == 0xE0 && at(1) < 0xA0) || (lead == 0xF0 && at(1) < 0x90);
  const bool surrogate = lead == 0xED && at(1) > 0x9F;
  const bool beyond = lead == 0xF4 && at(1) > 0x8F;
  return overlong || surrogate || beyond ? 0 : count;
}

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

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto count = sequence_bytes(text);
    if (count == 0) return false;
    text.remove_prefix(count);
  }
  return true;
}

std::string base64(std::string_view bytes) {
  std::string out;
  for (std::size_t pos = 0; pos < bytes.size(); pos += 3) {
    unsigned word = 0;
    for (std::size_t k = 0; k < 3; ++k)
      word = word << 8 | (pos + k < bytes.size() ? static_cast<unsigned char>(bytes[pos + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += pos + k > bytes.size() ? '=' : base64_alphabet[word >> (18 - 6 * k) & 63];
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::string out;
  for (std::size_t pos = 0; pos < text.size(); pos += 4) {
    std::size_t word = 0;
    for (std::size_t k = pos; k < pos + 4; ++k) {
      const auto digit = k < text.size() - padding ? base64_alphabet.find(text[k]) : 0;
      if (digit == std::string_view::npos) return std::nullopt;
      word = word << 6 | digit;
    }
    for (const int shift : {16, 8, 0}) out += static_cast<char>(word >> shift & 0xFF);
  }
  out.resize(out.size() - padding);
  if (base64(out) != text) return std::nullopt;  // one form for each value
  return out;
}

std::string one_line(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) c = '?';
  return out;
}

}  // namespace syncline::cli
