// SPDX-License-Identifier: Apache-2.0
#include "wire/channel.hpp"

#include <atomic>
#include <random>
#include <thread>

#include "base/limits.hpp"
#include "manifest/document.hpp"
#include "samples.hpp"
#include "support/catch.hpp"
#include "support/fast_clock.hpp"
#include "support/frame_pipe.hpp"

using namespace syncline;
using namespace syncline::wire;

namespace {

/// Both ends of a session in one process.
struct Link {
  explicit Link(const ChannelOptions& options = {}) {
    auto ends = make_pipe();
    sender.emplace(std::move(ends.first), Role::sender, options);
    receiver.emplace(std::move(ends.second), Role::receiver, options);
  }
  /// Up to the phase in which content goes across.
  void open() {
    sender->send(Hello{});
    receiver->send(Hello{});
    receiver->flush();
    REQUIRE(type_of(sender->receive().value()) == MessageType::hello);
    sender->send(Begin{});
    sender->send(Roots{});
    sender->flush();
    for (const auto type : {MessageType::hello, MessageType::begin, MessageType::roots})
      REQUIRE(type_of(receiver->receive().value()) == type);
    receiver->send(Roots{});
    receiver->send(ListEnd{});
    receiver->flush();
    for (const auto type : {MessageType::roots, MessageType::list_end})
      REQUIRE(type_of(sender->receive().value()) == type);
  }
  std::optional<Channel> sender;
  std::optional<Channel> receiver;
};

Bytes noise(std::size_t bytes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes out(bytes);
  for (auto& byte : out) byte = static_cast<std::byte>(random());
  return out;
}

ChunkData chunk(std::uint64_t number, Bytes content) { return {0, number, std::move(content)}; }

Bytes frame_of(unsigned kind, ByteView payload, std::optional<std::uint32_t> raw_bytes = {}) {
  Bytes out;
  ByteWriter writer(out);
  writer.u32(static_cast<std::uint32_t>(payload.size() + 1 + (raw_bytes ? 4 : 0)));
  writer.u8(static_cast<std::uint8_t>(kind));
  if (raw_bytes) writer.u32(*raw_bytes);
  writer.bytes(payload);
  return out;
}

ChannelOptions limited(std::uint64_t bytes_per_second) {
  ChannelOptions out;
  out.level = 0;
  out.rates = RateTable::constant(bytes_per_second);
  return out;
}

/// A connection that takes so many bytes a second by a made-up clock, and whose sender never waits.
class SlowLink final : public Transport {
 public:
  SlowLink(std::unique_ptr<Transport> pipe, const test::FastClock& clock, std::uint64_t bytes_per_second)
      : pipe_(std::move(pipe)), clock_(clock), rate_(bytes_per_second) {}
  void send(Bytes frame) override {
    total_bytes_ += frame.size();
    if (frame.size() < limits::kib) pipe_->send(std::move(frame));  // nobody reads the content
  }
  void hand_over(Message, std::size_t) override { throw std::logic_error("not local"); }
  std::optional<Parcel> receive() override { return pipe_->receive(); }
  bool has_input() const override { return pipe_->has_input(); }
  void close() override { pipe_->close(); }
  std::uint64_t sent_bytes() const override {
    return std::min(total_bytes_, static_cast<std::uint64_t>(clock_.passed_ns() / 1'000) * rate_ / 1'000'000);
  }
  std::uint64_t received_bytes() const override { return 0; }
  std::uint64_t waiting_bytes() const override { return total_bytes_ - sent_bytes(); }
  bool is_local() const override { return false; }

 private:
  std::unique_ptr<Transport> pipe_;
  const test::FastClock& clock_;
  std::uint64_t rate_;
  std::uint64_t total_bytes_ = 0;
};

/// What a receiver makes of one frame, as the first of a session.
std::optional<Errc> answer_to(Bytes frame) {
  auto ends = make_pipe();
  Channel channel(std::move(ends.second), Role::receiver, {});
  ends.first->send(std::move(frame));
  try {
    (void)channel.receive();
  } catch (const Error& error) {
    REQUIRE(error.code().category() == syncline_category());
    return static_cast<Errc>(error.code().value());
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("the frame of the format page is what a peer takes", "[wire]") {
  auto ends = make_pipe();
  Channel channel(std::move(ends.second), Role::receiver, {});
  const auto frame = test::hex_example(SYNCLINE_SOURCE_DIR "/docs/format/wire.md", "frame");
  ends.first->send(frame);
  const auto message = channel.receive();
  REQUIRE(message);
  const auto hello = std::get<Hello>(*message);
  CHECK(hello.magic == protocol_magic);
  CHECK(hello.version == protocol_version);
  CHECK(hello.features == feature_privileged);
  CHECK(hello.replica_id[0] == std::byte{0});
  CHECK(hello.replica_id[15] == std::byte{15});
}

TEST_CASE("an uncompressed hello is sent as the format page's frame", "[wire]") {
  auto ends = make_pipe();
  Channel channel(std::move(ends.first), Role::sender, {.level = 0});
  Hello hello;
  hello.features = feature_privileged;
  for (unsigned i = 0; i < hello.replica_id.size(); ++i) hello.replica_id[i] = static_cast<std::byte>(i);
  channel.send(hello);
  channel.flush();
  CHECK(test::to_hex(std::get<Bytes>(ends.second->receive().value())) ==
        test::to_hex(test::hex_example(SYNCLINE_SOURCE_DIR "/docs/format/wire.md", "frame")));
}

TEST_CASE("messages arrive whole and in order, gathered or bulk, at every level", "[wire]") {
  for (const std::optional<int> level :
       {std::optional<int>{}, std::optional<int>{0}, std::optional<int>{1}, std::optional<int>{5}}) {
    CAPTURE(level.value_or(-1));
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    Link link({.level = level});
    link.open();
    std::thread producer([&] {
      std::mt19937_64 random(seed);
      for (std::uint64_t i = 0; i < 400; ++i) {
        const auto message =
            chunk(i, random() % 2 == 0 ? noise(random() % 40'000, i) : Bytes(random() % 40'000));
        if (random() % 3 == 0) link.sender->send_bulk(message);
        else link.sender->send(message);
        if (random() % 20 == 0) link.sender->flush();
      }
      link.sender->flush();
    });
    std::mt19937_64 random(seed);
    bool equal = true;
    for (std::uint64_t i = 0; i < 400; ++i) {
      const auto expected =
          chunk(i, random() % 2 == 0 ? noise(random() % 40'000, i) : Bytes(random() % 40'000));
      random(), random();
      const auto message = link.receiver->receive();
      const auto* data = message ? std::get_if<ChunkData>(&*message) : nullptr;
      if (data == nullptr) {
        equal = false;
        break;
      }
      equal = equal && data->new_offset == i && data->content == expected.content;
    }
    producer.join();
    CHECK(equal);
    CHECK(link.sender->sent_bytes() == link.receiver->received_bytes());
    CHECK(link.receiver->sent_bytes() == link.sender->received_bytes());
    CHECK_FALSE(link.receiver->has_input());
  }
}

TEST_CASE("small messages wait for a flush, a full frame or a bulk message", "[wire]") {
  Link link;
  link.open();
  const auto before = link.sender->sent_bytes();
  link.sender->send(Flush{1});
  CHECK(link.sender->sent_bytes() == before);
  CHECK_FALSE(link.receiver->has_input());
  link.sender->send_bulk(chunk(2, Bytes(10)));
  link.sender->send(chunk(3, noise(200'000, 3)));
  CHECK(std::get<Flush>(link.receiver->receive().value()).token == 1);
  CHECK(std::get<ChunkData>(link.receiver->receive().value()).new_offset == 2);
  CHECK(std::get<ChunkData>(link.receiver->receive().value()).new_offset == 3);
  CHECK_FALSE(link.receiver->has_input());
}

TEST_CASE("a side that is about to wait sends what it has gathered first", "[wire]") {
  Link link;
  std::thread other([&] {
    (void)link.receiver->receive();
    link.receiver->send(Hello{});
    link.receiver->flush();
  });
  link.sender->send(Hello{});  // not flushed: receive() does it
  CHECK(type_of(link.sender->receive().value()) == MessageType::hello);
  other.join();
}

TEST_CASE("like content compresses, and level 0 sends it as it is", "[wire]") {
  const auto cost = [](std::optional<int> level, bool bulk) {
    Link link({.level = level});
    link.open();
    const auto before = link.sender->sent_bytes();
    if (bulk) link.sender->send_bulk(chunk(0, Bytes(100'000)));
    else link.sender->send(chunk(0, Bytes(100'000)));
    link.sender->flush();
    return link.sender->sent_bytes() - before;
  };
  for (const bool bulk : {false, true}) {
    CHECK(cost(std::nullopt, bulk) < 1000);
    CHECK(cost(3, bulk) < 1000);
    CHECK(cost(0, bulk) > 100'000);
    CHECK(cost(0, bulk) < 100'030);
  }
}

TEST_CASE("over a local link only the first bulk bytes are compressed", "[wire]") {
  Link link;
  link.open();
  const auto cost = [&] {
    const auto before = link.sender->sent_bytes();
    link.sender->send_bulk(chunk(0, Bytes(limits::mib)));
    (void)link.receiver->receive();
    return link.sender->sent_bytes() - before;
  };
  CHECK(cost() < 10'000);
  CHECK(cost() < 10'000);
  CHECK(cost() > limits::mib);
}

TEST_CASE("bulk is gathered to a quarter of a second of the rate, between two bounds", "[wire]") {
  const auto wanted = [](std::optional<std::uint64_t> rate) {
    auto [here, there] = test::make_frame_pipe();
    ChannelOptions options;
    options.rates = RateTable::constant(rate);
    return Channel(std::move(here), Role::sender, options).bulk_bytes_wanted();
  };
  CHECK(wanted(std::nullopt) == limits::mib);
  CHECK(wanted(4 * limits::mib + 4) == limits::mib);
  CHECK(wanted(4 * limits::mib - 4) == limits::mib - 1);
  CHECK(wanted(128 * limits::kib + 4) == 32 * limits::kib + 1);
  CHECK(wanted(128 * limits::kib - 4) == 32 * limits::kib);
  CHECK(Link().sender->bulk_bytes_wanted() == limits::mib);
}

TEST_CASE("what is handed over inside a process counts as if it were coded", "[wire]") {
  const auto message = chunk(7, noise(3 * limits::mib, 9));
  const auto cost = [&](const ChannelOptions& options) {
    Link link(options);
    link.open();
    (void)link.sender->send_bulk(chunk(0, noise(3 * limits::mib, 1)));  // the compressed beginning
    (void)link.receiver->receive();
    const auto before = link.receiver->received_bytes();
    link.sender->send_bulk(message);
    const auto data = std::get<ChunkData>(link.receiver->receive().value());
    CHECK(data.new_offset == 7);
    CHECK((data.content == message.content));
    return link.receiver->received_bytes() - before;
  };
  const auto coded = cost({.level = 0});
  CHECK(cost({}) == coded);
  CHECK(coded > message.content.size());
}

TEST_CASE("the largest message crosses after what was gathered, in every kind of frame", "[wire]") {
  const auto content = noise(limits::frame_bytes_max - 6, 1);
  for (const std::optional<int> level : {std::optional<int>{0}, std::optional<int>{1}}) {
    for (const bool bulk : {false, true}) {
      CAPTURE(level.value_or(-1), bulk);
      Link link({.level = level});
      link.open();
      link.sender->send(chunk(1, noise(128 * limits::kib - 20, 2)));  // just too small for a frame of its own
      if (bulk) {
        std::thread producer([&] { link.sender->send_bulk(chunk(0, content)); });
        CHECK(link.receiver->receive());
        CHECK((std::get<ChunkData>(link.receiver->receive().value()).content == content));
        producer.join();
      } else {
        link.sender->send(chunk(0, content));
        CHECK(link.receiver->receive());
        CHECK((std::get<ChunkData>(link.receiver->receive().value()).content == content));
      }
      ChunkData larger = chunk(0, content);
      larger.content.push_back({});
      CHECK_THROWS_AS(link.sender->send(larger), Error);
    }
  }
}

TEST_CASE("closing wakes whoever waits on either side", "[wire]") {
  for (const bool own_side : {true, false}) {
    Link link;
    link.open();
    std::atomic<bool> gone = false;
    std::thread reader([&] { gone = !link.receiver->receive().has_value(); });
    (own_side ? link.receiver : link.sender)->close();
    reader.join();
    CHECK(gone);
    link.sender->send(Flush{1});
    try {
      link.sender->flush();
      FAIL("sent into a closed connection");
    } catch (const Error& error) {
      CHECK(error.is(Errc::disconnected));
    }
  }
}

TEST_CASE("what was sent before the close is still received", "[wire]") {
  Link link;
  link.open();
  link.sender->send(Flush{7});
  link.sender->flush();
  link.sender.reset();
  CHECK(std::get<Flush>(link.receiver->receive().value()).token == 7);
  CHECK_FALSE(link.receiver->receive());
}

TEST_CASE("a full pipe holds the producer back until the other side takes something", "[wire]") {
  auto [in, out] = make_pipe();
  const std::size_t frame_bytes = limits::mib;
  const std::size_t fill = limits::pipe_bytes_max / frame_bytes;
  std::atomic<std::size_t> sent = 0;
  std::thread producer([&, end = in.get()] {
    for (std::size_t i = 0; i < 3 * fill; ++i) {
      end->send(Bytes(frame_bytes));
      ++sent;
    }
  });
  while (sent < fill) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(sent == fill);
  std::size_t received = 0;
  bool bounded = true;
  while (received < 3 * fill) {
    bounded = bounded && in->sent_bytes() - out->received_bytes() <= limits::pipe_bytes_max;
    if (std::get<Bytes>(out->receive().value()).size() != frame_bytes) break;
    ++received;
  }
  producer.join();
  CHECK(bounded);
  CHECK(received == 3 * fill);
}

TEST_CASE("closing frees a producer that is held back", "[wire]") {
  for (const bool own_side : {true, false}) {
    auto [in, out] = make_pipe();
    std::atomic<bool> told = false;
    std::thread producer([&, end = in.get()] {
      try {
        for (;;) end->send(Bytes(limits::mib));
      } catch (const Error& error) {
        told = error.is(Errc::disconnected);
      }
    });
    while (in->sent_bytes() < limits::pipe_bytes_max) std::this_thread::yield();
    (own_side ? in : out)->close();
    producer.join();
    CHECK(told);
  }
}

TEST_CASE("a bandwidth limit changes neither order nor content", "[wire]") {
  Link link(limited(20'000'000));
  link.open();
  std::thread producer([&] {
    for (std::uint64_t i = 0; i < 60; ++i) {
      if (i % 3 == 0) link.sender->send_bulk(chunk(i, noise(20'000, i)));
      else link.sender->send(chunk(i, noise(1'000, i)));
    }
    link.sender->flush();
  });
  bool equal = true;
  for (std::uint64_t i = 0; i < 60; ++i) {
    const auto data = std::get<ChunkData>(link.receiver->receive().value());
    equal = equal && data.new_offset == i && data.content == noise(i % 3 == 0 ? 20'000 : 1'000, i);
  }
  producer.join();
  CHECK(equal);
}

TEST_CASE("a frame that waits for a low rate goes when the timetable changes", "[wire]") {
  constexpr std::int64_t second_ns = 1'000'000'000;
  test::FastClock clock(0, 0);
  auto options = limited(1);
  options.rates = RateTable({{0, 1}, {480, 0}}, 480 * 60 - 1, 0);  // a second before Monday 08:00
  options.clock = &clock;
  Link link(options);
  std::atomic<bool> sent = false;
  std::thread producer([&] {
    link.sender->send(Hello{});
    link.sender->flush();
    sent = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(150));  // it has looked at the clock by now
  CHECK_FALSE(sent);
  clock.put_forward(std::chrono::nanoseconds(second_ns));
  producer.join();
  CHECK(type_of(link.receiver->receive().value()) == MessageType::hello);
}

TEST_CASE("what the other side asks for lowers a rate", "[wire]") {
  test::FastClock clock(0, 1000);
  auto options = limited(1'000'000);
  options.clock = &clock;
  Link link(options);
  link.sender->set_rate_ceiling(1000);
  link.open();
  const auto before = clock.passed_ns();
  link.sender->send_bulk(chunk(0, noise(100'000, 1)));
  CHECK(clock.passed_ns() - before >= 95'000'000'000);
}

TEST_CASE("the first bulk gets level 3, further bulk what the link asks for", "[wire][long]") {
  struct Case {
    std::uint64_t link_rate;
    std::optional<int> level;
    std::optional<std::uint64_t> limit;
    int first, later;
  };
  const std::vector<Case> cases{
      {700'000, {}, {}, 3, 6},
      {7'000'000, {}, {}, 3, 3},
      {100'000'000, {}, {}, 3, 2},
      {100'000'000'000, {}, {}, 3, 2},  // it waits: no more is known
      {100'000'000, {}, 1'000'000, 6, 6},
      {100'000'000, {}, 10'000'000, 3, 3},
      {1'000'000, 9, {}, 9, 9},
      {1'000'000, 0, {}, 0, 0},
  };
  for (const auto& one : cases) {
    CAPTURE(one.link_rate, one.level.value_or(-1), one.limit.value_or(0));
    test::FastClock clock(0, one.limit ? 10'000 : 0);
    ChannelOptions options;
    options.level = one.level;
    options.rates = RateTable::constant(one.limit);
    options.clock = &clock;
    auto ends = make_pipe();
    Link link;
    link.sender.emplace(std::make_unique<SlowLink>(std::move(ends.first), clock, one.link_rate), Role::sender,
                        options);
    link.receiver.emplace(std::move(ends.second), Role::receiver, ChannelOptions{});
    link.open();
    CHECK(link.sender->bulk_level() == one.first);
    if (one.limit) continue;  // as slow as it says, and the test as well
    for (unsigned i = 0; i <= 32; ++i) {
      clock.put_forward(std::chrono::milliseconds(10));
      link.sender->send_bulk(chunk(i, noise(limits::mib, i)));
    }
    CHECK(link.sender->bulk_level() == one.later);
  }
}

TEST_CASE("that something stirred while a session goes on a server says once, after it", "[wire]") {
  auto [here, there] = test::make_frame_pipe();
  Channel client(std::move(here), Conversation::asking(Role::sender), {});
  Channel server(std::move(there), Conversation::answering(), {});
  client.send(Open{});
  client.flush();
  REQUIRE(server.receive().has_value());
  server.send(Opened{});
  server.flush();
  REQUIRE(client.receive().has_value());
  CHECK_FALSE(server.tell_stirred());
  CHECK_FALSE(server.tell_stirred());
  CHECK_FALSE(client.has_input());
  server.begin_session(Conversation::answering(), {});
  client.begin_session(Conversation::asking(Role::sender), {});
  CHECK(client.has_input());
  client.send(Open{});
  client.flush();
  REQUIRE(server.receive().has_value());
  server.send(Opened{});
  server.flush();
  CHECK(std::holds_alternative<Opened>(*client.receive()));
  server.begin_session(Conversation::answering(), {});
  client.begin_session(Conversation::asking(Role::sender), {});
  CHECK_FALSE(client.has_input());
  CHECK(server.tell_stirred());
  CHECK(client.has_input());
}

TEST_CASE("several threads may send at once", "[wire]") {
  Link link;
  link.open();
  std::vector<std::thread> producers;
  for (std::uint64_t file = 0; file < 3; ++file) {
    producers.emplace_back([&, file] {
      for (std::uint64_t i = 0; i < 100; ++i) {
        const ChunkData data{file, i, noise(500, i)};
        if (i % 2 == file % 2) link.sender->send_bulk(data);
        else link.sender->send(data);
      }
      link.sender->flush();
    });
  }
  std::array<std::uint64_t, 3> next{};
  bool ordered = true;
  for (int i = 0; i < 300; ++i) {
    const auto data = std::get<ChunkData>(link.receiver->receive().value());
    ordered =
        ordered && data.new_offset == next.at(data.file)++ && data.content == noise(500, data.new_offset);
  }
  for (auto& producer : producers) producer.join();
  CHECK(ordered);
}

TEST_CASE("a message out of order is refused by who sends it and by who gets it", "[wire]") {
  Link link;
  CHECK_THROWS_AS(link.sender->send(Finish{}), Error);
  CHECK(answer_to(frame_of(0, test::from_hex("15 21 01 00*32"))) == Errc::protocol);
}

TEST_CASE("frames that are not in order are refused", "[wire]") {
  const auto hello = test::from_hex("01 16 53 4c 57 31 01 00 11*16");
  CHECK_FALSE(answer_to(frame_of(0, hello)));
  CHECK(answer_to({}) == Errc::truncated);
  CHECK(answer_to(frame_of(0, {})) == Errc::truncated);
  CHECK(answer_to(frame_of(3, hello, 24)) == Errc::unsupported);
  CHECK(answer_to(frame_of(0, ByteView(hello).first(20))) == Errc::truncated);
  Bytes longer = frame_of(0, hello);
  longer.push_back({});
  CHECK(answer_to(longer) == Errc::malformed);
  // Tag 0 of the compressed kinds: stored. The raw size must be the true one.
  Bytes stored{std::byte{0}};
  stored.insert(stored.end(), hello.begin(), hello.end());
  for (const unsigned kind : {1u, 2u}) {
    CAPTURE(kind);
    CHECK_FALSE(answer_to(frame_of(kind, stored, 24)));
    CHECK(answer_to(frame_of(kind, stored, 25)) == Errc::corrupt);
    CHECK(answer_to(frame_of(kind, stored, 23)) == Errc::limit_exceeded);
  }
}

TEST_CASE("a frame's raw size ends at a message and what is gathered before it", "[wire]") {
  const std::size_t raw_bytes_max = limits::frame_bytes_max + 128 * limits::kib + 64;
  const auto hello = test::from_hex("00 01 16 53 4c 57 31 01 00 11*16");
  for (const unsigned kind : {1u, 2u}) {
    CAPTURE(kind);
    CHECK(answer_to(frame_of(kind, hello, raw_bytes_max)) == Errc::corrupt);  // accepted, but not true
    CHECK(answer_to(frame_of(kind, hello, raw_bytes_max + 1)) == Errc::limit_exceeded);
  }
  const auto padded = [](std::size_t frame_bytes) {
    Bytes payload = test::from_hex("01 16 53 4c 57 31 01 00 11*16");
    payload.resize(frame_bytes - 5);
    return frame_of(0, payload);
  };
  CHECK_FALSE(answer_to(padded(raw_bytes_max)));
  CHECK(answer_to(padded(raw_bytes_max + 1)) == Errc::limit_exceeded);
}

TEST_CASE("damaged frames never do worse than an error", "[wire]") {
  auto ends = make_pipe();
  Channel channel(std::move(ends.first), Role::sender, {.level = 3});
  Hello hello;
  channel.send(hello);
  channel.flush();
  const Bytes frame = std::get<Bytes>(ends.second->receive().value());
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    Bytes bytes = frame;
    bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    (void)answer_to(bytes);
  }
  for (std::size_t length = 0; length < frame.size(); ++length)
    CHECK(answer_to(Bytes(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length))));
}
