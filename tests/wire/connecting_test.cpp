// SPDX-License-Identifier: Apache-2.0
// What is sent, asked and ended before a connection is there.
#include "wire/connecting.hpp"

#include <atomic>
#include <future>
#include <thread>

#include "base/error.hpp"
#include "base/limits.hpp"
#include "support/catch.hpp"
#include "support/frame_pipe.hpp"

namespace {

using namespace syncline;
using namespace syncline::test;
using namespace std::chrono_literals;

Bytes frame(std::uint8_t number, std::size_t bytes = 8) { return Bytes(bytes, std::byte{number}); }

/// A connection that is there once the test says so.
struct SlowDial {
  std::unique_ptr<wire::Transport> operator()() {
    allowed.get_future().wait();
    if (fails) throw Error(ECONNREFUSED, "server");
    auto [here, other] = make_frame_pipe();
    there = std::move(other);
    made.set_value();
    return std::move(here);
  }
  std::promise<void> allowed, made;
  bool fails = false;
  std::unique_ptr<wire::Transport> there;
};

Bytes frame_from(wire::Transport& end) { return std::get<Bytes>(*end.receive()); }

TEST_CASE("what is sent before the connection is there comes first, and in order", "[wire]") {
  SlowDial dial;
  wire::Connecting connecting([&] { return dial(); });
  for (std::uint8_t number = 0; number < 100; ++number) connecting.send(frame(number));
  CHECK(connecting.waiting_bytes() == 800);
  CHECK(connecting.sent_bytes() == 0);
  CHECK_FALSE(connecting.has_input());
  std::atomic<bool> is_over = false;
  std::thread sender([&] {
    for (std::uint8_t number = 100; number < 200; ++number) connecting.send(frame(number));
    is_over = true;
  });
  dial.allowed.set_value();
  dial.made.get_future().wait();
  for (std::uint8_t number = 0; number < 200; ++number) REQUIRE(frame_from(*dial.there) == frame(number));
  sender.join();
  dial.there->send(frame(7));
  CHECK(frame_from(connecting) == frame(7));
  CHECK(connecting.sent_bytes() == 1600);
  CHECK_NOTHROW(connecting.check());
  connecting.part();
  CHECK_FALSE(dial.there->receive().has_value());
}

TEST_CASE("a connection that cannot be made is told to whoever needs it", "[wire]") {
  SlowDial dial;
  dial.fails = true;
  wire::Connecting connecting([&] { return dial(); });
  connecting.send(frame(1));
  CHECK_NOTHROW(connecting.check());
  std::thread receiver([&] {
    try {
      connecting.receive();
      FAIL_CHECK("nothing to receive");
    } catch (const Error& error) {
      CHECK(error.is_errno(ECONNREFUSED));
    }
  });
  dial.allowed.set_value();
  receiver.join();
  const auto refused = [](auto&& act) {
    try {
      act();
    } catch (const Error& error) {
      return error.is_errno(ECONNREFUSED);
    }
    return false;
  };
  CHECK(refused([&] { connecting.check(); }));
  CHECK(refused([&] { connecting.send(frame(2)); }));
  CHECK(connecting.has_input());
}

TEST_CASE("before the connection is there so much can be sent, and one more frame waits", "[wire][bounds]") {
  SlowDial dial;
  wire::Connecting connecting([&] { return dial(); });
  connecting.send(frame(1, limits::pipe_bytes_max));
  std::atomic<bool> is_sent = false;
  std::thread sender([&] {
    connecting.send(frame(2));
    is_sent = true;
  });
  std::this_thread::sleep_for(20ms);
  CHECK_FALSE(is_sent);
  dial.allowed.set_value();
  dial.made.get_future().wait();
  CHECK(frame_from(*dial.there).size() == limits::pipe_bytes_max);
  CHECK(frame_from(*dial.there) == frame(2));
  sender.join();
}

TEST_CASE("what the other side says before it goes is heard, though what waits cannot be sent any more",
          "[wire]") {
  wire::Connecting connecting([] {
    auto [here, there] = make_frame_pipe();
    there->send(frame(9));
    there->close();
    std::this_thread::sleep_for(20ms);  // until something waits
    return std::move(here);
  });
  connecting.send(frame(1));
  CHECK(frame_from(connecting) == frame(9));
  CHECK_FALSE(connecting.receive().has_value());
  CHECK_THROWS_AS(connecting.send(frame(2)), Error);
}

TEST_CASE("closed before it is there it ends for both", "[wire]") {
  SlowDial dial;
  wire::Connecting connecting([&] { return dial(); });
  connecting.send(frame(1));
  connecting.close();
  CHECK_FALSE(connecting.receive().has_value());
  try {
    connecting.send(frame(2));
    FAIL_CHECK("sent after the end");
  } catch (const Error& error) {
    CHECK(error.is(Errc::disconnected));
  }
  dial.allowed.set_value();
  dial.made.get_future().wait();
  CHECK_FALSE(dial.there->receive().has_value());
}

TEST_CASE("who wants to be called for input may say so before the connection is there", "[wire]") {
  SlowDial dial;
  std::promise<void> called;
  wire::Connecting connecting([&] { return dial(); });
  connecting.on_input([&] { called.set_value(); });
  connecting.on_input(nullptr);
  dial.allowed.set_value();
  dial.made.get_future().wait();
  dial.there->send(frame(1));
  CHECK(frame_from(connecting) == frame(1));
}

}  // namespace
