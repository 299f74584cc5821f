// SPDX-License-Identifier: Apache-2.0
// Words, quoting, files.
#include "config/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "fs/whole_file.hpp"

namespace syncline::config {
namespace {

constexpr std::uint32_t others_may_write = 0002;

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

}  // namespace

bool consists_of(std::string_view text, std::string_view others) {
  return std::ranges::all_of(text, [&](char c) { return is_alnum(c) || others.find(c) != others.npos; });
}

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= ' ' && c != 0x7F) {
      out += c;
      continue;
    }
    std::array<char, 8> code;
    std::snprintf(code.data(), code.size(), "\\u%04X", static_cast<unsigned>(c));
    out += code.data();
  }
  return out + "\"";
}

std::string toml_line(std::string_view key, std::string_view value) {
  return std::string(key) + " = " + std::string(value) + "\n";
}

std::string read_config_file(fs::Fs& files, const std::string& path, std::vector<Problem>& problems) {
  const auto whole = fs::read_whole_file(files, path, limits::config_bytes_max);
  if ((whole.stat.mode & others_may_write) != 0)
    problems.push_back({escape_name(path), "", "may be written by every user of this machine",
                        "run: chmod o-w '" + escape_name(path) + "'"});
  return std::string(as_text(whole.data));
}

}  // namespace syncline::config
