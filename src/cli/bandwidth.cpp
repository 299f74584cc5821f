// SPDX-License-Identifier: Apache-2.0
// Reading a timetable of rates.
#include "cli/bandwidth.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>

#include "base/limits.hpp"
#include "cli/option_values.hpp"

namespace syncline::cli {
namespace {

constexpr unsigned day_minutes = 24 * 60;
constexpr std::array<std::string_view, 7> days{"monday", "tuesday",  "wednesday", "thursday",
                                               "friday", "saturday", "sunday"};

/// The whole word or its first three letters, in any case.
std::optional<unsigned> day_of(std::string_view word) {
  std::string lower(word);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  for (unsigned day = 0; day < days.size(); ++day)
    if (lower == days[day] || lower == days[day].substr(0, 3)) return day;
  return std::nullopt;
}

std::optional<unsigned> minute_of_day(std::string_view text) {
  const auto digit = [&](std::size_t at) { return static_cast<unsigned>(text[at] - '0'); };
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  for (const std::size_t at : {0, 1, 3, 4})
    if (digit(at) > 9) return std::nullopt;
  const unsigned hour = digit(0) * 10 + digit(1), minute = digit(3) * 10 + digit(4);
  return hour < 24 && minute < 60 ? std::optional(hour * 60 + minute) : std::nullopt;
}

std::uint64_t rate_of(std::string_view option, std::string_view text) {
  if (text == "off") return 0;
  if (text.find(':') != text.npos)
    refuse_value(option, text, "gives a rate for each direction; one RATE is for what the source sends");
  return parse_rate(option, text).value_or(0);
}

/// By minute of the week; an entry for one day goes before one for all of them.
class Timetable {
 public:
  explicit Timetable(std::string_view option) : option_(option) {}
  void add(std::string_view entry);
  std::vector<RateSlot> slots() const;

 private:
  void put(std::map<unsigned, std::uint64_t>& slots, unsigned minute, std::uint64_t rate,
           std::string_view entry) const {
    if (!slots.emplace(minute, rate).second) refuse_value(option_, entry, "names a moment a second time");
  }
  std::string_view option_;
  std::map<unsigned, std::uint64_t> daily_;
  std::map<unsigned, std::uint64_t> weekly_;
};

void Timetable::add(std::string_view entry) {
  constexpr std::string_view shape = "is not [DAY-]HH:MM,RATE as in 08:00,2M or Sat-00:00,off";
  const auto comma = entry.find(',');
  if (comma == entry.npos) refuse_value(option_, entry, shape);
  auto when = entry.substr(0, comma);
  const auto rate = rate_of(option_, entry.substr(comma + 1));
  const auto dash = when.find('-');
  std::optional<unsigned> day;
  if (dash != when.npos) {
    day = day_of(when.substr(0, dash));
    if (!day) refuse_value(option_, entry, "names no day; write Mon, Tue, Wed, Thu, Fri, Sat or Sun");
    when = when.substr(dash + 1);
  }
  const auto minute = minute_of_day(when);
  if (!minute) refuse_value(option_, entry, shape);
  if (day) put(weekly_, *day * day_minutes + *minute, rate, entry);
  else put(daily_, *minute, rate, entry);
}

std::vector<RateSlot> Timetable::slots() const {
  auto all = weekly_;
  for (const auto& [minute, rate] : daily_)
    for (unsigned day = 0; day < days.size(); ++day) all.emplace(day * day_minutes + minute, rate);
  std::vector<RateSlot> out;
  out.reserve(all.size());
  for (const auto& [minute, rate] : all) out.push_back({static_cast<std::uint16_t>(minute), rate});
  return out;
}

}  // namespace

std::vector<RateSlot> parse_bandwidth(std::string_view option, std::string_view value) {
  constexpr std::string_view separators = " ;";
  if (value.find_first_of(" ;,") == value.npos) {
    const auto rate = rate_of(option, value);
    return rate == 0 ? std::vector<RateSlot>{} : std::vector<RateSlot>{{0, rate}};
  }
  Timetable table(option);
  for (auto rest = value; !rest.empty();) {
    const auto begin = std::min(rest.find_first_not_of(separators), rest.size());
    const auto end = std::min(rest.find_first_of(separators, begin), rest.size());
    if (begin != end) table.add(rest.substr(begin, end - begin));
    rest = rest.substr(end);
  }
  auto slots = table.slots();
  if (slots.empty()) refuse_value(option, value, "is no timetable");
  if (slots.size() > limits::rate_slots_max)
    refuse_value(option, value,
                 "has more than " + std::to_string(limits::rate_slots_max) + " moments in a week");
  return slots;
}

}  // namespace syncline::cli
