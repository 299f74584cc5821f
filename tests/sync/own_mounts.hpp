// SPDX-License-Identifier: Apache-2.0
// Mount points in a mount namespace of a test's own.
#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "support/catch.hpp"
#include "support/child.hpp"

namespace syncline::test {

inline constexpr int not_permitted = 77;

inline void write_line(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  if (!(out << text)) throw std::runtime_error("write " + path);
}

/// Another file system at `path`, seen by this process alone. False where that is not permitted.
inline bool mount_at(const std::string& path) {
  return ::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=1m,mode=755") == 0;
}

inline bool enter_own_namespace() {
  const bool entered = ::unshare(CLONE_NEWNS) == 0;
  if (!entered) {
    const auto uid = std::to_string(::getuid());
    const auto gid = std::to_string(::getgid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    write_line("/proc/self/uid_map", "0 " + uid + " 1");
    write_line("/proc/self/setgroups", "deny");
    write_line("/proc/self/gid_map", "0 " + gid + " 1");
  }
  return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

/// Runs `body` where it may mount; skipped (and told) where that cannot be had. `body` returns the number of
/// what it found wrong first, 0 for nothing.
template <class Body>
void with_own_mounts(Body&& body) {
  const auto result = run_in_child([&] { return enter_own_namespace() ? body() : not_permitted; });
  if (result.exit_code == not_permitted) WARN("skipped: mounting is not permitted here");
  else CHECK(result.exit_code == 0);
}

/// The same with a tmpfs at `mount_point`.
template <class Body>
void with_mount(const std::string& mount_point, Body&& body) {
  with_own_mounts([&] { return mount_at(mount_point) ? body() : not_permitted; });
}

/// Not mounted any more in the end.
class Mounted {
 public:
  explicit Mounted(std::string path) : path_(std::move(path)), is_there_(mount_at(path_)) {}
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;
  ~Mounted() {
    if (is_there_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool is_there() const { return is_there_; }

 private:
  const std::string path_;
  const bool is_there_;
};

}  // namespace syncline::test
