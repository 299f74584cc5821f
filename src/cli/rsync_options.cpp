// SPDX-License-Identifier: Apache-2.0
// The option names of rsync 3.5.0, from its manual page.
#include "cli/rsync_options.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace syncline::cli {
namespace {

constexpr auto long_names = std::to_array<std::string_view>({
    "8-bit-output", "acls", "address", "append", "append-verify", "archive", "atimes", "backup",
    "backup-dir", "block-size", "blocking-io", "bwlimit", "cc", "checksum", "checksum-choice",
    "checksum-seed", "chmod", "chown", "compare-dest", "compress", "compress-choice",
    "compress-level", "compress-threads", "config", "confine-root", "contimeout", "copy-as",
    "copy-dest", "copy-devices", "copy-dirlinks", "copy-links", "copy-unsafe-links", "crtimes",
    "cvs-exclude", "daemon", "debug", "del", "delay-updates", "delete", "delete-after",
    "delete-before", "delete-delay", "delete-during", "delete-excluded", "delete-missing-args",
    "detach", "devices", "dirs", "dparam", "drop-D", "dry-run", "early-input", "exclude",
    "exclude-from", "executability", "existing", "fake-super", "files-from", "filter", "force",
    "from0", "fsync", "fuzzy", "group", "groupmap", "hard-links", "help", "human-readable", "i-d",
    "i-r", "iconv", "ignore-errors", "ignore-existing", "ignore-missing-args",
    "ignore-non-existing", "ignore-times", "implied-dirs", "inc-recursive", "include",
    "include-from", "info", "inplace", "insecure-links", "ipv4", "ipv6", "itemize-changes",
    "keep-dirlinks", "link-dest", "links", "list-only", "log-file", "log-file-format", "log-format",
    "max-alloc", "max-delete", "max-size", "min-size", "mkpath", "modify-window", "motd",
    "msgs2stderr", "munge-links", "numeric-ids", "old-args", "old-compress", "old-d", "old-dirs",
    "omit-dir-times", "omit-link-times", "one-file-system", "only-write-batch", "open-noatime",
    "out-format", "outbuf", "owner", "partial", "partial-dir", "password-file", "perms", "port",
    "preallocate", "progress", "protect-args", "protocol", "prune-empty-dirs", "qsort", "quiet",
    "read-batch", "recursive", "relative", "remote-option", "remove-sent-files",
    "remove-source-files", "rsh", "rsync-path", "safe-links", "secluded-args", "server",
    "size-only", "skip-compress", "sockopts", "sparse", "specials", "stats", "stderr", "stop-after",
    "stop-at", "suffix", "super", "temp-dir", "time-limit", "timeout", "times", "trust-sender",
    "update", "usermap", "verbose", "version", "whole-file", "write-batch", "write-devices",
    "xattrs", "zc", "zl", "zt",
});
static_assert(std::ranges::is_sorted(long_names));

constexpr std::string_view letters = "0468@ABCDEFHIJKLMNOPRSTUVWXabcdefghiklmnopqrstuvxyz";

constexpr auto replacements = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"backup", "give --backup-dir=DIR, which implies it"},
    {"b", "give --backup-dir=DIR, which implies it"},
    {"compress-level", "use --compress=LEVEL"},
    {"zl", "use --compress=LEVEL"},
    {"del", "use --delete"},
    {"delete-after", "use --delete"},
    {"delete-before", "use --delete"},
    {"delete-delay", "use --delete"},
    {"delete-during", "use --delete"},
    {"filter", "use --include and --exclude"},
    {"f", "use --include and --exclude"},
    {"from0", "write one name a line"},
    {"0", "write one name a line"},
    {"fsync", "use --durability=file"},
    {"info", "use --progress or --stats"},
    {"out-format", "use -i, or --json for programs"},
    {"partial-dir", "partial work is kept in the destination's .syncline directory"},
    {"whole-file", "syncline decides by the file"},
    {"W", "syncline decides by the file"},
});

}  // namespace

bool rsync_has_long(std::string_view name) {
  return std::ranges::binary_search(long_names, name);
}

bool rsync_has_short(char letter) { return letters.find(letter) != letters.npos; }

std::string_view instead_of(std::string_view name) {
  for (const auto& [option, advice] : replacements)
    if (option == name) return advice;
  return {};
}

}  // namespace syncline::cli
