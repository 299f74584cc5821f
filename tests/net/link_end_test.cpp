// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "net_pair.hpp"
#include "raw_client.hpp"
#include "support/catch.hpp"

namespace syncline::net {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::frame_of;
using test::NetPair;
using test::RawClient;
using test::RawTls;
using test::receive_frame;
using test::Server;

/// The server's end of a connection whose client does as the test says.
struct RawPair {
  RawPair() : client(server.endpoint()), tls(client, {test::client_identity(), 0}) {
    if (!tls.connect()) throw std::runtime_error("handshake");
    accepted = server.connections.take();
  }
  Link& there() { return *accepted.link; }
  Server server;
  RawClient client;
  RawTls tls;
  Connection accepted;
};

TEST_CASE("an end inside a frame is told as one, after the frames before it", "[link]") {
  RawPair pair;
  pair.tls.send(frame_of(10));
  pair.tls.send(ByteView(frame_of(1000)).first(500));
  pair.tls.send_close_notify();
  CHECK(receive_frame(pair.there()) == frame_of(10));
  CHECK(error_of([&] { pair.there().receive(); }).is(Errc::truncated));
}

TEST_CASE("an end that TLS did not announce is no orderly one", "[link]") {
  RawPair pair;
  pair.tls.send(frame_of(10));
  ::shutdown(pair.client.fd(), SHUT_RDWR);
  CHECK(receive_frame(pair.there()) == frame_of(10));
  CHECK(error_of([&] { pair.there().receive(); }).is(Errc::disconnected));
  CHECK(error_of([&] { pair.there().receive(); }).is(Errc::disconnected));  // and stays so
}

TEST_CASE("bytes that somebody on the way has altered end the connection", "[link]") {
  RawPair pair;
  pair.tls.send(frame_of(10));
  Bytes forged{std::byte{0x17}, std::byte{3}, std::byte{3}, std::byte{0}, std::byte{64}};
  forged.resize(5 + 64);
  pair.client.send(forged);
  CHECK(receive_frame(pair.there()) == frame_of(10));
  CHECK(error_of([&] { pair.there().receive(); }).is(Errc::corrupt));
}

TEST_CASE("a client may ask for new keys now and then, but not without end", "[link]") {
  RawPair pair;
  for (std::uint64_t k = 0; k < limits::key_updates_free; ++k) CHECK(pair.tls.request_key_update());
  pair.tls.send(frame_of(10));
  CHECK(receive_frame(pair.there()) == frame_of(10));
  CHECK(pair.tls.request_key_update());
  CHECK(error_of([&] { pair.there().receive(); }).is(Errc::limit_exceeded));
}

TEST_CASE("much content allows for more keys", "[link]") {
  RawPair pair;
  for (std::uint64_t k = 0; k < limits::key_updates_free; ++k) CHECK(pair.tls.request_key_update());
  std::thread sender([&] {
    for (std::uint32_t k = 0; k < 17; ++k) pair.tls.send(frame_of(limits::mib, k));
    pair.tls.request_key_update();
    pair.tls.send(frame_of(10));
  });
  for (std::uint32_t k = 0; k < 17; ++k) CHECK((receive_frame(pair.there()) == frame_of(limits::mib, k)));
  CHECK(receive_frame(pair.there()) == frame_of(10));
  sender.join();
}

/// Nobody takes frames out of its queue: a side that reads little more than `queue_bytes_max` and stops.
LinkOptions reluctant(std::size_t queue_bytes_max = 1000) {
  LinkOptions out;
  out.queue_bytes_max = queue_bytes_max;
  return out;
}

TEST_CASE("a side that stops reading blocks the sender at the limit and is ended", "[link]") {
  LinkOptions here;
  here.queue_bytes_max = limits::mib;
  here.stall_limit = 300ms;
  NetPair pair(here, reluctant());
  std::uint64_t accepted_bytes = 0;
  std::uint64_t held_bytes_max = 0;
  const auto error = error_of([&] {
    for (;;) {
      pair.here().send(frame_of(100'000));
      accepted_bytes += 100'004;
      const auto sent_bytes = pair.here().sent_bytes();
      if (accepted_bytes > sent_bytes) held_bytes_max = std::max(held_bytes_max, accepted_bytes - sent_bytes);
    }
  });
  CHECK(error.is(Errc::disconnected));
  CHECK(pair.here().failure()->is_errno(ETIMEDOUT));
  CHECK(error_of([&] { pair.here().receive(); }).is_errno(ETIMEDOUT));
  CHECK(held_bytes_max > limits::mib / 2);
  CHECK(held_bytes_max <= limits::mib + limits::link_output_bytes_max + 2 * 16'384);
}

TEST_CASE("a frame larger than the queue crosses when the queue is empty", "[link]") {
  LinkOptions here;
  here.queue_bytes_max = 100'000;
  NetPair pair(here, reluctant());
  pair.here().send(frame_of(300'000));
  CHECK(receive_frame(pair.there()) == frame_of(300'000));
}

TEST_CASE("a receiver holds no more than its limit and the frame at hand", "[link]") {
  NetPair pair({}, reluctant(100'000));
  std::atomic<std::uint32_t> sent = 0;
  constexpr std::uint32_t frame_count = 4000;
  constexpr std::uint32_t queued_count = (limits::link_queue_bytes_max + 600'000) / 10'000;
  std::thread sender([&] {
    for (std::uint32_t k = 0; k < frame_count; ++k) {
      pair.here().send(frame_of(10'000, k));
      ++sent;
    }
  });
  // Far more than the queue is on its way; the sender stands still before it is done.
  while (sent < queued_count) std::this_thread::yield();
  for (std::uint64_t last = 0; last != pair.there().received_bytes();) {
    last = pair.there().received_bytes();
    std::this_thread::sleep_for(50ms);
  }
  CHECK(pair.there().received_bytes() >= 100'000);
  CHECK(pair.there().received_bytes() < 100'000 + 10'000 + 2 * 65'536 + 5'000);
  for (std::uint32_t k = 0; k < frame_count; ++k)
    if (receive_frame(pair.there()) != frame_of(10'000, k)) FAIL("frame " << k);
  sender.join();
}

TEST_CASE("silence beyond its limit ends the connection", "[link]") {
  LinkOptions here;
  here.silence_limit = 200ms;
  LinkOptions there;
  there.keepalive_interval = std::chrono::hours(1);
  NetPair pair(here, there);
  const auto error = error_of([&] { pair.here().receive(); });
  CHECK(error.is_errno(ETIMEDOUT));
  CHECK(error.context().find("nothing received for 200 ms") != std::string::npos);
  CHECK_THROWS_AS(pair.there().receive(), Error);  // no orderly end for them
}

TEST_CASE("keepalives hold an idle connection and no frame comes of them", "[link]") {
  LinkOptions here;
  here.silence_limit = 2s;
  LinkOptions there;
  there.keepalive_interval = 20ms;
  NetPair pair(here, there);
  const auto begun = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() < begun + 2500ms) std::this_thread::sleep_for(20ms);
  CHECK_FALSE(pair.here().has_input());
  CHECK_FALSE(pair.here().failure());
  CHECK(pair.here().received_bytes() >= 26 * 3);
  pair.there().send(frame_of(1));
  CHECK(receive_frame(pair.here()) == frame_of(1));
}

TEST_CASE("a reader that pauses by itself does not take that for silence", "[link]") {
  auto here = reluctant();
  here.silence_limit = 100ms;
  NetPair pair(here);
  std::thread sender([&] {
    for (std::uint32_t k = 0; k < 100; ++k) pair.there().send(frame_of(100'000, k));
    pair.there().close();
  });
  std::this_thread::sleep_for(500ms);
  for (std::uint32_t k = 0; k < 100; ++k) CHECK((receive_frame(pair.here()) == frame_of(100'000, k)));
  CHECK_FALSE(pair.here().receive());
  sender.join();
}

TEST_CASE("destroying a link whose peer is stuck takes the close limit and no more", "[link]") {
  LinkOptions here;
  here.close_limit = 200ms;
  NetPair pair(here, reluctant());
  std::thread sender([&] {
    try {
      for (;;) pair.here().send(frame_of(1'000'000));
    } catch (const Error&) {}
  });
  while (pair.here().sent_bytes() < 1'000'000) std::this_thread::yield();
  pair.here().close();
  sender.join();
  const auto begun = std::chrono::steady_clock::now();
  pair.client.link.reset();
  CHECK(std::chrono::steady_clock::now() - begun < 20s);
}

TEST_CASE("who parts does not wait for the other side's answer, and what was sent arrives", "[link]") {
  NetPair pair({}, reluctant());
  pair.here().send(frame_of(5000));
  std::this_thread::sleep_for(100ms);  // until they read no more
  const auto begun = std::chrono::steady_clock::now();
  pair.here().part();
  pair.client.link.reset();
  CHECK(std::chrono::steady_clock::now() - begun < limits::farewell_limit);
  CHECK(receive_frame(pair.there()) == frame_of(5000));
  CHECK_FALSE(pair.there().receive());
  CHECK_FALSE(pair.there().failure());
}

TEST_CASE("what the other side said last is heard though it no longer listens", "[link]") {
  NetPair pair;
  pair.there().send(frame_of(50, 9));
  pair.there().close();
  // The engine is busy sending and finds out by that.
  CHECK(error_of([&] {
          for (;;) pair.here().send(frame_of(100'000));
        }).is(Errc::disconnected));
  CHECK(receive_frame(pair.here()) == frame_of(50, 9));
  CHECK_FALSE(pair.here().receive());
}

TEST_CASE("on_input calls once for a frame, at once if one is there, and for the end", "[link]") {
  NetPair pair;
  test::Inbox<int> calls;
  pair.there().on_input([&] { calls.put(1); });
  CHECK_FALSE(pair.there().has_input());
  pair.here().send(frame_of(1));
  CHECK(calls.take() == 1);
  pair.here().send(frame_of(2));
  pair.there().on_input([&] { calls.put(2); });
  CHECK(calls.take() == 2);
  receive_frame(pair.there());
  receive_frame(pair.there());
  pair.there().on_input([&] { calls.put(3); });
  pair.there().on_input([&] { calls.put(4); });  // in its place
  pair.here().close();
  CHECK(calls.take() == 4);
  CHECK(pair.there().has_input());
  pair.there().on_input([&] { calls.put(5); });
  CHECK(calls.take() == 5);
  CHECK_FALSE(pair.there().receive());
  CHECK(calls.size() == 0);
}

TEST_CASE("a notification may destroy its link, and a destroyed link notifies nobody", "[link]") {
  NetPair pair;
  test::Inbox<int> calls;
  pair.there().on_input([&] {
    pair.accepted.link.reset();
    calls.put(1);
  });
  pair.here().send(frame_of(1));
  CHECK(calls.take() == 1);
  CHECK_FALSE(pair.here().receive());
  pair.here().close();

  NetPair other;
  auto held = std::make_shared<int>(7);
  other.there().on_input([held, &calls] { calls.put(*held); });
  other.accepted.link.reset();
  CHECK(held.use_count() == 1);
  CHECK(calls.size() == 0);
}

}  // namespace
}  // namespace syncline::net
