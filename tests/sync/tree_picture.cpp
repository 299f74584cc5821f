// SPDX-License-Identifier: Apache-2.0
#include "tree_picture.hpp"

#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <vector>

namespace syncline::test {
namespace {

namespace stdfs = std::filesystem;

char type_of(mode_t mode) {
  if (S_ISREG(mode)) return 'f';
  if (S_ISDIR(mode)) return 'd';
  if (S_ISLNK(mode)) return 'l';
  return S_ISFIFO(mode) ? 'p' : '?';
}

std::string xattr_text(const std::string& path) {
  std::array<char, 4096> names{};
  const auto length = ::llistxattr(path.c_str(), names.data(), names.size());
  std::string out;
  for (ssize_t at = 0; at < length;) {
    const std::string name(names.data() + at);
    at += static_cast<ssize_t>(name.size()) + 1;
    if (!name.starts_with("user.")) continue;
    std::array<char, 256> value{};
    const auto bytes = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    out +=
        " " + name + "=" + std::string(value.data(), static_cast<std::size_t>(std::max<ssize_t>(bytes, 0)));
  }
  return out;
}

std::string content_of(const std::string& path, char type) {
  if (type == 'l') return stdfs::read_symlink(path);
  if (type != 'f') return {};
  std::string out(stdfs::file_size(path), '\0');
  std::ifstream in(path, std::ios::binary);
  if (!in.read(out.data(), static_cast<std::streamsize>(out.size())))
    throw std::runtime_error("read " + path);
  return out;
}

}  // namespace

TreePicture picture_of(const std::string& root) {
  TreePicture out;
  std::map<ino_t, std::string> first_names;
  const auto add = [&](const std::string& path, const std::string& name) {
    struct ::stat stat {};
    if (::lstat(path.c_str(), &stat) != 0) throw std::runtime_error("lstat " + path);
    PicturedEntry& entry = out[name];
    entry.type = type_of(stat.st_mode);
    entry.attributes = std::to_string(stat.st_mode & 07777) + " " + std::to_string(stat.st_uid) + ":" +
                       std::to_string(stat.st_gid) + " " + std::to_string(stat.st_mtim.tv_sec) + "." +
                       std::to_string(stat.st_mtim.tv_nsec) + xattr_text(path);
    entry.content = content_of(path, entry.type);
    if (entry.type != 'f' || stat.st_nlink < 2) return;
    entry.attributes += " as " + first_names.try_emplace(stat.st_ino, name).first->second;
  };
  add(root, "");
  std::vector<std::string> paths;
  for (auto at = stdfs::recursive_directory_iterator(root); at != stdfs::recursive_directory_iterator();
       ++at) {
    const auto name = at->path().lexically_relative(root).string();
    if (name == ".syncline") at.disable_recursion_pending();
    else paths.push_back(name);
  }
  std::ranges::sort(paths);
  for (const auto& name : paths) add(root + "/" + name, name);
  return out;
}

std::string differences(const TreePicture& expected, const TreePicture& found) {
  std::string out;
  for (const auto& [name, entry] : expected) {
    const auto other = found.find(name);
    if (other == found.end()) out += "missing: " + name + "\n";
    else if (other->second.type != entry.type || other->second.content != entry.content)
      out += "other content: " + name + "\n";
    else if (other->second.attributes != entry.attributes)
      out +=
          "other attributes: " + name + ": " + other->second.attributes + ", not " + entry.attributes + "\n";
  }
  for (const auto& [name, entry] : found)
    if (!expected.contains(name)) out += "unexpected: " + name + "\n";
  return out;
}

}  // namespace syncline::test
