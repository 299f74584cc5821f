// SPDX-License-Identifier: Apache-2.0
#include "net/tls_stream.hpp"

#include <asio/connect.hpp>

#include "frames.hpp"
#include "identity.hpp"
#include "support/catch.hpp"

namespace syncline::net {
namespace {

using tcp = asio::ip::tcp;

/// Both ends on this thread, driven by hand.
struct StreamPair {
  StreamPair()
      : client_context(test::make_identity(), TlsContext::Role::client),
        server_context(test::make_identity(), TlsContext::Role::server) {
    const AcceptKey anyone = [](const PeerKey&) { return true; };
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket here(io);
    here.connect(acceptor.local_endpoint());
    client.emplace(std::move(here), client_context, anyone);
    server.emplace(acceptor.accept(), server_context, anyone);
    shake_hands();
  }
  /// In three flights, so that each end has something to read when it waits for it.
  void shake_hands() {
    CHECK_FALSE(client->handshake());
    await_input(*server);
    CHECK_FALSE(server->handshake());
    await_input(*client);
    CHECK(client->handshake());
    await_input(*server);
    CHECK(server->handshake());
  }
  void await_input(TlsStream& stream) {
    bool woken = false;
    stream.wait_readable([&](std::error_code) { woken = true; });
    io.restart();
    while (!woken) io.run_one();
  }
  /// What the server reads until `bytes` of content are there.
  Bytes read(std::size_t bytes) {
    Bytes out;
    while (out.size() < bytes) {
      Bytes part(100'000);
      client->flush();
      const auto input = server->read(part);
      if (input.state == Stream::State::end) break;
      out.insert(out.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(input.bytes));
      if (input.state == Stream::State::wait_input) await_input(*server);
    }
    return out;
  }
  asio::io_context io;
  TlsContext client_context;
  TlsContext server_context;
  std::optional<TlsStream> client;
  std::optional<TlsStream> server;
};

TEST_CASE("a TLS key is used for so many records and then renewed", "[tls]") {
  StreamPair pair;
  pair.client->limit_key_records(3);
  const Bytes content = test::frame_of(5);
  const ByteView piece(content);
  std::vector<std::uint64_t> sizes;
  for (int k = 0; k < 8; ++k) {
    const auto before = pair.client->sent_bytes();
    CHECK(pair.client->write({&piece, 1}) == content.size());
    sizes.push_back(pair.client->sent_bytes() - before);
    CHECK(pair.read(content.size()) == content);
  }
  const std::uint64_t record = content.size() + 22;
  const std::uint64_t with_update = record + 5 + 22;
  CHECK(sizes ==
        std::vector<std::uint64_t>{record, record, record, with_update, record, record, with_update, record});
}

TEST_CASE("small pieces share records and large ones are cut", "[tls]") {
  StreamPair pair;
  std::vector<Bytes> frames;
  for (std::uint32_t k = 0; k < 60; ++k) frames.push_back(test::frame_of(k % 7 == 0 ? 20'000 : 100, k));
  std::vector<ByteView> pieces(frames.begin(), frames.end());
  Bytes all;
  for (const auto& frame : frames) all.insert(all.end(), frame.begin(), frame.end());
  std::size_t written = 0;
  Bytes got;
  while (written < all.size()) {
    auto rest = written;
    std::vector<ByteView> left;
    for (const auto& piece : pieces) {
      const auto skipped = std::min(rest, piece.size());
      rest -= skipped;
      if (skipped < piece.size()) left.push_back(piece.subspan(skipped));
    }
    const auto taken = pair.client->write(left);
    const auto part = pair.read(taken);
    got.insert(got.end(), part.begin(), part.end());
    written += taken;
  }
  CHECK(got == all);
  const auto records = (all.size() + 16'383) / 16'384 + 2;
  CHECK(pair.client->sent_bytes() < all.size() + records * 22 + 2'000);
}

TEST_CASE("finish() is heard after what was written", "[tls]") {
  StreamPair pair;
  const Bytes content = test::frame_of(5);
  const ByteView piece(content);
  pair.client->write({&piece, 1});
  pair.client->finish();
  CHECK(pair.client->has_output());
  CHECK(pair.client->flush());
  CHECK_FALSE(pair.client->has_output());
  CHECK(pair.read(1000) == content);
}

}  // namespace
}  // namespace syncline::net
