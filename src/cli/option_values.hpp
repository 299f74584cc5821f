// SPDX-License-Identifier: Apache-2.0
// Reading the values of options. Every failure is Error(usage) that names option and value.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/copy_command_line.hpp"

namespace syncline::cli {

/// How SRC is watched. By itself: inotify, and fanotify where that does not reach all directories and
/// fanotify is allowed.
enum class WatchWith { automatic, inotify, fanotify };

/// Throws Error(usage): "OPTION: 'VALUE' REASON", the value escaped.
[[noreturn]] void refuse_value(std::string_view option, std::string_view value, std::string_view reason);

/// A decimal number in [min, max], nothing around it.
std::uint64_t parse_number(std::string_view option, std::string_view value, std::uint64_t min,
                           std::uint64_t max);

/// Bytes a second, as rsync reads --bwlimit: KiB without a suffix; with one, B, K, M, G or T (each
/// also as KiB or KB, where KB counts in thousands), a fraction allowed. 0 means no limit.
std::optional<std::uint64_t> parse_rate(std::string_view option, std::string_view value);

/// off, auto or a zstd level 1..19; "auto" is an absent level, "off" is 0.
std::optional<int> parse_compression(std::string_view option, std::string_view value);

/// A sum of numbers and units, "90s", "1h30m", of s, m, h, d and w, in [min, max].
std::chrono::milliseconds parse_duration(std::string_view option, std::string_view value,
                                         std::chrono::milliseconds min, std::chrono::milliseconds max);
/// The shortest of those texts.
std::string duration_text(std::chrono::milliseconds duration);

Update parse_update(std::string_view option, std::string_view value);
Durable parse_durability(std::string_view option, std::string_view value);
Drift parse_drift(std::string_view option, std::string_view value);
DriftKeep parse_drift_keep(std::string_view option, std::string_view value);
WatchWith parse_watch_with(std::string_view option, std::string_view value);

/// USER, USER:, :GROUP or USER:GROUP; returned as typed.
std::string parse_ownership(std::string_view option, std::string_view value);

/// A command and its arguments, split at blanks; quotes keep a word together.
std::vector<std::string> split_words(std::string_view option, std::string_view value);

/// What a command line has left when its options are taken: paths, which are no positionals of CLI11's
/// because that would split a name like "[a,b]". Behind "--" nothing is an option; before it `refuse_option`
/// is called for one and throws. Without it: Error(usage).
std::vector<std::string> paths_among(const std::vector<std::string>& rest,
                                     const std::function<void(const std::string& arg)>& refuse_option = {});

}  // namespace syncline::cli
