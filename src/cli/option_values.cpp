// SPDX-License-Identifier: Apache-2.0
// Numbers, rates, levels and enumerations as they are typed.
#include "cli/option_values.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "cli/numbers.hpp"

namespace syncline::cli {
namespace {

constexpr int zstd_level_max = 19;  // above it zstd needs far more memory on both sides

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

/// Bytes of one unit: "" is KiB, "m" and "mib" are 1024^2, "mb" is 1000^2.
std::optional<double> unit_bytes(std::string_view suffix) {
  if (suffix.empty()) return 1024.0;
  if (suffix == "b") return 1.0;
  const auto power = std::string_view("kmgtp").find(suffix.front());
  if (power == std::string_view::npos) return std::nullopt;
  const auto rest = suffix.substr(1);
  const double exponent = static_cast<double>(power) + 1;
  if (rest.empty() || rest == "ib") return std::pow(1024.0, exponent);
  if (rest == "b") return std::pow(1000.0, exponent);
  return std::nullopt;
}

}  // namespace

void refuse_value(std::string_view option, std::string_view value, std::string_view reason) {
  throw Error(Errc::usage, std::string(option) + ": '" + escape_name(value) + "' " + std::string(reason));
}

std::uint64_t parse_number(std::string_view option, std::string_view value, std::uint64_t min,
                           std::uint64_t max) {
  std::uint64_t number = 0;
  const auto* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc{} || stop != end || number < min || number > max)
    refuse_value(option, value, "is not a number from " + std::to_string(min) + " to " + std::to_string(max));
  return number;
}

std::optional<std::uint64_t> parse_rate(std::string_view option, std::string_view value) {
  constexpr std::string_view shape = "is not a rate; write KiB a second, or a suffix as in 1.5M";
  double number = 0;
  const auto* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number, std::chars_format::fixed);
  if (error != std::errc{} || !(number >= 0)) refuse_value(option, value, shape);
  const auto unit = unit_bytes(lower({stop, static_cast<std::size_t>(end - stop)}));
  if (!unit) refuse_value(option, value, shape);
  const double bytes = number * *unit;
  if (bytes == 0) return std::nullopt;
  // rsync refuses the same: below this a single block would take seconds.
  if (bytes < 512) refuse_value(option, value, "is below 512 bytes a second");
  if (bytes > 1e18) refuse_value(option, value, "is beyond any link");
  return static_cast<std::uint64_t>(bytes);
}

std::optional<int> parse_compression(std::string_view option, std::string_view value) {
  if (value == "auto") return std::nullopt;
  if (value == "off") return 0;
  int level = 0;
  const auto* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, level);
  if (error != std::errc{} || stop != end || level < 1 || level > zstd_level_max)
    refuse_value(option, value, "is neither off, auto nor a level from 1 to 19");
  return level;
}

Update parse_update(std::string_view option, std::string_view value) {
  if (value == "auto") return Update::automatic;
  if (value == "atomic") return Update::atomic;
  if (value == "inplace") return Update::inplace;
  refuse_value(option, value, "is neither auto, atomic nor inplace");
}

Drift parse_drift(std::string_view option, std::string_view value) {
  if (value == "heal") return Drift::heal;
  if (value == "keep") return Drift::keep;
  if (value == "report") return Drift::report;
  refuse_value(option, value, "is neither heal, keep nor report");
}

DriftKeep parse_drift_keep(std::string_view option, std::string_view value) {
  if (value == "none") return DriftKeep::none;
  if (value == "beside") return DriftKeep::beside;
  if (value == "area") return DriftKeep::area;
  refuse_value(option, value, "is neither none, beside nor area");
}

WatchWith parse_watch_with(std::string_view option, std::string_view value) {
  if (value == "auto") return WatchWith::automatic;
  if (value == "inotify") return WatchWith::inotify;
  if (value == "fanotify") return WatchWith::fanotify;
  refuse_value(option, value, "is neither auto, inotify nor fanotify");
}

Durable parse_durability(std::string_view option, std::string_view value) {
  if (value == "none") return Durable::none;
  if (value == "batch") return Durable::batch;
  if (value == "file") return Durable::file;
  refuse_value(option, value, "is neither none, batch nor file");
}

std::chrono::milliseconds parse_duration(std::string_view option, std::string_view value,
                                         std::chrono::milliseconds min, std::chrono::milliseconds max) {
  const auto span = parse_span(value);
  if (!span) refuse_value(option, value, "is not a duration; write a number and s, m, h or d, as in 30m");
  if (*span < min || *span > max)
    refuse_value(option, value, "is out of range; write " + duration_text(min) + " to " + duration_text(max));
  return *span;
}

std::string duration_text(std::chrono::milliseconds duration) {
  auto rest = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  std::string out;
  for (const auto& [unit, seconds] : {std::pair{'d', 86'400}, {'h', 3600}, {'m', 60}, {'s', 1}}) {
    if (rest >= seconds) out += std::to_string(rest / seconds) + unit;
    rest %= seconds;
  }
  return out.empty() ? "0s" : out;
}

std::string parse_ownership(std::string_view option, std::string_view value) {
  if (value.empty() || value == ":" || std::ranges::count(value, ':') > 1)
    refuse_value(option, value, "is not USER, :GROUP or USER:GROUP");
  return std::string(value);
}

std::vector<std::string> split_words(std::string_view option, std::string_view value) {
  std::vector<std::string> out;
  char quote = '\0';
  bool in_word = false;
  for (const char c : value) {
    if (quote != '\0' ? c == quote : c == '\'' || c == '"') {
      quote = quote != '\0' ? '\0' : c;
    } else if (quote == '\0' && (c == ' ' || c == '\t')) {
      in_word = false;
      continue;
    } else {
      if (!in_word) out.emplace_back();
      in_word = true;
      out.back() += c;
      continue;
    }
    if (!in_word) out.emplace_back();
    in_word = true;
  }
  if (quote != '\0') refuse_value(option, value, "has a quote that is not closed");
  if (out.empty() || out.front().empty()) refuse_value(option, value, "names no command");
  return out;
}

std::vector<std::string> paths_among(const std::vector<std::string>& rest,
                                     const std::function<void(const std::string& arg)>& refuse_option) {
  std::vector<std::string> out;
  bool only_paths = false;
  for (const auto& arg : rest) {
    if (!only_paths && arg == "--") {
      only_paths = true;
      continue;
    }
    if (!only_paths && arg.size() > 1 && arg.front() == '-') {
      if (refuse_option) refuse_option(arg);
      throw Error(Errc::usage, "unknown option " + escape_name(arg));
    }
    out.push_back(arg);
  }
  return out;
}

}  // namespace syncline::cli
