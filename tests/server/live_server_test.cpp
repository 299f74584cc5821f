// SPDX-License-Identifier: Apache-2.0
// A running server: who gets in, what they may do, and what those do to others who mean no good.
#include <random>
#include <thread>

#include "live_server.hpp"
#include "support/catch.hpp"
#include "wire/channel.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

namespace {

using Kind = LiveServer::Kind;

std::optional<Error> error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

/// Of another size for each seed: files of two trees may well be as old as each other to the tick.
void write_tree(const TempDir& dir, const std::string& name, unsigned seed) {
  dir.make_dir(name);
  for (unsigned i = 0; i < 40; ++i)
    dir.write(name + "/" + std::to_string(i), noise(20'000 + seed, seed * 100 + i));
}

bool same_tree(const TempDir& dir, const std::string& a, const std::string& b) {
  for (unsigned i = 0; i < 40; ++i)
    if (dir.read(a + "/" + std::to_string(i)) != dir.read(b + "/" + std::to_string(i))) return false;
  return true;
}

/// What a server says to frames that no client would send.
std::optional<wire::Message> answer_to(LiveServer& live, const std::string& client, const Bytes& frame) {
  auto connection = live.connect(client);
  auto* link = connection.link.get();
  wire::Channel channel(std::move(connection.link), wire::Conversation::asking(wire::Role::sender), {});
  link->send(frame);
  channel.send(wire::Open{});
  (void)error_of([&] { channel.flush(); });
  return channel.receive();
}

}  // namespace

TEST_CASE("a client that is authorized pushes and pulls", "[server]") {
  LiveServer live;
  auto options = live.client("client");
  live.start();
  write_tree(live.dir, "here", 1);
  CHECK(live.push(options, "here").in_step);
  CHECK(same_tree(live.dir, "here", "share"));
  options.sources = {live.url("share/")};
  options.destination = live.dir.path("back") + "/";
  options.server_key = live.identity.fingerprint().text();
  CHECK(LiveServer::copy(options).in_step);
  CHECK(same_tree(live.dir, "here", "back"));
  CHECK(live.wait_for(Kind::session_ended).share == "share");
}

TEST_CASE("a client that nobody knows is refused, and the server says so", "[server]") {
  LiveServer live;
  const auto options = live.client("stranger", std::nullopt);
  live.start();
  write_tree(live.dir, "here", 1);
  const auto error = error_of([&] { live.push(options, "here"); });
  REQUIRE(error);
  CHECK(error->is(Errc::untrusted));
  const auto refused = live.wait_for(Kind::refused);
  CHECK(refused.key == trust::Identity::load(fs::linux_fs(), *options.state_dir)->fingerprint().text());
  CHECK(stdfs::is_empty(live.dir.path("share")));
}

TEST_CASE("a server without a pin, or with another key, is not talked to", "[server]") {
  LiveServer live;
  auto options = live.client("client");
  live.start();
  write_tree(live.dir, "here", 1);
  options.sources = {live.dir.path("here") + "/"};
  options.destination = live.url("share/");
  auto error = error_of([&] { LiveServer::copy(options); });
  REQUIRE(error);
  CHECK(error->is(Errc::untrusted));
  CHECK(error->context().find("syncline pair") != std::string::npos);
  trust::Fingerprint other;
  other.bytes.fill(std::byte{7});
  trust::KnownServers(fs::linux_fs(), *options.state_dir).pin("127.0.0.1", live.port, other);
  error = error_of([&] { LiveServer::copy(options); });
  REQUIRE(error);
  CHECK(error->is(Errc::untrusted));
  CHECK(error->context().find(live.identity.fingerprint().text()) != std::string::npos);
  CHECK(stdfs::is_empty(live.dir.path("share")));
}

TEST_CASE("pairing makes both sides know each other, for what the code was made for", "[server]") {
  LiveServer live;
  auto options = live.client("client", std::nullopt);
  live.start();
  trust::PairingCodes codes(fs::linux_fs(), system_clock(), system_random(), live.config.state_dir);
  const auto code = codes.create({"share", trust::Right::read, "laptop"});
  const auto place = *sync::parse_remote(live.url(""));
  const auto wrong =
      error_of([&] { remote::pair(sync::World{}, place, "0000-0000-0000-0000", options.state_dir); });
  REQUIRE(wrong);
  CHECK(wrong->is(Errc::untrusted));
  CHECK_FALSE(trust::KnownServers(fs::linux_fs(), *options.state_dir).lookup("127.0.0.1", live.port));
  const auto result = remote::pair(sync::World{}, place, code, options.state_dir);
  CHECK(result.server == live.identity.fingerprint());
  CHECK(result.share == "share");
  CHECK(result.right == trust::Right::read);
  CHECK(live.wait_for(Kind::paired).detail.find("share") != std::string::npos);
  CHECK(error_of([&] { remote::pair(sync::World{}, place, code, options.state_dir); }));

  write_tree(live.dir, "share", 1);
  options.sources = {live.url("share/")};
  options.destination = live.dir.path("back") + "/";
  CHECK(LiveServer::copy(options).in_step);
  options.sources = {live.dir.path("back") + "/"};
  options.destination = live.url("share/");
  const auto refused = error_of([&] { LiveServer::copy(options); });
  REQUIRE(refused);
  CHECK(refused->is_errno(EROFS));

  const auto key = trust::Identity::load(fs::linux_fs(), *options.state_dir)->fingerprint();
  CHECK(trust::Grants(fs::linux_fs(), live.config.state_dir).remove(key) == 1);
  options.sources = {live.url("share/")};
  options.destination = live.dir.path("back") + "/";
  CHECK(error_of([&] { LiveServer::copy(options); })->is(Errc::untrusted));
}

TEST_CASE("an expired pairing code is told as that", "[server]") {
  LiveServer live;
  const auto options = live.client("client", std::nullopt);
  live.start();
  struct Past : Clock {
    std::int64_t now_ns() const override {
      return system_clock().now_ns() - 2 * limits::pairing_lifetime_s_default * 1'000'000'000;
    }
    std::chrono::steady_clock::time_point steady() const override { return system_clock().steady(); }
  } past;
  const auto code =
      trust::PairingCodes(fs::linux_fs(), past, system_random(), live.config.state_dir).create({});
  // One that is open, so that strangers are listened to at all.
  trust::PairingCodes(fs::linux_fs(), system_clock(), system_random(), live.config.state_dir).create({});
  const auto error = error_of(
      [&] { remote::pair(sync::World{}, *sync::parse_remote(live.url("")), code, options.state_dir); });
  REQUIRE(error);
  CHECK(error->is(Errc::untrusted));
  CHECK(error->context().find("expired") != std::string::npos);
}

TEST_CASE("two clients that push to one place leave the tree of one of them", "[server]") {
  LiveServer live;
  const auto one = live.client("one");
  const auto other = live.client("other");
  live.start();
  write_tree(live.dir, "a", 1);
  write_tree(live.dir, "b", 2);
  for (int round = 0; round < 3; ++round) {
    std::optional<Error> error;
    std::thread first([&] { error = error_of([&] { live.push(one, "a"); }); });
    CHECK_NOTHROW(live.push(other, "b"));
    first.join();
    CHECK_FALSE(error);
    CHECK((same_tree(live.dir, "a", "share") || same_tree(live.dir, "b", "share")));
  }
}

TEST_CASE("clients in different places of a share do not wait for each other", "[server]") {
  LiveServer live;
  std::vector<CopyOptions> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(live.client("c" + std::to_string(i)));
  live.start();
  write_tree(live.dir, "here", 1);
  std::vector<std::optional<Error>> errors(clients.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < clients.size(); ++i)
    threads.emplace_back([&, i] {
      errors[i] = error_of([&] { live.push(clients[i], "here", "share/" + std::to_string(i) + "/"); });
    });
  for (auto& thread : threads) thread.join();
  for (const auto& error : errors) CHECK_FALSE(error);
  for (std::size_t i = 0; i < clients.size(); ++i)
    CHECK(same_tree(live.dir, "here", "share/" + std::to_string(i)));
}

TEST_CASE("clients that pull one directory do not wait for each other", "[server]") {
  LiveServer live;
  auto first = live.client("first");
  auto second = live.client("second");
  live.start();
  write_tree(live.dir, "share", 1);
  for (auto* options : {&first, &second}) {
    options->sources = {live.url("share/")};
    options->server_key = live.identity.fingerprint().text();
  }
  first.destination = live.dir.path("one") + "/";
  second.destination = live.dir.path("two") + "/";
  std::optional<CopyReport> within;
  CopyObserver observer;
  observer.on_change = [&](const ChangeEvent&) {
    if (!within) within = LiveServer::copy(second);
  };
  CHECK(LiveServer::copy(first, observer).in_step);
  REQUIRE(within);
  CHECK(within->in_step);
  CHECK(same_tree(live.dir, "share", "one"));
  CHECK(same_tree(live.dir, "share", "two"));
  // What the second one learned went with it; the first one's is there.
  CHECK(LiveServer::copy(first).in_step);
  CHECK(LiveServer::copy(second).in_step);
}

TEST_CASE("garbage from a client ends its connection and nobody else's", "[server]") {
  LiveServer live;
  const auto options = live.client("client");
  live.client("rogue");
  live.start();
  write_tree(live.dir, "here", 1);
  const auto noise_of = [](std::size_t bytes) {
    const auto text = noise(bytes, 5);
    const auto view = as_bytes(text);
    return Bytes(view.begin(), view.end());
  };
  const auto framed = [](Bytes body) {
    Bytes out;
    ByteWriter writer(out);
    writer.u32(static_cast<std::uint32_t>(body.size()));
    writer.bytes(body);
    return out;
  };
  SECTION("noise in a frame") { CHECK_NOTHROW(answer_to(live, "rogue", framed(noise_of(1000)))); }
  SECTION("a message that is no beginning") {
    Bytes body;
    ByteWriter writer(body);
    writer.u8(0), writer.u8(static_cast<std::uint8_t>(wire::MessageType::finish)), writer.varint(0);
    CHECK_NOTHROW(answer_to(live, "rogue", framed(body)));
  }
  SECTION("a decompression bomb") {
    Bytes body;
    ByteWriter writer(body);
    writer.u8(2), writer.u32(0xFFFFFFFF), writer.bytes(noise_of(100));
    CHECK_NOTHROW(answer_to(live, "rogue", framed(body)));
  }
  const auto failed = live.wait_for(Kind::session_failed);
  CHECK(failed.key == trust::Identity::load(fs::linux_fs(), live.dir.path("rogue"))->fingerprint().text());
  CHECK(live.push(options, "here").in_step);
}

TEST_CASE("a client that says it is of the future, or wants what no path may be, is told so", "[server]") {
  LiveServer live;
  live.client("client");
  live.start();
  const auto answer = [&](const wire::Open& open) {
    auto connection = live.connect("client");
    wire::Channel channel(std::move(connection.link), wire::Conversation::asking(wire::Role::sender), {});
    channel.send(open);
    channel.flush();
    const auto message = channel.receive();
    REQUIRE(message);
    const auto* fatal = std::get_if<wire::Fatal>(&*message);
    REQUIRE(fatal != nullptr);
    REQUIRE(fatal->syncline_code);
    return static_cast<Errc>(fatal->code);
  };
  wire::Open open;
  open.share = "share";
  open.version = 0;
  CHECK(answer(open) == Errc::unsupported);
  open.version = wire::protocol_version;
  open.magic = 7;
  CHECK(answer(open) == Errc::unsupported);
  open.magic = wire::protocol_magic;
  for (const std::string path : {"..", "a/../b", "/etc", "a//b", ".syncline"}) {
    CAPTURE(path);
    open.path = path;
    const auto code = answer(open);
    CHECK((code == Errc::malformed || code == Errc::protocol || code == Errc::limit_exceeded));
  }
  open.path = std::string("a\0b", 3);
  CHECK(answer(open) == Errc::malformed);
  open.path = "";
  open.entries = {"../x"};
  CHECK(answer(open) == Errc::malformed);
  CHECK(stdfs::is_empty(live.dir.path("share")));
}

TEST_CASE("a server that stops lets clients come back to where they were", "[server]") {
  LiveServer live;
  auto options = live.client("client");
  live.start();
  live.dir.make_dir("here");
  live.dir.write("here/large", noise(30'000'000, 1));
  options.bwlimit = {{0, 20'000'000}};
  std::optional<Error> error;
  std::thread client([&] { error = error_of([&] { live.push(options, "here"); }); });
  live.wait_for(Kind::session_began);
  while (!live.dir.exists("share/.syncline/tmp") || stdfs::is_empty(live.dir.path("share/.syncline/tmp")))
    std::this_thread::yield();
  live.stop();
  client.join();
  if (error)
    CHECK((error->is(Errc::disconnected) || error->is(Errc::cancelled) || error->is(Errc::truncated)));
  live.start();
  options.bwlimit.clear();
  CHECK(live.push(options, "here").in_step);
  CHECK(live.dir.read("share/large") == live.dir.read("here/large"));
}

TEST_CASE("the configured limit counts for what a client sends", "[server]") {
  LiveServer live;
  auto options = live.client("client");
  options.compress_level = 0;
  live.config.bwlimit = 400'000;
  live.start();
  live.dir.make_dir("here");
  live.dir.write("here/f", noise(400'000, 1));
  const auto begun = std::chrono::steady_clock::now();
  CHECK(live.push(options, "here").in_step);
  CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(800));
}

TEST_CASE("connections that do nothing need no threads and are in nobody's way", "[server]") {
  LiveServer live;
  const auto options = live.client("client");
  live.client("idle");
  live.start();
  write_tree(live.dir, "here", 1);
  std::vector<net::Connection> idle;
  for (int i = 0; i < 60; ++i) idle.push_back(live.connect("idle"));
  CHECK(live.push(options, "here").in_step);
}

TEST_CASE("above the limit of connections a client is turned away, and told of in the log", "[server]") {
  LiveServer live;
  live.client("client");
  live.config.limits.connections_max = 2;
  live.start();
  std::vector<net::Connection> two;
  for (int i = 0; i < 2; ++i) two.push_back(live.connect("client"));
  const auto refused = error_of([&] {
    auto third = live.connect("client");
    if (!third.link->receive()) throw Error(Errc::disconnected, "third");
  });
  CHECK(refused);
  CHECK(live.wait_for(Kind::refused).detail == "too many connections");
}

TEST_CASE("what a reload takes away or adds counts from the next session on", "[server]") {
  LiveServer live;
  const auto options = live.client("client");
  live.start();
  write_tree(live.dir, "here", 1);
  auto config = live.config;
  config.shares.push_back({"more", live.dir.make_dir("more"), config::ShareMode::read_write});
  config.authorize.push_back({config.authorize[0].fingerprint, "more", config::Right::read_write});
  CHECK(error_of([&] { live.push(options, "here", "more/"); })->is_errno(EACCES));
  live.running().reload(config);
  CHECK(live.push(options, "here", "more/").in_step);
  live.running().reload(live.config);
  CHECK(error_of([&] { live.push(options, "here", "more/"); })->is_errno(EACCES));
}
