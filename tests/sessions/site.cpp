// SPDX-License-Identifier: Apache-2.0
#include "site.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <random>

#include "hash/digest.hpp"
#include "sync/tree_picture.hpp"

namespace syncline::test {
namespace {

namespace stdfs = std::filesystem;

void check(bool done, const std::string& what) {
  if (!done) throw Error(errno, what);
}

void set_time(const std::string& path, int day) {
  constexpr std::int64_t first_day = 1'700'000'000;
  const struct ::timespec time { first_day + day * 86'400, 123'456'789 };
  const struct ::timespec times[2] = {time, time};
  check(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0, path);
}

template <class Action>
void for_each_entry(const std::string& root, Action&& action) {
  action(root);
  for (auto at = stdfs::recursive_directory_iterator(root); at != stdfs::recursive_directory_iterator();
       ++at) {
    if (at->path().filename() == ".syncline") at.disable_recursion_pending();
    else action(at->path().string());
  }
}

}  // namespace

std::string words(std::size_t size_bytes, unsigned seed) {
  constexpr std::size_t word_bytes = 64, word_count = 64;
  std::mt19937_64 random(seed);
  std::string pool(word_bytes * word_count, '\0');
  for (char& byte : pool) byte = static_cast<char>(random());
  std::string out;
  while (out.size() < size_bytes) out.append(pool, random() % word_count * word_bytes, word_bytes);
  out.resize(size_bytes);
  return out;
}

Site::Site(std::string root) : root_(std::move(root)) {
  stdfs::create_directories(root_);
  settle(0);
}

void Site::file(const std::string& name, const std::string& content, int day) const {
  std::ofstream out(path(name), std::ios::binary | std::ios::trunc);
  out << content;
  check(static_cast<bool>(out.flush()), path(name));
  out.close();
  check(::chmod(path(name).c_str(), 0644) == 0, path(name));
  set_time(path(name), day);
}

void Site::dir(const std::string& name) const { stdfs::create_directories(path(name)); }

void Site::symlink(const std::string& name, const std::string& target, int day) const {
  stdfs::create_symlink(target, path(name));
  set_time(path(name), day);
}

void Site::fifo(const std::string& name, int day) const {
  check(::mkfifo(path(name).c_str(), 0644) == 0 && ::chmod(path(name).c_str(), 0644) == 0, path(name));
  set_time(path(name), day);
}

void Site::hard_link(const std::string& name, const std::string& existing) const {
  stdfs::create_hard_link(path(existing), path(name));
}

void Site::rename(const std::string& from, const std::string& to) const {
  stdfs::rename(path(from), path(to));
}

void Site::remove(const std::string& name) const { stdfs::remove_all(path(name)); }

void Site::mode(const std::string& name, unsigned mode) const {
  check(::chmod(path(name).c_str(), mode) == 0, path(name));
}

void Site::xattr(const std::string& name, const std::string& attribute, const std::string& value) const {
  check(::setxattr(path(name).c_str(), attribute.c_str(), value.data(), value.size(), 0) == 0, path(name));
}

bool Site::takes_xattrs() const {
  if (::setxattr(root_.c_str(), "user.syncline-test", "x", 1, 0) != 0) return false;
  return ::removexattr(root_.c_str(), "user.syncline-test") == 0;
}

void Site::settle(int day) const {
  for_each_entry(root_, [&](const std::string& path) {
    if (!stdfs::is_directory(stdfs::symlink_status(path))) return;
    check(::chmod(path.c_str(), 0755) == 0, path);
    set_time(path, day);
  });
}

void Site::leave_group_0() const {
  constexpr ::gid_t some_group = 4242;
  if (::geteuid() != 0) return;
  for_each_entry(root_, [&](const std::string& path) {
    check(::lchown(path.c_str(), static_cast<::uid_t>(-1), some_group) == 0, path);
  });
}

std::string picture_text(const std::string& root, bool with_root) {
  std::string out;
  for (const auto& [name, entry] : picture_of(root)) {
    if (name.empty() && !with_root) continue;
    // Between the mode and the time stand the owners, which are those of whoever runs this.
    const auto owners = entry.attributes.find(' ');
    const auto time = entry.attributes.find(' ', owners + 1);
    out += entry.type + (' ' + entry.attributes.substr(0, owners)) + entry.attributes.substr(time) + " '" +
           name + "' ";
    out += entry.type == 'f' ? std::to_string(entry.content.size()) + ' ' +
                                   hash::blake3(as_bytes(entry.content)).hex().substr(0, 32)
                             : entry.content;
    out += '\n';
  }
  return out;
}

}  // namespace syncline::test
