// SPDX-License-Identifier: Apache-2.0
// From a file in the tree to the selector, within limits.
#include "sync/rules_file.hpp"

#include <cerrno>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace syncline::sync {
namespace {

[[noreturn]] void refuse_rules(RulesKind kind, const std::string& dir, std::size_t limit,
                               const char* of_what) {
  throw Error(Errc::rules, "'" + escape_name(rules_file_path(kind, dir)) + "' in the source has more than " +
                               std::to_string(limit) + ' ' + of_what + ": make it shorter, or give --no" +
                               (kind == RulesKind::gitignore ? "-gitignore" : "-synclineignore"));
}

}  // namespace

std::string rules_file_path(RulesKind kind, const std::string& dir) {
  return dir.empty() ? name_of(kind) : dir + '/' + name_of(kind);
}

void read_rules_file(const Selector& selector, RulesKind kind, const fs::Dir& dir, const std::string& path,
                     std::uint16_t origin) {
  Bytes content;
  try {
    const auto file = dir.open_read(name_of(kind));
    // One byte more tells a file that is too long; what is appended meanwhile counts the next time.
    content.resize(std::min<std::uint64_t>(file->stat().size_bytes, limits::ignore_file_bytes_max + 1));
    content.resize(file->pread(content, 0));
  } catch (const Error& error) {
    if (error.is_errno(ENOENT)) return;
    throw;
  }
  if (content.size() > limits::ignore_file_bytes_max)
    refuse_rules(kind, path, limits::ignore_file_bytes_max, "bytes");
  if (!selector.push_rules_file(kind, path, origin, as_text(content)))
    refuse_rules(kind, path, limits::ignore_patterns_max, "patterns");
}

}  // namespace syncline::sync
