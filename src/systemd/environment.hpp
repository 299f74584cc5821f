// SPDX-License-Identifier: Apache-2.0
// Private: variables that are meant for this process alone and taken out of its environment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace syncline::systemd {

/// The value of $NAME, which is unset afterwards.
std::optional<std::string> take_variable(const char* name);

/// A decimal number of at most 63 bits; empty counts as not set. Throws Error(usage) for anything
/// else. Take all variables first: a bad one must not leave the others behind.
std::optional<std::int64_t> to_number(const char* name, const std::optional<std::string>& value);

bool is_this_process(std::int64_t pid);

}  // namespace syncline::systemd
