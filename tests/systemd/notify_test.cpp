// SPDX-License-Identifier: Apache-2.0
#include "systemd/notify.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "base/limits.hpp"
#include "support/refusal.hpp"
#include "support/temp_dir.hpp"

namespace syncline::systemd {
namespace {

using test::refusal;

/// The service manager's end: a datagram socket at a path, or at '@' and a name.
class Manager {
 public:
  explicit Manager(const std::string& name) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(name.size() <= sizeof address.sun_path);
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
  }
  /// The next message; "" where none waits.
  std::string next() {
    std::string text(4096, '\0');
    const auto got = ::recv(fd_.get(), text.data(), text.size(), MSG_DONTWAIT);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }

 private:
  fs::Fd fd_;
};

class StillClock final : public Clock {
 public:
  std::int64_t now_ns() const override { return 0; }
  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(5'000'001'999));
  }
};

std::string abstract_name() { return "@syncline-test-" + std::to_string(::getpid()); }

TEST_CASE("the manager hears every state in the words of the protocol", "[server]") {
  test::TempDir temp;
  Manager manager(temp.path("notify"));
  StillClock clock;
  Notifier notifier(temp.path("notify"), clock);
  CHECK(notifier.connected());
  notifier.ready();
  CHECK(manager.next() == "READY=1");
  notifier.reloading();
  CHECK(manager.next() == "RELOADING=1\nMONOTONIC_USEC=5000001");
  notifier.watchdog();
  CHECK(manager.next() == "WATCHDOG=1");
  notifier.stopping();
  CHECK(manager.next() == "STOPPING=1");
  notifier.status("2 sessions");
  CHECK(manager.next() == "STATUS=2 sessions");
  CHECK(manager.next().empty());
}

TEST_CASE("a manager in the abstract namespace is reached by its exact name", "[server]") {
  Manager manager(abstract_name());
  Manager longer(abstract_name() + "x");
  Notifier(abstract_name()).ready();
  CHECK(manager.next() == "READY=1");
  CHECK(longer.next().empty());
}

TEST_CASE("a status is one line of bounded length", "[server]") {
  Manager manager(abstract_name());
  Notifier notifier(abstract_name());
  notifier.status("a\nREADY=1\tb\x7f");
  CHECK(manager.next() == "STATUS=a READY=1 b ");
  const std::string longest(limits::notify_status_bytes_max, 'x');
  notifier.status(longest);
  CHECK(manager.next() == "STATUS=" + longest);
  notifier.status(longest + "y");
  CHECK(manager.next() == "STATUS=" + longest);
  // The cut never halves a character.
  notifier.status(longest.substr(1) + "ä");
  CHECK(manager.next() == "STATUS=" + longest.substr(1));
}

TEST_CASE("without a manager, or with one that went away, nothing happens", "[server]") {
  Notifier none;
  CHECK_FALSE(none.connected());
  none.ready();
  none.reloading();
  Notifier gone(abstract_name());
  gone.ready();
  gone.status("x");
  CHECK(gone.connected());
}

TEST_CASE("an address that no socket has is refused", "[server]") {
  CHECK(refusal([] { Notifier("relative"); }).find("is neither a path nor an abstract name") !=
        std::string::npos);
  CHECK(refusal([] { Notifier("/"); }) != "");
  CHECK(refusal([] { Notifier("@"); }) != "");
  const auto room = sizeof(sockaddr_un::sun_path);
  CHECK(refusal([&] { Notifier("/" + std::string(room - 2, 'x')); }) == "");
  CHECK(refusal([&] { Notifier("/" + std::string(room - 1, 'x')); }) != "");
  CHECK(refusal([&] { Notifier("@" + std::string(room - 1, 'x')); }) == "");
  CHECK(refusal([&] { Notifier("@" + std::string(room, 'x')); }) != "");
  try {
    Notifier("vsock:2:1234");
    FAIL("not refused");
  } catch (const Error& error) {
    CHECK(error.is(Errc::unsupported));
  }
}

TEST_CASE("what the manager set is taken out of the environment", "[server]") {
  Manager manager(abstract_name());
  ::setenv("NOTIFY_SOCKET", abstract_name().c_str(), 1);
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  auto taken = take_service_manager();
  CHECK(::getenv("NOTIFY_SOCKET") == nullptr);
  CHECK(::getenv("WATCHDOG_USEC") == nullptr);
  CHECK(::getenv("WATCHDOG_PID") == nullptr);
  CHECK(taken.watchdog == std::chrono::seconds(30));
  taken.notifier.ready();
  CHECK(manager.next() == "READY=1");
  const auto again = take_service_manager();
  CHECK_FALSE(again.notifier.connected());
  CHECK_FALSE(again.watchdog);
}

TEST_CASE("a watchdog for another process is not ours", "[server]") {
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  CHECK_FALSE(take_service_manager().watchdog);
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  CHECK(take_service_manager().watchdog);
}

TEST_CASE("numbers that are none are refused and leave nothing behind", "[server]") {
  ::setenv("WATCHDOG_USEC", "soon", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  CHECK(refusal([] { take_service_manager(); }).starts_with("$WATCHDOG_USEC 'soon' is not a number"));
  CHECK(::getenv("WATCHDOG_PID") == nullptr);
}

}  // namespace
}  // namespace syncline::systemd
