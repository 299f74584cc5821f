// SPDX-License-Identifier: Apache-2.0
#include "sync/bulk_lane.hpp"

#include <random>

#include "base/error.hpp"
#include "support/catch.hpp"
#include "support/frame_pipe.hpp"

using namespace syncline;
using namespace syncline::sync;

namespace {

/// Both ends of a session, up to the phase in which content goes across.
struct Session {
  Session() {
    auto [here, there] = test::make_frame_pipe();
    sender.emplace(std::move(here), wire::Role::sender, wire::ChannelOptions{});
    receiver.emplace(std::move(there), wire::Role::receiver, wire::ChannelOptions{});
    sender->send(wire::Hello{});
    sender->send(wire::Begin{});
    sender->send(wire::Roots{});
    sender->flush();
    receiver->send(wire::Hello{});
    for (int i = 0; i < 3; ++i) (void)receiver->receive();
    receiver->send(wire::Roots{});
    receiver->send(wire::ListEnd{});
    receiver->flush();
    for (int i = 0; i < 3; ++i) (void)sender->receive();
  }
  std::optional<wire::Channel> sender;
  std::optional<wire::Channel> receiver;
};

/// Large ones are dear to compress, small ones overtake them where nobody sees to the order.
wire::ChunkData message(std::uint64_t number) {
  std::mt19937_64 random(number);
  Bytes content(number % 3 == 0 ? 900'000 : number % 40);
  for (auto& byte : content) byte = static_cast<std::byte>(random() % 7);
  return {0, number, std::move(content)};
}

}  // namespace

TEST_CASE("what is compressed side by side arrives in order, and all of it before what follows", "[sync]") {
  const auto threads = GENERATE(1u, 2u);
  constexpr std::uint64_t count = 60;
  Session session;
  std::vector<std::uint64_t> wrong;
  std::thread reading([&] {
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto got = std::get<wire::ChunkData>(session.receiver->receive().value());
      if (got.new_offset != i || got.content != message(i).content) wrong.push_back(i);
    }
    if (std::get<wire::Flush>(session.receiver->receive().value()).token != 7) wrong.push_back(count);
  });
  BulkLane lane(*session.sender, threads);
  for (std::uint64_t i = 0; i < count; ++i) lane.put(message(i));
  lane.finish();
  session.sender->send(wire::Flush{7});
  session.sender->flush();
  reading.join();
  CHECK(wrong.empty());
}

TEST_CASE("whoever compresses for a connection that is gone hears of it", "[sync]") {
  const auto threads = GENERATE(1u, 2u);
  Session session;
  session.receiver->close();
  BulkLane lane(*session.sender, threads);
  const auto send = [&] {
    for (std::uint64_t i = 0; i < 40; ++i) lane.put(message(i));
    lane.finish();
  };
  CHECK_THROWS_AS(send(), Error);
}

TEST_CASE("what was put into a lane that is given up comes before what follows, or not at all", "[sync]") {
  Session session;
  {
    BulkLane lane(*session.sender, 2);
    for (std::uint64_t i = 0; i < 3; ++i) lane.put(message(i));
  }
  session.sender->send(wire::Flush{7});
  session.sender->flush();
  std::uint64_t expected = 0;
  for (;;) {
    const auto got = session.receiver->receive().value();
    if (std::holds_alternative<wire::Flush>(got)) break;
    CHECK(std::get<wire::ChunkData>(got).new_offset == expected++);
  }
  CHECK(expected <= 3);
  CHECK_FALSE(session.receiver->has_input());
}
