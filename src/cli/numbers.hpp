// SPDX-License-Identifier: Apache-2.0
// Numbers, durations and moments as people read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace syncline::cli {

/// A count at one of rsync's levels: 0 bare digits, 1 with grouping commas, 2 in units of 1000
/// (1.23K), 3 in units of 1024. Units begin where one of them is filled.
std::string format_count(std::uint64_t number, int level);

/// The same with two decimals, for rates and ratios. Negative and non-finite numbers print as 0.
std::string format_decimal(double number, int level);

/// Bytes in at most seven columns: "999 B", "1.23 GB", units of 1000.
std::string format_size(double bytes);

/// "0:07", "12:34", "1:02:03"; from 100 hours on ">99h".
std::string format_duration(double seconds);

/// A sum of numbers and units s, m, h, d and w: "90s", "1h30m". Nothing for other texts and beyond 100 years.
std::optional<std::chrono::seconds> parse_span(std::string_view text);

/// RFC 3339 in UTC with milliseconds: "2026-01-02T03:04:05.678Z". `epoch_ns` counts from 1970.
std::string format_moment(std::int64_t epoch_ns);

/// `text` with every control byte as '?', for sentences that go to a terminal or a log.
std::string one_line(std::string_view text);

}  // namespace syncline::cli
