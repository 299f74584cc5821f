// SPDX-License-Identifier: Apache-2.0
// Reading a small file at once.
#include "fs/whole_file.hpp"

#include <algorithm>
#include <cerrno>

#include "base/error.hpp"

namespace syncline::fs {
namespace {

constexpr std::size_t step_bytes = 64 * 1024;

void require_regular(FileType type, const std::string& path) {
  if (type == FileType::regular) return;
  throw Error(type == FileType::directory ? EISDIR : EINVAL, "read '" + escape_name(path) + "'");
}

}  // namespace

WholeFile read_whole_file(Fs& files, const std::string& path, std::size_t bytes_max) {
  const auto real = files.real_path(path);
  const auto slash = real.rfind('/');
  const auto name = real.substr(slash + 1);
  const auto dir = files.open_root(slash == 0 ? "/" : real.substr(0, slash));
  // "/" has no last component to open; and devices and pipes are not even opened.
  if (name.empty()) require_regular(FileType::directory, path);
  if (const auto before = dir->stat_at(name)) require_regular(before->type, path);
  const auto file = dir->open_read(name);
  WholeFile out{{}, file->stat()};
  require_regular(out.stat.type, path);
  for (;;) {
    const auto begun = out.data.size();
    const auto wanted = std::min(step_bytes, bytes_max + 1 - begun);
    out.data.resize(begun + wanted);
    const auto got = file->pread(std::span(out.data).subspan(begun), begun);
    out.data.resize(begun + got);
    if (out.data.size() > bytes_max)
      throw Error(Errc::limit_exceeded,
                  "'" + escape_name(path) + "' has more than " + std::to_string(bytes_max) + " bytes");
    if (got < wanted) return out;
  }
}

}  // namespace syncline::fs
