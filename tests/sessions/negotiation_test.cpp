// SPDX-License-Identifier: Apache-2.0
// Peers of other versions than today's program.
#include <functional>

#include "frames.hpp"
#include "support/catch.hpp"
#include "sync/remote.hpp"

using namespace syncline;
using namespace syncline::test;

namespace {

constexpr std::uint64_t unknown_features = 0xFFFF'FFFF'FFFF'FF00;

/// A client's end of a connection. What passes it is said anew, as another program would have said it.
class AlteringEnd final : public wire::Transport {
 public:
  using Alter = std::function<void(wire::Message&)>;
  AlteringEnd(std::unique_ptr<wire::Transport> end, Alter sent, Alter received)
      : end_(std::move(end)), sent_(std::move(sent)), received_(std::move(received)) {}
  void send(Bytes frame) override {
    for (auto& one : reader_out_.read(frame)) {
      if (sent_) sent_(one.message);
      end_->send(raw_frame(one.message));
    }
  }
  void hand_over(wire::Message message, std::size_t coded_bytes) override {
    end_->hand_over(std::move(message), coded_bytes);
  }
  std::optional<wire::Parcel> receive() override {
    while (messages_.empty()) {
      auto parcel = end_->receive();
      if (!parcel) return std::nullopt;
      for (auto& one : reader_in_.read(std::get<Bytes>(*parcel))) messages_.push_back(std::move(one.message));
    }
    auto message = std::move(messages_.front());
    messages_.erase(messages_.begin());
    if (received_) received_(message);
    return raw_frame(message);
  }
  bool has_input() const override { return !messages_.empty() || end_->has_input(); }
  void close() override { end_->close(); }
  std::uint64_t sent_bytes() const override { return end_->sent_bytes(); }
  std::uint64_t received_bytes() const override { return end_->received_bytes(); }
  std::uint64_t waiting_bytes() const override { return end_->waiting_bytes(); }
  bool is_local() const override { return false; }

 private:
  std::unique_ptr<wire::Transport> end_;
  Alter sent_, received_;
  FrameReader reader_out_, reader_in_;
  std::vector<wire::Message> messages_;
};

/// The client of `remote` says to its server, and hears from it, something else.
void alter(Remote& remote, const AlteringEnd::Alter& sent, const AlteringEnd::Alter& received) {
  remote.options.retries = 0;
  remote.served.wrap = [=](std::unique_ptr<wire::Transport> end) {
    return std::make_unique<AlteringEnd>(std::move(end), sent, received);
  };
}

template <class M, class Change>
AlteringEnd::Alter in_each(Change change) {
  return [change](wire::Message& message) {
    if (auto* wanted = std::get_if<M>(&message)) change(*wanted);
  };
}

/// What a push of one file ends with.
std::string error_of_push(Remote& remote) {
  remote.dir.write("here/f", "content\n");
  try {
    remote.push();
    return "";
  } catch (const Error& error) {
    CHECK(error.is(Errc::unsupported));
    return error.what();
  }
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("a client of a higher version with unknown features gets today's version and works",
          "[sessions][remote]") {
  const bool push = GENERATE(true, false);
  CAPTURE(push);
  Remote remote;
  std::uint16_t agreed = 0;
  const auto open = in_each<wire::Open>([](wire::Open& one) {
    one.version = wire::protocol_version + 7;
    one.features = unknown_features;
  });
  const auto hello = in_each<wire::Hello>([](wire::Hello& one) { one.features |= unknown_features; });
  alter(
      remote, [=](wire::Message& message) { open(message), hello(message); },
      in_each<wire::Opened>([&](const wire::Opened& one) { agreed = one.version; }));
  remote.dir.write(push ? "here/f" : "share/f", "content\n");
  CHECK((push ? remote.push() : remote.pull()).report.in_step);
  CHECK(agreed == wire::protocol_version);
  CHECK(remote.dir.read(push ? "share/f" : "here/f") == "content\n");
}

TEST_CASE("a server with unknown features works", "[sessions][remote]") {
  const bool push = GENERATE(true, false);
  CAPTURE(push);
  Remote remote;
  const auto opened = in_each<wire::Opened>([](wire::Opened& one) { one.features = unknown_features; });
  const auto hello = in_each<wire::Hello>([](wire::Hello& one) { one.features |= unknown_features; });
  alter(remote, {}, [=](wire::Message& message) { opened(message), hello(message); });
  remote.dir.write(push ? "here/f" : "share/f", "content\n");
  CHECK((push ? remote.push() : remote.pull()).report.in_step);
  CHECK(remote.dir.read(push ? "share/f" : "here/f") == "content\n");
}

TEST_CASE("a client of a version that is too old is told which it has", "[sessions][remote]") {
  Remote remote;
  alter(remote, in_each<wire::Open>([](wire::Open& one) { one.version = wire::protocol_version - 1; }), {});
  CHECK(contains(error_of_push(remote), "protocol version 0 of the client"));
  CHECK_FALSE(remote.dir.exists("share/f"));
}

TEST_CASE("a server that chooses a version that nobody asked for is refused by its number",
          "[sessions][remote]") {
  for (const unsigned version : {0u, wire::protocol_version + 1u}) {
    CAPTURE(version);
    const auto name = "protocol version " + std::to_string(version);
    const auto number = static_cast<std::uint16_t>(version);
    Remote remote;
    alter(remote, {}, in_each<wire::Opened>([=](wire::Opened& one) { one.version = number; }));
    CHECK(contains(error_of_push(remote), name + " of the server"));
    Remote other;
    alter(other, {}, in_each<wire::Hello>([=](wire::Hello& one) { one.version = number; }));
    CHECK(contains(error_of_push(other), name + " of the other side"));
    CHECK_FALSE(other.dir.exists("share/f"));
  }
}

TEST_CASE("a peer that knows nothing of drift is refused if keeping was asked for, and else served as ever",
          "[sessions][remote]") {
  const bool push = GENERATE(true, false);
  const bool asks = GENERATE(true, false);
  CAPTURE(push, asks);
  Remote remote;
  alter(remote, in_each<wire::Open>([](wire::Open& one) { one.features = 0; }),
        in_each<wire::Opened>([](wire::Opened& one) { one.features = 0; }));
  if (asks) remote.options.drift_keep = DriftKeep::beside;
  remote.dir.write(push ? "here/f" : "share/f", "content\n");
  std::string refusal;
  try {
    const auto outcome = push ? remote.push() : remote.pull();
    CHECK(outcome.report.in_step);
  } catch (const Error& error) {
    CHECK(error.is(Errc::unsupported));
    refusal = error.what();
  }
  CHECK(contains(refusal, "--drift-keep") == asks);
  CHECK(remote.dir.exists(push ? "share/f" : "here/f") == !asks);
}
