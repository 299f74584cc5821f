// SPDX-License-Identifier: Apache-2.0
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <random>

#include "net_pair.hpp"
#include "raw_client.hpp"
#include "support/catch.hpp"

namespace syncline::net {
namespace {

using namespace std::chrono_literals;
using test::accepting_server;
using test::client_identity;
using test::error_of;
using test::make_identity;
using test::NetPair;
using test::RawClient;
using test::RawTls;
using test::Server;

bool names(const Error& error, const std::string& text) {
  return error.context().find(text) != std::string::npos;
}

TEST_CASE("both sides learn whose key the other has", "[tls]") {
  NetPair pair;
  CHECK(pair.client.peer == key_of(test::server_identity()));
  CHECK(pair.accepted.peer == key_of(client_identity()));
  CHECK(pair.client.peer != pair.accepted.peer);
  CHECK(pair.client.peer_address == pair.server.endpoint().text());
  CHECK(pair.accepted.peer_address.find("127.0.0.1:") == 0);
}

TEST_CASE("a key stays the same in another certificate", "[tls]") {
  auto identity = make_identity();
  const auto other = make_identity();
  CHECK(key_of(identity) == key_of(identity));
  CHECK(key_of(identity) != key_of(other));
}

TEST_CASE("the exported secret is the same on both ends and on no other connection", "[tls]") {
  NetPair one;
  NetPair other;
  CHECK(one.client.exporter == one.accepted.exporter);
  CHECK(one.client.exporter != other.client.exporter);
  CHECK(one.client.exporter != std::array<std::byte, 32>{});
}

TEST_CASE("an identity that cannot be used is refused before anything is sent", "[tls]") {
  const auto good = make_identity();
  auto bad = good;
  bad.certificate_pem = "nothing";
  CHECK(error_of([&] { TlsContext(bad, TlsContext::Role::client); }).is(Errc::malformed));
  CHECK(error_of([&] { key_of(bad); }).is(Errc::malformed));
  bad = good;
  bad.private_key_pem.clear();
  CHECK(error_of([&] { TlsContext(bad, TlsContext::Role::client); }).is(Errc::malformed));
  bad.private_key_pem = make_identity().private_key_pem;
  const auto error = error_of([&] { TlsContext(bad, TlsContext::Role::server); });
  CHECK(error.is(Errc::malformed));
  CHECK(names(error, "not that of its certificate"));
}

TEST_CASE("a server with another key than the expected one is untrusted", "[tls]") {
  Server server;
  IoThreads io;
  ConnectOptions options;
  PeerKey seen{};
  options.accept = [&](const PeerKey& key) {
    seen = key;
    return false;
  };
  const auto error = error_of([&] { connect(io, server.endpoint(), client_identity(), options); });
  CHECK(error.is(Errc::untrusted));
  CHECK(names(error, server.endpoint().text()));
  CHECK(seen == key_of(test::server_identity()));
  CHECK(server.refusals.take().cause.is(Errc::untrusted));
  CHECK(server.connections.size() == 0);
}

TEST_CASE("whoever names no key to expect connects to nobody", "[tls]") {
  Server server;
  IoThreads io;
  CHECK(error_of([&] { connect(io, server.endpoint(), client_identity(), {}); }).is(Errc::untrusted));
}

TEST_CASE("a client without a certificate is refused", "[tls]") {
  Server server;
  RawClient client(server.endpoint());
  RawTls tls(client, {});
  tls.connect();  // of TLS 1.3 the client is done before the server has looked
  CHECK_FALSE(tls.receive());
  CHECK(server.refusals.take().cause.is(Errc::untrusted));
  CHECK(server.connections.size() == 0);
}

TEST_CASE("TLS 1.2 is refused and 1.3 is not", "[tls]") {
  Server server;
  {
    RawClient client(server.endpoint());
    RawTls tls(client, {client_identity(), TLS1_2_VERSION});
    CHECK_FALSE(tls.connect());
    CHECK(server.refusals.take().cause.is(Errc::unsupported));
  }
  RawClient client(server.endpoint());
  RawTls tls(client, {client_identity(), 0});
  CHECK(tls.connect());
  CHECK(tls.version() == "TLSv1.3");
  CHECK(server.connections.take().peer == key_of(client_identity()));
}

TEST_CASE("no ticket for a later session is handed out", "[tls]") {
  Server server;
  RawClient client(server.endpoint());
  RawTls tls(client, {client_identity(), 0});
  CHECK(tls.connect());
  const auto connection = server.connections.take();
  const auto before = connection.link->sent_bytes();
  connection.link->send(test::frame_of(1));
  CHECK(tls.receive() == test::frame_of(1));
  while (connection.link->sent_bytes() == before) std::this_thread::yield();  // counted when sent, not before
  CHECK(connection.link->sent_bytes() == before + 5 + 22);  // one record of five bytes, and nothing else
}

TEST_CASE("bytes that are not TLS are refused, and the next client is served", "[tls]") {
  Server server;
  std::mt19937_64 random(11);
  for (int k = 0; k < 20; ++k) {
    Bytes noise(1 + random() % 3000);
    for (auto& byte : noise) byte = static_cast<std::byte>(random());
    RawClient client(server.endpoint());
    client.send(noise);
    ::shutdown(client.fd(), SHUT_WR);
    CHECK(client.sees_end());
    server.refusals.take();
  }
  RawClient http(server.endpoint());
  http.send(as_bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  CHECK(http.sees_end());
  CHECK(server.refusals.take().cause.is(Errc::malformed));
  IoThreads io;
  connect(io, server.endpoint(), client_identity(), accepting_server());
  server.connections.take();
}

TEST_CASE("a certificate up to the limit is read and a larger one is refused", "[tls]") {
  Server server;
  IoThreads io;
  CHECK_NOTHROW(connect(io, server.endpoint(), make_identity(limits::peer_certificate_bytes_max - 1000),
                        accepting_server()));
  server.connections.take();
  auto big =
      connect(io, server.endpoint(), make_identity(limits::peer_certificate_bytes_max), accepting_server());
  CHECK(server.refusals.take().cause.is(Errc::limit_exceeded));
  CHECK_THROWS_AS(big.link->receive(), Error);
  CHECK(server.connections.size() == 0);
}

TEST_CASE("a client that says nothing is closed by the deadline", "[tls]") {
  ListenOptions options;
  options.handshake_limit = 200ms;
  Server server(options);
  RawClient client(server.endpoint());
  CHECK(client.sees_end());
  const auto refusal = server.refusals.take();
  CHECK(refusal.cause.is_errno(ETIMEDOUT));
  CHECK(refusal.address.find("127.0.0.1:") == 0);
}

TEST_CASE("a client that dribbles its handshake is closed by the same deadline", "[tls]") {
  ListenOptions options;
  options.handshake_limit = 200ms;
  Server server(options);
  RawClient client(server.endpoint());
  const Bytes head{std::byte{0x16}, std::byte{3}, std::byte{1}, std::byte{0x40}, std::byte{0}};
  client.send(head);
  std::atomic<bool> over = false;
  std::thread dribble([&] {
    const std::byte one{1};
    while (!over) {
      client.send({&one, 1});
      std::this_thread::sleep_for(1ms);
    }
  });
  CHECK(server.refusals.take().cause.is_errno(ETIMEDOUT));
  over = true;
  dribble.join();
}

}  // namespace
}  // namespace syncline::net
