// SPDX-License-Identifier: Apache-2.0
// Splits a name into stem and extension and puts the conflict mark between them.
#include "patch/conflict_name.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/limits.hpp"

namespace syncline::patch {
namespace {

// What follows the last dot of "Minutes of 3. May, second draft" is no extension.
constexpr std::size_t extension_bytes_max = 16;

std::size_t extension_start(std::string_view name) {
  if (name.empty() || name.front() == '.') return name.size();
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == name.size()) return name.size();
  if (name.size() - dot > extension_bytes_max || name.find(' ', dot) != std::string_view::npos)
    return name.size();
  static constexpr std::array<std::string_view, 6> compressed = {".gz",  ".xz",  ".zst",
                                                                 ".bz2", ".lz4", ".lzma"};
  for (const auto suffix : compressed) {
    if (name.substr(dot) != suffix) continue;
    constexpr std::string_view tar = ".tar";
    if (dot > tar.size() && name.substr(dot - tar.size(), tar.size()) == tar) return dot - tar.size();
  }
  return dot;
}

/// The longest prefix of at most `max` bytes that does not cut a UTF-8 sequence.
std::string_view shortened(std::string_view text, std::size_t max) {
  if (text.size() <= max) return text;
  while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xC0) == 0x80) --max;
  return text.substr(0, max);
}

}  // namespace

std::string conflict_name(std::string_view name, std::string_view label, unsigned number) {
  const auto split = extension_start(name);
  const auto extension = name.substr(split);
  std::string mark = ".conflict-";
  mark.append(label).append("-").append(std::to_string(number)).append(extension);
  const std::size_t room = limits::name_bytes_max - mark.size();
  return std::string(shortened(name.substr(0, split), room)) + mark;
}

bool is_conflict_name(std::string_view name) {
  constexpr std::string_view mark = ".conflict-";
  const auto found = name.rfind(mark);
  if (found == std::string_view::npos) return false;
  auto rest = name.substr(found + mark.size());
  const auto digits_end = std::min(rest.find('.'), rest.size());
  const auto dash = rest.substr(0, digits_end).rfind('-');
  if (dash == std::string_view::npos || dash == 0 || dash + 1 == digits_end) return false;
  return std::ranges::all_of(rest.substr(dash + 1, digits_end - dash - 1),
                             [](char c) { return c >= '0' && c <= '9'; });
}

std::string device_label(std::string_view host) {
  std::string out(host.substr(0, std::min(host.find('.'), limits::device_label_bytes_max)));
  for (char& c : out) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!fits) c = '-';
  }
  return out.empty() ? "host" : out;
}

}  // namespace syncline::patch
