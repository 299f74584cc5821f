// SPDX-License-Identifier: Apache-2.0
// Bytes that are text, and bytes as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace syncline {

/// Whether all of `text` is UTF-8 (RFC 3629).
bool is_utf8(std::string_view text);

/// RFC 4648 base 64 with padding.
std::string base64(std::string_view bytes);
/// Nothing where it is none, to the last bit: one text for the same bytes.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace syncline
