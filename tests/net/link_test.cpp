// SPDX-License-Identifier: Apache-2.0
#include "net/link.hpp"

#include <atomic>
#include <thread>

#include "net_pair.hpp"
#include "support/catch.hpp"

namespace syncline::net {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using test::frame_of;
using test::NetPair;
using test::receive_frame;

TEST_CASE("frames of every size cross whole, in order and unaltered", "[link]") {
  NetPair pair;
  const std::vector<std::size_t> sizes = {1,      2,       3, 16'383,    16'384,
                                          16'385, 100'000, 1, 5'000'000, limits::link_frame_bytes_max};
  std::thread sender([&] {
    std::uint32_t seed = 0;
    for (const auto bytes : sizes) pair.here().send(frame_of(bytes, ++seed));
  });
  std::uint32_t seed = 0;
  for (const auto bytes : sizes) {
    CAPTURE(bytes);
    CHECK((receive_frame(pair.there()) == frame_of(bytes, ++seed)));
  }
  sender.join();
}

TEST_CASE("both directions carry megabytes at the same time, from several threads", "[link]") {
  NetPair pair;
  constexpr std::uint32_t frame_count = 160;
  constexpr std::size_t thread_count = 3;
  // Each thread's frames are told apart by their length and must come in its order.
  const auto send_all = [&](Link& link, std::size_t thread) {
    for (std::uint32_t k = 0; k < frame_count; ++k) link.send(frame_of(30'000 + thread, k));
  };
  const auto receive_all = [&](Link& link) {
    std::array<std::uint32_t, thread_count> next{};
    for (std::size_t k = 0; k < frame_count * thread_count; ++k) {
      const auto frame = receive_frame(link);
      const auto thread = frame.size() - 4 - 30'000;
      if (thread >= thread_count || frame != frame_of(30'000 + thread, next[thread]++)) return false;
    }
    return true;
  };
  std::vector<std::thread> senders;
  for (std::size_t k = 0; k < thread_count; ++k) {
    senders.emplace_back(send_all, std::ref(pair.here()), k);
    senders.emplace_back(send_all, std::ref(pair.there()), k);
  }
  bool good_there = false;
  std::thread receiver([&] { good_there = receive_all(pair.there()); });
  CHECK(receive_all(pair.here()));
  receiver.join();
  for (auto& sender : senders) sender.join();
  CHECK(good_there);
}

TEST_CASE("a frame one byte above the limit ends the connection and is named", "[link]") {
  LinkOptions small;
  small.frame_bytes_max = 1000;
  NetPair pair({}, small);
  pair.here().send(frame_of(1000));
  pair.here().send(frame_of(1001));
  CHECK(receive_frame(pair.there()) == frame_of(1000));
  const auto error = error_of([&] { pair.there().receive(); });
  CHECK(error.is(Errc::limit_exceeded));
  CHECK(error.context().find("127.0.0.1:") != std::string::npos);
  CHECK(pair.there().failure()->is(Errc::limit_exceeded));
  CHECK(error_of([&] { pair.there().send(frame_of(1)); }).is(Errc::disconnected));
  CHECK_THROWS_AS(pair.here().receive(), Error);
}

TEST_CASE("a sender refuses what the other side would have to refuse", "[link]") {
  NetPair pair;
  CHECK(error_of([&] {
          pair.here().send(frame_of(limits::link_frame_bytes_max + 1));
        }).is(Errc::limit_exceeded));
  CHECK(error_of([&] { pair.here().send({}); }).is(Errc::malformed));
  CHECK(error_of([&] {
          pair.here().send(frame_of(0));
        }).is(Errc::malformed));  // a keepalive is not the engine's
  auto frame = frame_of(5);
  frame.pop_back();
  CHECK(error_of([&] { pair.here().send(frame); }).is(Errc::malformed));
  CHECK_THROWS_AS(pair.here().hand_over({}, 1), std::logic_error);
  CHECK_FALSE(pair.here().is_local());
  pair.here().send(frame_of(5));
  CHECK(receive_frame(pair.there()) == frame_of(5));
}

TEST_CASE("close() delivers what was sent before, and both sides end in order", "[link]") {
  NetPair pair;
  for (std::uint32_t k = 0; k < 30; ++k) pair.here().send(frame_of(200'000, k));
  pair.here().close();
  CHECK(error_of([&] { pair.here().send(frame_of(1)); }).is(Errc::disconnected));
  CHECK_FALSE(pair.here().receive());
  for (std::uint32_t k = 0; k < 30; ++k) CHECK((receive_frame(pair.there()) == frame_of(200'000, k)));
  CHECK_FALSE(pair.there().receive());
  CHECK_FALSE(pair.there().failure());
  CHECK(error_of([&] { pair.there().send(frame_of(1)); }).is(Errc::disconnected));
  CHECK(pair.there().has_input());
}

TEST_CASE("what was sent arrives though the sender is destroyed and drowned in input", "[link]") {
  NetPair pair;
  std::thread flood([&] {
    try {
      for (;;) pair.there().send(frame_of(100'000));
    } catch (const Error&) {}
  });
  receive_frame(pair.here());
  for (std::uint32_t k = 0; k < 20; ++k) pair.here().send(frame_of(200'000, k));
  pair.client.link.reset();
  for (std::uint32_t k = 0; k < 20; ++k) CHECK((receive_frame(pair.there()) == frame_of(200'000, k)));
  CHECK_FALSE(pair.there().receive());
  flood.join();
}

TEST_CASE("both ends count the same bytes, handshake and close included", "[link]") {
  NetPair pair;
  for (std::uint32_t k = 0; k < 10; ++k) {
    pair.here().send(frame_of(50'000, k));
    pair.there().send(frame_of(7, k));
    receive_frame(pair.there());
    receive_frame(pair.here());
  }
  pair.here().close();
  CHECK_FALSE(pair.there().receive());
  const auto* here = &pair.here();
  // The close is over when the other side's answer has come: nothing tells of that but the counter.
  const auto give_up = std::chrono::steady_clock::now() + test::patience;
  while (here->received_bytes() != pair.there().sent_bytes() && std::chrono::steady_clock::now() < give_up)
    std::this_thread::yield();
  CHECK(pair.here().sent_bytes() == pair.there().received_bytes());
  CHECK(pair.here().received_bytes() == pair.there().sent_bytes());
  CHECK(pair.here().sent_bytes() > 500'000);
  CHECK(pair.here().sent_bytes() < 510'000);
}

TEST_CASE("an empty connection costs few bytes from the first to the last", "[link]") {
  NetPair pair;
  pair.here().close();
  CHECK_FALSE(pair.there().receive());
  const auto bytes = pair.here().sent_bytes() + pair.there().sent_bytes();
  CAPTURE(pair.here().sent_bytes(), pair.there().sent_bytes());
  CHECK(bytes < 2'000);
}

TEST_CASE("abort() wakes whoever waits on either side", "[link]") {
  NetPair pair;
  std::thread receiver([&] { CHECK_FALSE(pair.here().receive()); });
  pair.here().abort();
  receiver.join();
  CHECK_FALSE(pair.here().failure());
  CHECK_THROWS_AS(pair.there().receive(), Error);
  CHECK(pair.there().failure());
}

TEST_CASE("a link outlives its threads as one that has ended", "[link]") {
  std::optional<IoThreads> io(std::in_place);
  test::Server server;
  auto client = connect(*io, server.endpoint(), test::client_identity(), test::accepting_server());
  std::thread receiver([&] { CHECK(error_of([&] { client.link->receive(); }).is(Errc::cancelled)); });
  io.reset();
  receiver.join();
  CHECK(error_of([&] { client.link->send(frame_of(1)); }).is(Errc::disconnected));
  client.link->on_input([] {});
  client.link->close();
}

}  // namespace
}  // namespace syncline::net
