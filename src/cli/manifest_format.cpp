// SPDX-License-Identifier: Apache-2.0
// Words and numbers that the subcommands of `syncline manifest` share.
#include <cstdio>

#include "base/text.hpp"
#include "cli/exit_codes.hpp"
#include "cli/manifest_actions.hpp"
#include "cli/numbers.hpp"

namespace syncline::cli {

std::string grouped(std::uint64_t number) { return format_count(number, 1); }

std::string counted(std::uint64_t number, const std::string& noun) {
  return grouped(number) + " " + noun + (number == 1 ? "" : "s");
}

const char* type_name(manifest::EntryType type) {
  switch (type) {
    case manifest::EntryType::regular: return "file";
    case manifest::EntryType::directory: return "directory";
    case manifest::EntryType::symlink: return "symlink";
    case manifest::EntryType::fifo: return "fifo";
    case manifest::EntryType::socket: return "socket";
    case manifest::EntryType::char_device: return "character device";
    case manifest::EntryType::block_device: return "block device";
  }
  return "";
}

std::string percent(double part, double whole) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", whole > 0 ? 100.0 * part / whole : 0.0);
  return text;
}

int exit_code_of(const Problems& problems) {
  return problems.count() == 0 ? exit_code::success : exit_code::partial;
}

}  // namespace syncline::cli
