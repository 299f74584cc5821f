// SPDX-License-Identifier: Apache-2.0
// Local sockets by way of /proc/self/fd.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>

#include "base/error.hpp"
#include "base/relpath.hpp"
#include "fs/linux_fs.hpp"
#include "fs/local_socket.hpp"

namespace syncline::fs {
namespace {

/// Of an entry of an open directory.
::sockaddr_un local_address(const Dir& dir, const std::string& name) {
  const auto* open = dynamic_cast<const LinuxDir*>(&dir);
  if (open == nullptr) throw Error(EXDEV, "use a socket in a directory");
  check_name(name);
  const auto path = "/proc/self/fd/" + std::to_string(open->descriptor()) + "/" + name;
  ::sockaddr_un out{};
  out.sun_family = AF_UNIX;
  if (path.size() >= sizeof out.sun_path) throw_named("use the socket", name, ENAMETOOLONG);
  path.copy(out.sun_path, path.size());
  return out;
}

Fd local_socket() {
  Fd out(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!out) throw_errno("make a local socket");
  return out;
}

}  // namespace

Fd listen_local(Dir& dir, const std::string& name) {
  const auto address = local_address(dir, name);
  auto out = local_socket();
  // The mode of the socket file is that of the descriptor (unix(7), "Pathname socket ownership").
  ::fchmod(out.get(), 0600);
  if (::bind(out.get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address) != 0)
    throw_named("make the socket", name);
  if (::listen(out.get(), SOMAXCONN) != 0) throw_named("listen at the socket", name);
  return out;
}

std::optional<Fd> connect_local(const Dir& dir, const std::string& name) {
  const auto address = local_address(dir, name);
  auto out = local_socket();
  const ::timeval limit{1, 0};
  ::setsockopt(out.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (retry([&] {
        return ::connect(out.get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address);
      }) == 0)
    return out;
  if (errno == ENOENT || errno == ECONNREFUSED) return std::nullopt;
  throw_named("connect to the socket", name);
}

std::uint32_t peer_user(int connected) {
  ::ucred who{};
  ::socklen_t length = sizeof who;
  if (::getsockopt(connected, SOL_SOCKET, SO_PEERCRED, &who, &length) != 0)
    throw_errno("ask who is at the other end of a socket");
  return who.uid;
}

}  // namespace syncline::fs
