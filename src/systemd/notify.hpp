// SPDX-License-Identifier: Apache-2.0
// Telling the service manager how the server does (sd_notify(3)): the protocol is one datagram a
// message, so it needs no library.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/world.hpp"
#include "fs/fd.hpp"

namespace syncline::systemd {

/// Sends to the socket that $NOTIFY_SOCKET names; without one every call does nothing. A message that
/// cannot be delivered is dropped: a server does not stop because its manager does not listen. A manager
/// whose queue is full is waited for one second. One thread at a time.
class Notifier {
 public:
  Notifier() = default;
  /// `socket` is a path, or '@' and a name in the abstract namespace. Throws Error(usage) for what
  /// is neither, Error(unsupported) for vsock, or an errno of socket(2). Nothing is sent yet.
  explicit Notifier(const std::string& socket, Clock& clock = system_clock());

  void ready();      ///< start-up is done, also after reloading()
  void reloading();  ///< reads its configuration again; ready() must follow
  void stopping();
  /// One line for `systemctl status`; control characters become spaces, what passes
  /// limits::notify_status_bytes_max is cut off at a whole character.
  void status(std::string_view text);
  /// Still alive; to be sent about twice in each watchdog interval.
  void watchdog();

  bool connected() const { return static_cast<bool>(fd_); }

 private:
  void send(const std::string& message);

  fs::Fd fd_;
  std::string address_;  // as in sockaddr_un: an abstract name begins with NUL
  Clock* clock_ = nullptr;
};

/// What $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID say to this process.
struct ServiceManager {
  Notifier notifier;
  std::optional<std::chrono::microseconds> watchdog;  ///< silence that gets the process killed
};

/// Reads the three variables and removes them, so that no child speaks for the server. Call it while the
/// process has one thread. Throws as Notifier does, and Error(usage) for numbers that are none.
ServiceManager take_service_manager();

}  // namespace syncline::systemd
