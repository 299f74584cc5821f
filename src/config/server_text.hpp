// SPDX-License-Identifier: Apache-2.0
// The short forms of a configuration's values, as command line and file have them in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/server_config.hpp"

namespace syncline::config {

// Each parse_ function throws Error(usage) that quotes the value, says what is wrong with it and
// what to write. Each to_text function gives the form that its parse_ function reads.

/// What those functions throw.
[[noreturn]] void refuse(std::string_view value, std::string_view reason);

/// ADDR:PORT: "[::1]:0", "192.0.2.7:8737", "host.example:8737"; ":8737" for every address.
Endpoint parse_endpoint(std::string_view text);
std::string to_text(const Endpoint& endpoint);

/// NAME=DIR[:ro|:rw], rw without a suffix. A directory whose own name ends in a colon and a word
/// is written with its suffix: "data=/srv/a:b:rw".
Share parse_share(std::string_view text);

/// FINGERPRINT[=SHARE[:ro|:rw|:nodelete]]; every share and rw where nothing is said.
Authorization parse_authorization(std::string_view text);

/// Bytes a second: a number, a fraction allowed, and its unit: K, M, G (also KiB ..., of 1024),
/// KB, MB, GB (of 1000) or B. "10M", "1.5MB".
std::uint64_t parse_rate(std::string_view text);
std::string rate_text(std::uint64_t bytes_a_second);

ShareMode parse_share_mode(std::string_view text);  ///< ro, rw
std::string_view to_text(ShareMode mode);
Right parse_right(std::string_view text);  ///< ro, rw, nodelete
std::string_view to_text(Right right);
Durable parse_durability(std::string_view text);  ///< none, batch, file
std::string_view to_text(Durable durability);
Update parse_update(std::string_view text);  ///< auto, atomic, inplace
std::string_view to_text(Update update);

// What is wrong with a value, behind its quotation ("is empty"); nothing where it is sound.
std::optional<std::string> fault_of_host(std::string_view host);
std::optional<std::string> fault_of_share_name(std::string_view name);
std::optional<std::string> fault_of_fingerprint(std::string_view text);
/// Absolute, no ".." in it, UTF-8 without control characters.
std::optional<std::string> fault_of_directory(std::string_view dir);

/// An absolute path without repeated slashes, "." and a slash at the end ("/" itself: "/").
std::string plain_path(std::string_view path);

}  // namespace syncline::config
