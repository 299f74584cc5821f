// SPDX-License-Identifier: Apache-2.0
// Socket activation. Each case runs in a child: only there descriptors 3, 4, ... can be chosen.
#include "systemd/inherited_sockets.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.hpp"
#include "support/child.hpp"
#include "support/refusal.hpp"

namespace syncline::systemd {
namespace {

using test::refusal;

int listening_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, 1) != 0)
    return -1;
  return fd;
}

void activate(const std::string& count, const std::string& pid, const char* names = nullptr) {
  ::setenv("LISTEN_FDS", count.c_str(), 1);
  ::setenv("LISTEN_PID", pid.c_str(), 1);
  if (names != nullptr) ::setenv("LISTEN_FDNAMES", names, 1);
}

bool environment_is_clear() {
  return ::getenv("LISTEN_FDS") == nullptr && ::getenv("LISTEN_PID") == nullptr &&
         ::getenv("LISTEN_FDNAMES") == nullptr;
}

/// 0 if `body` holds in a child whose descriptors 3 to 5 listen.
template <class Body>
int in_child(Body body) {
  return test::run_in_child([&] {
           const int listener = listening_socket();
           for (int fd = 3; fd <= 5; ++fd)
             if (listener < 0 || (listener != fd && ::dup2(listener, fd) != fd)) return 2;
           return body() ? 0 : 1;
         })
      .exit_code;
}

bool refuses() {
  try {
    take_inherited_sockets();
    return false;
  } catch (const Error& error) {
    return error.is(Errc::usage) && environment_is_clear();
  }
}

TEST_CASE("inherited sockets come with their names and close on exec", "[server]") {
  CHECK(in_child([] {
          activate("3", std::to_string(::getpid()), "tls:admin");
          const auto sockets = take_inherited_sockets();
          return sockets.size() == 3 && sockets[0].fd.get() == 3 && sockets[2].fd.get() == 5 &&
                 sockets[0].name == "tls" && sockets[1].name == "admin" && sockets[2].name.empty() &&
                 (::fcntl(3, F_GETFD) & FD_CLOEXEC) != 0 && environment_is_clear() &&
                 take_inherited_sockets().empty();
        }) == 0);
}

TEST_CASE("sockets for another process are left alone", "[server]") {
  CHECK(in_child([] {
          activate("3", "1");
          return take_inherited_sockets().empty() && ::fcntl(3, F_GETFD) >= 0 && environment_is_clear();
        }) == 0);
  CHECK(in_child([] {
          ::setenv("LISTEN_FDS", "1", 1);
          return take_inherited_sockets().empty() && environment_is_clear();
        }) == 0);
}

TEST_CASE("what does not listen is refused", "[server]") {
  CHECK(in_child([] {
          ::close(4);
          if (::socket(AF_INET, SOCK_STREAM, 0) != 4) return false;  // not listening
          activate("2", std::to_string(::getpid()));
          return refuses();
        }) == 0);
  CHECK(in_child([] {
          ::close(4);
          if (::socket(AF_INET, SOCK_DGRAM, 0) != 4) return false;
          activate("2", std::to_string(::getpid()));
          return refuses();
        }) == 0);
  CHECK(in_child([] {
          ::close(4);
          activate("2", std::to_string(::getpid()));
          try {
            take_inherited_sockets();
            return false;
          } catch (const Error& error) {
            return error.is_errno(EBADF);
          }
        }) == 0);
}

TEST_CASE("as many sockets as the limit are taken and not one more", "[server]") {
  const auto with_count = [](int count) {
    return in_child([count] {
      for (int fd = 6; fd < 3 + count; ++fd)
        if (::dup2(3, fd) != fd) return false;
      activate(std::to_string(count), std::to_string(::getpid()));
      return static_cast<int>(take_inherited_sockets().size()) == count;
    });
  };
  CHECK(with_count(static_cast<int>(limits::inherited_sockets_max)) == 0);
  CHECK(with_count(static_cast<int>(limits::inherited_sockets_max) + 1) == 125);
}

TEST_CASE("activation that is not made of numbers is refused", "[server]") {
  for (const auto* count : {"x", "-1", "1 ", "99999999999999999999"})
    CHECK(in_child([count] {
            activate(count, std::to_string(::getpid()));
            return refuses();
          }) == 0);
  CHECK(in_child([] {
          activate("1", "me");
          return refuses();
        }) == 0);
}

}  // namespace
}  // namespace syncline::systemd
