// SPDX-License-Identifier: Apache-2.0
// Descriptors from 3 on, as systemd passes them.
#include "systemd/inherited_sockets.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "systemd/environment.hpp"

namespace syncline::systemd {
namespace {

constexpr int first_descriptor = 3;

int option_of(int fd, int option) {
  int value = 0;
  socklen_t length = sizeof value;
  if (::getsockopt(fd, SOL_SOCKET, option, &value, &length) != 0)
    throw_errno("socket " + std::to_string(fd) + " of the service manager");
  return value;
}

void require_listening(int fd) {
  if (option_of(fd, SO_TYPE) == SOCK_STREAM && option_of(fd, SO_ACCEPTCONN) != 0) return;
  throw Error(Errc::usage, "descriptor " + std::to_string(fd) +
                               " of the service manager is no listening stream socket; "
                               "write ListenStream= and Accept=no in the .socket unit");
}

/// The part of a colon-separated list up to the next colon, which is taken off its front.
std::string take_name(std::string& names) {
  const auto end = names.find(':');
  auto name = names.substr(0, end);
  names.erase(0, end == names.npos ? end : end + 1);
  return name;
}

}  // namespace

std::vector<InheritedSocket> take_inherited_sockets() {
  const auto pid_text = take_variable("LISTEN_PID");
  const auto count_text = take_variable("LISTEN_FDS");
  auto names = take_variable("LISTEN_FDNAMES").value_or("");
  const auto pid = to_number("LISTEN_PID", pid_text);
  const auto count = to_number("LISTEN_FDS", count_text).value_or(0);
  std::vector<InheritedSocket> sockets;
  if (!pid || !is_this_process(*pid)) return sockets;
  if (count > static_cast<std::int64_t>(limits::inherited_sockets_max))
    throw Error(Errc::usage, "the service manager passes " + std::to_string(count) + " sockets; at most " +
                                 std::to_string(limits::inherited_sockets_max) + " can be taken");
  for (int fd = first_descriptor; fd < first_descriptor + static_cast<int>(count); ++fd) {
    require_listening(fd);
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) throw_errno("socket " + std::to_string(fd));
    sockets.push_back({fs::Fd(fd), take_name(names)});
  }
  return sockets;
}

}  // namespace syncline::systemd
