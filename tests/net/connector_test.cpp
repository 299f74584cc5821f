// SPDX-License-Identifier: Apache-2.0
#include "net/connector.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_pair.hpp"
#include "support/catch.hpp"

namespace syncline::net {
namespace {

using namespace std::chrono_literals;
using test::accepting_server;
using test::client_identity;
using test::error_of;
using test::Server;

/// A port of the loopback interface that is bound, and where nobody listens unless `listening`; nobody
/// accepts.
class DeafPort {
 public:
  explicit DeafPort(bool listening) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&address), bytes) == 0);
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &bytes) == 0);
    if (listening) REQUIRE(::listen(fd_, 8) == 0);
    endpoint = {"127.0.0.1", ntohs(address.sin_port)};
  }
  ~DeafPort() { ::close(fd_); }
  Endpoint endpoint;

 private:
  int fd_;
};

TEST_CASE("a refused connection names the endpoint and the errno", "[connect]") {
  const DeafPort port(false);
  IoThreads io;
  const auto error = error_of([&] { connect(io, port.endpoint, client_identity(), accepting_server()); });
  CHECK(error.is_errno(ECONNREFUSED));
  CHECK(error.context() == port.endpoint.text());
}

TEST_CASE("a server that never answers costs the deadline and no more", "[connect]") {
  const DeafPort port(true);
  IoThreads io;
  auto options = accepting_server();
  options.deadline = 100ms;
  const auto error = error_of([&] { connect(io, port.endpoint, client_identity(), options); });
  CHECK(error.is_errno(ETIMEDOUT));
  CHECK(error.context().find(port.endpoint.text()) == 0);
}

TEST_CASE("a name without an address is told apart", "[connect]") {
  IoThreads io;
  const auto error = error_of([&] {
    connect(io, {"no..name", 7420}, client_identity(), accepting_server());
  });
  CHECK(error.is(Errc::unresolved));
  CHECK(error.context().find("no..name:7420") == 0);
}

TEST_CASE("every address of a name is tried", "[connect]") {
  Server server;  // on 127.0.0.1; localhost is ::1 first where there is IPv6
  IoThreads io;
  auto client = connect(io, {"localhost", server.endpoint().port}, client_identity(), accepting_server());
  CHECK(client.peer_address == server.endpoint().text());
}

TEST_CASE("threads that end take a connection attempt along", "[connect]") {
  const DeafPort port(true);
  std::optional<IoThreads> io(std::in_place);
  auto& threads = *io;
  test::Inbox<int> begun;
  std::thread caller([&] {
    begun.put(1);
    try {
      connect(threads, port.endpoint, client_identity(), accepting_server());
      FAIL("connected");
    } catch (const Error& error) {
      CHECK(error.is(Errc::cancelled));
    }
  });
  begun.take();
  std::this_thread::sleep_for(50ms);  // usually in the handshake by now; earlier is as good
  io.reset();
  caller.join();
}

TEST_CASE("one client may hold several connections on one thread", "[connect]") {
  Server server;
  IoThreads io;
  std::vector<Connection> clients;
  std::vector<Connection> accepted;
  for (int k = 0; k < 5; ++k) {
    clients.push_back(connect(io, server.endpoint(), client_identity(), accepting_server()));
    accepted.push_back(server.connections.take());
  }
  for (std::uint32_t k = 0; k < 5; ++k) clients[k].link->send(test::frame_of(1000, k));
  for (std::uint32_t k = 0; k < 5; ++k)
    CHECK(test::receive_frame(*accepted[k].link) == test::frame_of(1000, k));
}

}  // namespace
}  // namespace syncline::net
