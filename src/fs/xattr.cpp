// SPDX-License-Identifier: Apache-2.0
// Extended attributes of an open file or of a name in an open directory.
#include "fs/xattr.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "fs/fd.hpp"
#include "fs/linux_fs.hpp"

namespace syncline::fs {
namespace {

#ifndef SYS_listxattrat
constexpr long SYS_listxattrat =
    465;  // one number on all architectures but alpha, which has it in its headers
#endif

/// listxattrat(2), of Linux 6.13: a third of the way through /proc (0.4 us against 1.2), which a scan goes
/// for every new entry. -1 with ENOSYS where the kernel or a sandbox does not have it.
ssize_t list_entry_names(const XattrTarget& target, char* out, std::size_t size) {
  static std::atomic<bool> missing = false;
  if (missing) {
    errno = ENOSYS;
    return -1;
  }
  const auto got = ::syscall(SYS_listxattrat, target.fd, target.name.c_str(), AT_SYMLINK_NOFOLLOW, out, size);
  if (got < 0 && errno == EPERM) errno = ENOSYS;  // what some sandboxes say
  if (got < 0 && errno == ENOSYS) missing = true;
  return got;
}

ssize_t list_names(const XattrTarget& target, char* out, std::size_t size) {
  if (!target.is_entry) return retry([&] { return ::flistxattr(target.fd, out, size); });
  const auto got = retry([&] { return list_entry_names(target, out, size); });
  if (got >= 0 || errno != ENOSYS) return got;
  return retry([&] { return ::llistxattr(target.path().c_str(), out, size); });
}

ssize_t get_value(const XattrTarget& target, const char* xattr, void* out, std::size_t size) {
  return retry([&] {
    return target.is_entry ? ::lgetxattr(target.path().c_str(), xattr, out, size)
                           : ::fgetxattr(target.fd, xattr, out, size);
  });
}

bool has_no_xattrs(int error_number) { return error_number == ENOTSUP || error_number == ENOSYS; }

/// The NUL-separated name list. Most files have none, so the first call uses the stack.
std::string all_names(const XattrTarget& target) {
  std::array<char, 1024> small;
  ssize_t got = list_names(target, small.data(), small.size());
  if (got >= 0) return std::string(small.data(), static_cast<std::size_t>(got));
  std::string names;
  while (got < 0 && errno == ERANGE) {  // grows when names are added in between
    got = list_names(target, nullptr, 0);
    if (got < 0) break;
    names.resize(static_cast<std::size_t>(got) + 256);
    got = list_names(target, names.data(), names.size());
  }
  if (got < 0) {
    if (has_no_xattrs(errno)) return {};
    throw_named("list attributes of", target.name);
  }
  names.resize(static_cast<std::size_t>(got));
  return names;
}

/// False when the attribute vanished since it was listed.
bool read_value(const XattrTarget& target, const std::string& xattr, Bytes& value) {
  std::size_t room = 512;
  for (;;) {
    value.resize(room);
    const ssize_t got = get_value(target, xattr.c_str(), value.data(), value.size());
    if (got >= 0) {
      value.resize(static_cast<std::size_t>(got));
      return true;
    }
    if (errno == ENODATA || has_no_xattrs(errno)) return false;
    if (errno != ERANGE || room > limits::xattr_bytes_max) throw_named("read an attribute of", target.name);
    room *= 4;
  }
}

}  // namespace

std::string XattrTarget::path() const { return "/proc/self/fd/" + std::to_string(fd) + "/" + name; }

bool is_synced_xattr(std::string_view xattr, bool privileged) {
  if (xattr.starts_with("user.")) return true;
  if (xattr == "system.posix_acl_access" || xattr == "system.posix_acl_default") return true;
  if (!privileged) return false;
  if (xattr.starts_with("trusted.")) return !xattr.starts_with("trusted.SGI_ACL_");
  return xattr.starts_with("security.") && xattr != "security.selinux" && xattr != "security.apparmor" &&
         xattr != "security.ima" && xattr != "security.evm" && !xattr.starts_with("security.SMACK64");
}

std::vector<XattrPair> read_xattrs(const XattrTarget& target) {
  std::vector<XattrPair> out;
  const std::string names = all_names(target);
  if (names.empty()) return out;
  const bool privileged = ::geteuid() == 0;
  std::size_t total_bytes = 0;
  for (std::size_t begin = 0; begin < names.size();) {
    const auto end = std::min(names.find('\0', begin), names.size());
    XattrPair pair{names.substr(begin, end - begin), {}};
    begin = end + 1;
    if (!is_synced_xattr(pair.name, privileged) || !read_value(target, pair.name, pair.value)) continue;
    total_bytes += pair.name.size() + pair.value.size();
    out.push_back(std::move(pair));
    if (out.size() > limits::xattr_count_max || total_bytes > limits::xattr_bytes_max)
      throw Error(Errc::limit_exceeded, "attributes of '" + escape_name(target.name) + "'");
  }
  std::ranges::sort(out, {}, &XattrPair::name);
  return out;
}

void write_xattr(const XattrTarget& target, const std::string& xattr, ByteView value) {
  const int result = retry([&] {
    return target.is_entry ? ::lsetxattr(target.path().c_str(), xattr.c_str(), value.data(), value.size(), 0)
                           : ::fsetxattr(target.fd, xattr.c_str(), value.data(), value.size(), 0);
  });
  if (result < 0) {
    const int saved = errno;
    const std::string verb = "set attribute " + escape_name(xattr) + " of";
    throw_named(verb.c_str(), target.name, saved);
  }
}

void erase_xattr(const XattrTarget& target, const std::string& xattr) {
  const int result = retry([&] {
    return target.is_entry ? ::lremovexattr(target.path().c_str(), xattr.c_str())
                           : ::fremovexattr(target.fd, xattr.c_str());
  });
  if (result < 0 && errno != ENODATA) {
    const int saved = errno;
    const std::string verb = "remove attribute " + escape_name(xattr) + " of";
    throw_named(verb.c_str(), target.name, saved);
  }
}

}  // namespace syncline::fs
