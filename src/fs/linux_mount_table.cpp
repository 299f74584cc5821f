// SPDX-License-Identifier: Apache-2.0
// /proc/self/mountinfo.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>

#include "base/limits.hpp"
#include "fs/linux_fs.hpp"
#include "fs/mount_table.hpp"

namespace syncline::fs {
namespace {

constexpr std::size_t table_read_bytes = 64 * limits::kib;

/// Blanks, newlines and backslashes stand there as a backslash and three octal digits.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto is_digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '7'; };
    if (text[i] != '\\' || i + 3 >= text.size() || !is_digit(i + 1) || !is_digit(i + 2) || !is_digit(i + 3)) {
      out += text[i];
      continue;
    }
    out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return out;
}

/// The fifth field of a line.
std::string_view mount_point(std::string_view line) {
  for (int field = 0; field < 4; ++field) {
    const auto blank = line.find(' ');
    if (blank == line.npos) return {};
    line.remove_prefix(blank + 1);
  }
  return line.substr(0, line.find(' '));
}

/// What the descriptor leads to by now; empty where that cannot be told.
std::string path_of(int descriptor) {
  std::array<char, PATH_MAX> path;
  const auto link = "/proc/self/fd/" + std::to_string(descriptor);
  const auto bytes = ::readlink(link.c_str(), path.data(), path.size());
  if (bytes <= 0 || static_cast<std::size_t>(bytes) == path.size() || path[0] != '/') return {};
  return {path.data(), static_cast<std::size_t>(bytes)};
}

std::string whole(int descriptor) {
  std::string out;
  for (;;) {
    const auto used = out.size();
    if (used > limits::mount_table_bytes_max) return {};
    out.resize(used + table_read_bytes);
    const auto count = retry(
        [&] { return ::pread(descriptor, out.data() + used, table_read_bytes, static_cast<::off_t>(used)); });
    out.resize(used + static_cast<std::size_t>(std::max<::ssize_t>(count, 0)));
    if (count <= 0) return out;
  }
}

}  // namespace

std::vector<std::string> mount_points(std::string_view table, const std::string& top) {
  const std::string prefix = top.ends_with('/') ? top : top + '/';
  std::vector<std::string> out;
  while (!table.empty()) {
    const auto end = std::min(table.find('\n'), table.size());
    const auto point = unescaped(mount_point(table.substr(0, end)));
    if (point.size() > prefix.size() && point.starts_with(prefix)) out.push_back(point.substr(prefix.size()));
    table.remove_prefix(std::min(end + 1, table.size()));
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());  // one may lie over another
  return out;
}

MountTable::MountTable() : fd_(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)) {}

bool MountTable::has_changed() const {
  if (!fd_) return false;
  ::pollfd waiting{fd_.get(), POLLPRI, 0};
  return ::poll(&waiting, 1, 0) > 0 && (waiting.revents & (POLLPRI | POLLERR)) != 0;
}

std::vector<std::string> MountTable::below(const Dir& dir) {
  const auto* open = dynamic_cast<const LinuxDir*>(&dir);
  if (open == nullptr || !fd_) return {};
  const auto top = path_of(open->descriptor());
  return top.empty() ? std::vector<std::string>() : mount_points(whole(fd_.get()), top);
}

}  // namespace syncline::fs
