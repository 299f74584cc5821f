// SPDX-License-Identifier: Apache-2.0
// --bwlimit: one rate, or a timetable as rclone writes it.
#pragma once

#include <string_view>
#include <vector>

#include "syncline/copy.hpp"

namespace syncline::cli {

/// RATE, or entries [DAY-]HH:MM,RATE separated by blanks or semicolons. RATE is what parse_rate() takes, or
/// "off". An entry without a day holds on every day that has none of its own at that minute. None where there
/// is no limit. Throws Error(usage).
std::vector<RateSlot> parse_bandwidth(std::string_view option, std::string_view value);

}  // namespace syncline::cli
