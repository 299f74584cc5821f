// SPDX-License-Identifier: Apache-2.0
#include "net/listener.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_pair.hpp"
#include "raw_client.hpp"
#include "support/catch.hpp"

namespace syncline::net {
namespace {

using namespace std::chrono_literals;
using test::accepting_server;
using test::client_identity;
using test::error_of;
using test::RawClient;
using test::Server;

std::size_t thread_count() {
  std::size_t out = 0;
  DIR* dir = ::opendir("/proc/self/task");
  while (const auto* entry = ::readdir(dir))
    if (entry->d_name[0] != '.') ++out;
  ::closedir(dir);
  return out;
}

int listening_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd, 8) == 0);
  return fd;
}

TEST_CASE("two hundred idle connections need no thread of their own", "[listener]") {
  Server server({}, 2);
  IoThreads io;
  std::vector<Connection> clients;
  std::vector<Connection> accepted;
  const auto before = thread_count();
  for (int k = 0; k < 200; ++k) {
    clients.push_back(connect(io, server.endpoint(), client_identity(), accepting_server()));
    accepted.push_back(server.connections.take());
  }
  CHECK(thread_count() == before);
  // All are alive, and told of their input on demand.
  test::Inbox<std::size_t> readable;
  for (std::size_t k = 0; k < accepted.size(); ++k) accepted[k].link->on_input([&, k] { readable.put(k); });
  for (auto& client : clients) client.link->send(test::frame_of(100));
  CHECK(readable.wait_for(200) == 200);
  for (auto& connection : accepted) CHECK(test::receive_frame(*connection.link) == test::frame_of(100));
  CHECK(thread_count() == before);
}

TEST_CASE("clients before their handshake are bounded for one address", "[listener]") {
  ListenOptions options;
  options.handshakes_per_address_max = 3;
  Server server(options);
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int k = 0; k < 3; ++k) silent.push_back(std::make_unique<RawClient>(server.endpoint()));
  RawClient one_more(server.endpoint());
  CHECK(one_more.sees_end());
  CHECK(server.refusals.take().cause.is(Errc::limit_exceeded));
  CHECK(server.refusals.size() == 0);
  silent.pop_back();
  CHECK(server.refusals.take().cause.is(Errc::disconnected));  // its place is free
  IoThreads io;
  connect(io, server.endpoint(), client_identity(), accepting_server());
  server.connections.take();
}

TEST_CASE("clients before their handshake are bounded in all", "[listener]") {
  ListenOptions options;
  options.handshakes_max = 2;
  Server server(options);
  const RawClient first(server.endpoint());
  const RawClient second(server.endpoint());
  RawClient third(server.endpoint());
  CHECK(third.sees_end());
  CHECK(server.refusals.take().cause.is(Errc::limit_exceeded));
}

TEST_CASE("connections whose handshake is done do not count against that bound", "[listener]") {
  ListenOptions options;
  options.handshakes_per_address_max = 1;
  Server server(options);
  IoThreads io;
  std::vector<Connection> clients;
  for (int k = 0; k < 4; ++k) {
    clients.push_back(connect(io, server.endpoint(), client_identity(), accepting_server()));
    server.connections.wait_for(static_cast<std::size_t>(k) + 1);
  }
  CHECK(server.connections.size() == 4);
}

TEST_CASE("a lack of descriptors passes and the client that waited is served", "[listener]") {
  Server server;
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int probe = ::fcntl(client, F_DUPFD, 0);
  ::close(probe);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(probe);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(server.endpoint().port);
  const int connected = ::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address);
  std::this_thread::sleep_for(2 * limits::accept_pause);  // time to stumble
  ::setrlimit(RLIMIT_NOFILE, &before);
  REQUIRE(connected == 0);
  ::shutdown(client, SHUT_WR);
  CHECK(server.refusals.take().cause.is(Errc::disconnected));  // accepted, and then it said nothing
  ::close(client);
}

TEST_CASE("an inherited socket is listened on, and one that does not listen is refused", "[listener]") {
  ListenOptions options;
  options.sockets = {listening_socket()};
  Server server(options);
  CHECK(server.endpoint().host == "127.0.0.1");
  IoThreads io;
  connect(io, server.endpoint(), client_identity(), accepting_server());
  server.connections.take();

  ListenOptions wrong;
  wrong.sockets = {::socket(AF_INET, SOCK_STREAM, 0)};
  CHECK(error_of([&] { Server other(wrong); }).is_errno(EINVAL));
}

TEST_CASE("an address that is taken, and one that is none, are named", "[listener]") {
  Server server;
  ListenOptions options;
  options.addresses = {server.endpoint().text()};
  const auto taken = error_of([&] { Server other(options); });
  CHECK(taken.is_errno(EADDRINUSE));
  CHECK(taken.context() == server.endpoint().text());
  options.addresses = {"127.0.0.1:0", "nonsense"};
  CHECK(error_of([&] { Server other(options); }).is(Errc::usage));
}

TEST_CASE("several addresses are listened on at once", "[listener]") {
  ListenOptions options;
  options.addresses = {"127.0.0.1:0", "127.0.0.1:0"};
  Server server(options);
  IoThreads io;
  const auto endpoints = server.listener->endpoints();
  REQUIRE(endpoints.size() == 2);
  CHECK(endpoints[0] != endpoints[1]);
  for (const auto& endpoint : endpoints) connect(io, endpoint, client_identity(), accepting_server());
  CHECK(server.connections.wait_for(2) == 2);
}

TEST_CASE("after stop_accepting() nobody new comes and who was there stays", "[listener]") {
  Server server;
  IoThreads io;
  auto client = connect(io, server.endpoint(), client_identity(), accepting_server());
  auto accepted = server.connections.take();
  const auto endpoint = server.endpoint();
  server.listener->stop_accepting();
  // Closing goes by way of the network thread: a last one may slip in, and none after it was refused.
  bool refused = false;
  for (const auto give_up = std::chrono::steady_clock::now() + test::patience;
       !refused && std::chrono::steady_clock::now() < give_up;) {
    try {
      connect(io, endpoint, client_identity(), accepting_server());
    } catch (const Error& error) {
      refused = error.is_errno(ECONNREFUSED);
    }
  }
  CHECK(refused);
  server.listener.reset();
  client.link->send(test::frame_of(10));
  CHECK(test::receive_frame(*accepted.link) == test::frame_of(10));
}

TEST_CASE("a listener that is destroyed drops handshakes and calls nobody any more", "[listener]") {
  Server server;
  RawClient silent(server.endpoint());
  RawClient other(server.endpoint());
  server.listener.reset();
  CHECK(silent.sees_end());
  CHECK(other.sees_end());
  CHECK(server.refusals.size() == 0);
}

TEST_CASE("an owner that drops or throws refuses that client alone", "[listener]") {
  std::atomic<int> calls = 0;
  test::Inbox<Connection> third;
  ListenOptions options;
  options.on_connection = [&](Connection connection) {
    const int call = ++calls;
    if (call == 1) return;
    if (call == 2) throw std::runtime_error("the owner's own");
    third.put(std::move(connection));
  };
  Server server(options);
  IoThreads io;
  for (int k = 0; k < 2; ++k) {
    auto client = connect(io, server.endpoint(), client_identity(), accepting_server());
    CHECK_FALSE(client.link->receive());
  }
  auto client = connect(io, server.endpoint(), client_identity(), accepting_server());
  auto accepted = third.take();
  client.link->send(test::frame_of(3));
  CHECK(test::receive_frame(*accepted.link) == test::frame_of(3));
}

TEST_CASE("what a client may send can be kept low until it is known", "[listener]") {
  test::Inbox<Connection> accepted;
  ListenOptions options;
  options.on_connection = [&](Connection connection) {
    connection.link->limit_input(100, 100);
    accepted.put(std::move(connection));
  };
  Server server(options);
  IoThreads io;
  auto bad = connect(io, server.endpoint(), client_identity(), accepting_server());
  bad.link->send(test::frame_of(101));
  auto there = accepted.take();
  CHECK(error_of([&] { there.link->receive(); }).is(Errc::limit_exceeded));

  auto good = connect(io, server.endpoint(), client_identity(), accepting_server());
  good.link->send(test::frame_of(100));
  there = accepted.take();
  CHECK(test::receive_frame(*there.link) == test::frame_of(100));
  there.link->limit_input(limits::link_frame_bytes_max, limits::link_queue_bytes_max);
  there.link->send(test::frame_of(1));
  test::receive_frame(*good.link);
  good.link->send(test::frame_of(1'000'000));
  CHECK(test::receive_frame(*there.link) == test::frame_of(1'000'000));
}

}  // namespace
}  // namespace syncline::net
