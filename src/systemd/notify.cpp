// SPDX-License-Identifier: Apache-2.0
// Datagrams to the service manager.
#include "systemd/notify.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "systemd/environment.hpp"

namespace syncline::systemd {
namespace {

[[noreturn]] void refuse(const std::string& socket, const char* reason) {
  throw Error(Errc::usage, "$NOTIFY_SOCKET '" + escape_name(socket) + "' " + reason +
                               "; it is set by the service manager: unset it to run without one");
}

/// As the kernel wants it.
std::string address_of(const std::string& socket) {
  if (socket.starts_with("vsock:"))
    throw Error(Errc::unsupported, "$NOTIFY_SOCKET '" + escape_name(socket) + "'");
  if (!socket.starts_with('/') && !socket.starts_with('@'))
    refuse(socket, "is neither a path nor an abstract name");
  // A path needs room for its NUL, an abstract name does not; both have a first character that counts.
  const std::size_t bytes_max = sizeof(sockaddr_un::sun_path) - (socket.front() == '/' ? 1 : 0);
  if (socket.size() < 2 || socket.size() > bytes_max) refuse(socket, "does not fit the address of a socket");
  auto address = socket;
  if (address.front() == '@') address.front() = '\0';
  return address;
}

void cut_to(std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return;
  auto end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
}

}  // namespace

Notifier::Notifier(const std::string& socket, Clock& clock) : address_(address_of(socket)), clock_(&clock) {
  fd_ = fs::Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd_) throw_errno("socket for $NOTIFY_SOCKET");
  const timeval wait{.tv_sec = 1, .tv_usec = 0};
  if (::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) != 0)
    throw_errno("time limit for $NOTIFY_SOCKET");
}

void Notifier::ready() { send("READY=1"); }
void Notifier::stopping() { send("STOPPING=1"); }
void Notifier::watchdog() { send("WATCHDOG=1"); }

void Notifier::reloading() {
  if (!fd_) return;
  // steady_clock is CLOCK_MONOTONIC: systemd tells this reload from an earlier one by its time.
  const auto since_boot =
      std::chrono::duration_cast<std::chrono::microseconds>(clock_->steady().time_since_epoch());
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(since_boot.count()));
}

void Notifier::status(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(
      line, [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
  cut_to(line, limits::notify_status_bytes_max);
  send("STATUS=" + line);
}

void Notifier::send(const std::string& message) {
  if (!fd_) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  const bool abstract = address_.front() == '\0';
  const auto length = offsetof(sockaddr_un, sun_path) + address_.size() + (abstract ? 0 : 1);
  fs::retry([&] {
    return ::sendto(fd_.get(), message.data(), message.size(), MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&to), static_cast<socklen_t>(length));
  });
}

ServiceManager take_service_manager() {
  const auto socket = take_variable("NOTIFY_SOCKET");
  const auto interval_text = take_variable("WATCHDOG_USEC");
  const auto pid_text = take_variable("WATCHDOG_PID");
  const auto interval = to_number("WATCHDOG_USEC", interval_text);
  const auto pid = to_number("WATCHDOG_PID", pid_text);
  ServiceManager out;
  if (socket && !socket->empty()) out.notifier = Notifier(*socket);
  if (interval.value_or(0) > 0 && (!pid || is_this_process(*pid)))
    out.watchdog = std::chrono::microseconds(*interval);
  return out;
}

}  // namespace syncline::systemd
