// SPDX-License-Identifier: Apache-2.0
// Moments as they are typed and as the log is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace syncline::cli {

/// RFC 3339 (2026-01-02T03:04:05.678Z, also with an offset such as +01:00, or a space for the T); the same
/// without an offset, without seconds or without a time of day, in local time; or how long ago: 90s, 15m, 2h,
/// 3d, 1w, also several such as 1h30m. Nanoseconds since the epoch; nothing for any other text.
std::optional<std::int64_t> parse_moment(std::string_view text, std::int64_t now_ns);

/// "2026-01-02 04:04:05.678 +0100" in local time.
std::string format_local_moment(std::int64_t epoch_ns);

}  // namespace syncline::cli
