// SPDX-License-Identifier: Apache-2.0
// UTF-8 and base 64.
#include "base/text.hpp"

namespace syncline {
namespace {

constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

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
  std::string out;
  for (std::size_t pos = 0; pos < text.size(); pos += 4) {
    const bool is_last = pos + 4 == text.size();
    const std::size_t padding = !is_last || text[pos + 3] != '=' ? 0 : text[pos + 2] == '=' ? 2 : 1;
    unsigned word = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const auto digit = k >= 4 - padding ? 0 : base64_alphabet.find(text[pos + k]);
      if (digit == base64_alphabet.npos) return std::nullopt;
      word = word << 6 | static_cast<unsigned>(digit);
    }
    for (std::size_t k = 0; k < 3 - padding; ++k) out += static_cast<char>(word >> (16 - 8 * k) & 0xFFU);
  }
  return base64(out) == text ? std::optional(out) : std::nullopt;
}

}  // namespace syncline
