// SPDX-License-Identifier: Apache-2.0
// Clients that mean no good, one by one: each hears why, the log has it, memory stays bounded, and another
// client works meanwhile.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "../net/raw_client.hpp"
#include "live_server.hpp"
#include "support/catch.hpp"
#include "wire/channel.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

namespace {

using Kind = LiveServer::Kind;

/// What of it lies in memory; nothing where a sanitizer keeps what was freed.
std::optional<std::size_t> resident_bytes() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return std::nullopt;
#else
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
#endif
}

/// Fails when it ends and memory has grown by more.
class MemoryBound {
 public:
  explicit MemoryBound(std::size_t bytes) : bytes_(bytes) {}
  void check() const {
    const auto now = resident_bytes();
    if (now && before_) CHECK(*now <= *before_ + bytes_);
  }

 private:
  std::size_t bytes_;
  std::optional<std::size_t> before_ = resident_bytes();
};

/// A server, somebody who means well, and a key of somebody who does not.
struct Scene {
  Scene() {
    good = live.client("good");
    live.client("rogue");
    live.dir.make_dir("here");
    live.dir.write("here/f", "x");
  }
  void start() { live.start(); }
  /// Another client goes on, whatever the rogue does now.
  void check_others() {
    live.dir.write("here/f", noise(1000, ++turn));
    CHECK(live.push(good, "here", "share/good/").in_step);
    CHECK(live.dir.read("share/good/f") == live.dir.read("here/f"));
  }
  std::string rogue_key() {
    return trust::Identity::load(fs::linux_fs(), live.dir.path("rogue"))->fingerprint().text();
  }
  /// The line about the rogue that has this text in it.
  server::AuditEvent line(Kind kind, const std::string& text) {
    const auto event = live.wait_for(kind, text);
    CHECK(event.key == rogue_key());
    CHECK_FALSE(event.address.empty());
    return event;
  }

  LiveServer live;
  CopyOptions good;
  unsigned turn = 0;
};

/// A rogue that speaks frames.
struct Rogue {
  Rogue(Scene& scene, wire::Role role)
      : connection(scene.live.connect("rogue")),
        link(connection.link.get()),
        channel(std::move(connection.link), wire::Conversation::asking(role), {}) {}
  /// What the server says at last.
  wire::Fatal hear_fatal() {
    for (;;) {
      const auto message = channel.receive();
      if (!message) throw std::runtime_error("nothing was said");
      if (const auto* fatal = std::get_if<wire::Fatal>(&*message)) return *fatal;
    }
  }
  net::Connection connection;
  net::Link* link;
  wire::Channel channel;
};

wire::Open open_share(const std::string& path = "") {
  wire::Open out;
  out.share = "share";
  out.path = path;
  return out;
}

/// TCP alone, from another address than everybody else's.
class SilentClient {
 public:
  explicit SilentClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    ::sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK + 1);
    ::sockaddr_in to = from;
    to.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    to.sin_port = ::htons(port);
    if (fd_ < 0 || ::bind(fd_, reinterpret_cast<::sockaddr*>(&from), sizeof from) != 0 ||
        ::connect(fd_, reinterpret_cast<::sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("connect");
  }
  ~SilentClient() { ::close(fd_); }
  SilentClient(const SilentClient&) = delete;
  SilentClient& operator=(const SilentClient&) = delete;
  bool sees_end(std::chrono::steady_clock::time_point until) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    ::pollfd waiting{fd_, POLLIN, 0};
    char byte = 0;
    return ::poll(&waiting, 1, std::max<int>(0, static_cast<int>(left.count()))) == 1 &&
           ::recv(fd_, &byte, 1, 0) <= 0;
  }

 private:
  int fd_;
};

}  // namespace

TEST_CASE("a thousand connections that say nothing are closed within ten seconds", "[server][hostile]") {
  ::rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  Scene scene;
  scene.start();
  const MemoryBound bound(32 * limits::mib);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(12);  // to connect takes some
  std::vector<std::unique_ptr<SilentClient>> silent;
  for (int i = 0; i < 1000; ++i) silent.push_back(std::make_unique<SilentClient>(scene.live.port));
  scene.check_others();
  bound.check();
  CHECK(std::ranges::all_of(silent, [&](const auto& one) { return one->sees_end(until); }));
  CHECK(scene.live.wait_for(Kind::refused, "limit exceeded").address.starts_with("127.0.0.2:"));
  CHECK(scene.live.wait_for(Kind::refused, "timed out").address.starts_with("127.0.0.2:"));
  scene.check_others();
}

TEST_CASE("a stranger that may pair and says nothing is closed soon after ten seconds", "[server][hostile]") {
  Scene scene;
  scene.live.client("stranger", std::nullopt);
  scene.start();
  trust::PairingCodes(fs::linux_fs(), system_clock(), system_random(), scene.live.config.state_dir)
      .create({});
  auto connection = scene.live.connect("stranger");
  const auto begun = std::chrono::steady_clock::now();
  scene.check_others();
  try {
    while (connection.link->receive()) continue;
  } catch (const Error&) {
    // An end that is not an orderly one is an end as well.
  }
  const auto took = std::chrono::steady_clock::now() - begun;
  CHECK(took >= limits::unknown_client_limit - std::chrono::seconds(1));
  CHECK(took <= limits::unknown_client_limit + std::chrono::seconds(10));
  const auto key = trust::Identity::load(fs::linux_fs(), scene.live.dir.path("stranger"))->fingerprint();
  CHECK(scene.live.wait_for(Kind::refused, "did not pair").key == key.text());
}

TEST_CASE("a truncated, an oversized or a nonsensical frame ends its connection alone", "[server][hostile]") {
  Scene scene;
  scene.start();
  const MemoryBound bound(64 * limits::mib);
  Rogue rogue(scene, wire::Role::sender);
  Bytes frame;
  ByteWriter writer(frame);
  std::string cause;
  SECTION("random bytes") {
    const auto bytes = noise(1000, 5);
    writer.u32(static_cast<std::uint32_t>(bytes.size())), writer.bytes(as_bytes(bytes));
  }
  SECTION("a message that is cut off") {
    writer.u32(3), writer.u8(0), writer.u8(static_cast<std::uint8_t>(wire::MessageType::open));
    writer.u8(100);
    cause = "ends too early";
  }
  SECTION("a message above the limit") {
    Bytes body;
    ByteWriter inner(body);
    inner.u8(0), inner.u8(static_cast<std::uint8_t>(wire::MessageType::open));
    inner.varint(limits::frame_bytes_max + 1);
    writer.u32(static_cast<std::uint32_t>(body.size())), writer.bytes(body);
    cause = "limit exceeded";
  }
  SECTION("a decompression bomb") {
    writer.u32(5 + 100), writer.u8(2), writer.u32(UINT32_MAX), writer.bytes(Bytes(100));
    cause = "limit exceeded";
  }
  SECTION("a bomb within the limit that unpacks to another size") {
    compress::Compressor compressor;
    const auto packed = compressor.compress(Bytes(8 * limits::mib), 3);
    writer.u32(static_cast<std::uint32_t>(5 + packed.size())), writer.u8(2), writer.u32(1000);
    writer.bytes(packed);
  }
  rogue.link->send(frame);
  scene.line(Kind::session_failed, cause);
  bound.check();
  scene.check_others();
}

TEST_CASE("a frame above the limit, and one that is cut off, are told in the log", "[server][hostile]") {
  Scene scene;
  scene.start();
  const MemoryBound bound(32 * limits::mib);
  const auto key = trust::Identity::load(fs::linux_fs(), scene.live.dir.path("rogue"));
  RawClient client(net::Endpoint{"127.0.0.1", scene.live.port});
  RawTls::Options options;
  options.identity = net::TlsIdentity{key->certificate_pem(), key->private_key_pem()};
  RawTls tls(client, options);
  REQUIRE(tls.connect());
  scene.live.wait_for(Kind::connected);  // until it is known who it is, the limit is another one
  Bytes head;
  ByteWriter writer(head);
  SECTION("above the limit") {
    writer.u32(limits::link_frame_bytes_max + 1);
    tls.send(head);
    scene.line(Kind::session_failed, "limit exceeded");
  }
  SECTION("cut off") {
    writer.u32(limits::link_frame_bytes_max), writer.bytes(Bytes(1000));
    tls.send(head);
    tls.send_close_notify();
    scene.line(Kind::session_failed, "too early");
  }
  bound.check();
  scene.check_others();
}

TEST_CASE("a version from the future is told which one is spoken", "[server][hostile]") {
  Scene scene;
  scene.start();
  Rogue rogue(scene, wire::Role::sender);
  wire::Hello hello;
  hello.version = 99;
  rogue.channel.send(open_share()), rogue.channel.send(hello), rogue.channel.flush();
  const auto fatal = rogue.hear_fatal();
  CHECK(fatal.code == static_cast<std::uint32_t>(Errc::unsupported));
  CHECK(fatal.message.find("99") != std::string::npos);
  CHECK(scene.line(Kind::session_failed, "version 99").share == "share");
  scene.check_others();
}

TEST_CASE("a client that stops reading holds up nobody and fills no memory", "[server][hostile]") {
  Scene scene;
  scene.live.dir.make_dir("share/large");
  scene.live.dir.write("share/large/f", noise(96 * limits::mib, 1));
  scene.start();
  const MemoryBound bound(64 * limits::mib);
  {
    Rogue rogue(scene, wire::Role::receiver);
    auto open = open_share("large");
    open.direction = wire::Direction::pull;
    open.pull.emplace();
    open.pull->flags = wire::pull_recursive;
    rogue.channel.send(open), rogue.channel.send(wire::Hello{}), rogue.channel.flush();
    while (!std::holds_alternative<wire::Roots>(rogue.channel.receive().value())) continue;
    rogue.channel.send(wire::Roots{}), rogue.channel.send(wire::ListEnd{}), rogue.channel.flush();
    while (!std::holds_alternative<wire::ListRequest>(rogue.channel.receive().value())) continue;
    wire::Listing empty;
    rogue.channel.send(empty), rogue.channel.send(wire::ListEnd{}), rogue.channel.flush();
    // Not read from here on: the server sends until every queue on the way is full.
    std::uint64_t received = 0;
    while (received != rogue.link->received_bytes() || received < limits::link_queue_bytes_max) {
      received = rogue.link->received_bytes();
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
    }
    scene.check_others();
    bound.check();
    rogue.link->abort();
  }
  CHECK(scene.line(Kind::session_failed, "").share == "share");
  scene.check_others();
}

TEST_CASE("paths with dots or a NUL are refused with a line in the log", "[server][hostile]") {
  Scene scene;
  scene.start();
  const auto refused = [&](const std::string& path) {
    CAPTURE(path);
    Rogue rogue(scene, wire::Role::sender);
    rogue.channel.send(open_share(path)), rogue.channel.flush();
    const auto fatal = rogue.hear_fatal();
    CHECK(fatal.syncline_code);
    CHECK(fatal.code == static_cast<std::uint32_t>(Errc::malformed));
    CHECK(scene.live.wait_for(Kind::session_failed, "malformed").key == scene.rogue_key());
  };
  for (const std::string path : {"..", "a/../../b", "/etc"}) refused(path);
  refused(std::string("a\0b", 3));
  scene.check_others();
}

TEST_CASE("operations on paths that are none fail alone and touch nothing", "[server][hostile]") {
  Scene scene;
  scene.start();
  Rogue rogue(scene, wire::Role::sender);
  rogue.channel.send(open_share()), rogue.channel.send(wire::Hello{}), rogue.channel.send(wire::Begin{});
  rogue.channel.send(wire::Roots{}), rogue.channel.flush();
  while (!std::holds_alternative<wire::ListEnd>(rogue.channel.receive().value())) continue;
  const std::vector<std::string> paths{"../evil", "a/../../evil", "/tmp/evil-syncline",
                                       std::string("e\0vil", 5)};
  for (const auto& path : paths) {
    CAPTURE(path);
    rogue.channel.send(wire::Batch{{wire::MakeDir{path}}}), rogue.channel.flush();
    const auto message = rogue.channel.receive();
    REQUIRE(message);
    const auto* failure = std::get_if<wire::Failure>(&*message);
    REQUIRE(failure != nullptr);
    CHECK(failure->code == static_cast<std::uint32_t>(Errc::malformed));
  }
  CHECK_FALSE((scene.live.dir.exists("evil") || stdfs::exists("/tmp/evil-syncline")));
  rogue.channel.close();
  scene.line(Kind::session_failed, "");
  for (const auto& left : stdfs::directory_iterator(scene.live.dir.path("share")))
    CHECK(left.path().filename() == ".syncline");  // of a session that was cut
  scene.check_others();
}

TEST_CASE("a share that is not there or read-only is told to both sides", "[server][hostile]") {
  Scene scene;
  scene.live.config.shares.push_back(
      {"fixed", scene.live.dir.make_dir("fixed"), config::ShareMode::read_only});
  scene.live.config.authorize.push_back({scene.rogue_key(), "fixed", config::Right::read_write});
  scene.start();
  const auto refusal = [&](const std::string& share) {
    Rogue rogue(scene, wire::Role::sender);
    wire::Open open;
    open.share = share;
    rogue.channel.send(open), rogue.channel.flush();
    const auto fatal = rogue.hear_fatal();
    CHECK(fatal.message.find(share) != std::string::npos);
    CHECK(scene.line(Kind::session_failed, "'" + share + "'").share == share);
    return static_cast<int>(fatal.code);
  };
  CHECK(refusal("missing") == EACCES);
  CHECK(refusal("fixed") == EROFS);
  CHECK(stdfs::is_empty(scene.live.dir.path("fixed")));
  scene.check_others();
}

TEST_CASE("a client that meets another certificate than its own server's leaves a line there",
          "[server][hostile]") {
  Scene scene;
  scene.start();
  auto options = scene.good;
  options.sources = {scene.live.dir.path("here") + "/"};
  options.destination = scene.live.url("share/");
  options.server_key = trust::Fingerprint{}.text();
  try {
    LiveServer::copy(options);
    FAIL("talked to");
  } catch (const Error& error) {
    CHECK(error.is(Errc::untrusted));
    CHECK(error.context().find(scene.live.identity.fingerprint().text()) != std::string::npos);
  }
  CHECK_FALSE(scene.live.wait_for(Kind::refused, "").address.empty());
  scene.check_others();
}

TEST_CASE("an expired pairing code has a line in the log and pairs nobody", "[server][hostile]") {
  Scene scene;
  const auto options = scene.live.client("stranger", std::nullopt);
  scene.start();
  struct Past : Clock {
    std::int64_t now_ns() const override {
      return system_clock().now_ns() - 2 * limits::pairing_lifetime_s_default * 1'000'000'000;
    }
    std::chrono::steady_clock::time_point steady() const override { return system_clock().steady(); }
  } past;
  const auto state = scene.live.config.state_dir;
  const auto code = trust::PairingCodes(fs::linux_fs(), past, system_random(), state).create({});
  trust::PairingCodes(fs::linux_fs(), system_clock(), system_random(), state).create({});
  const auto place = *sync::parse_remote(scene.live.url(""));
  CHECK_THROWS_AS(remote::pair(sync::World{}, place, code, options.state_dir), Error);
  const auto key = trust::Identity::load(fs::linux_fs(), *options.state_dir)->fingerprint().text();
  CHECK(scene.live.wait_for(Kind::refused, "expired").key == key);
  CHECK(trust::Grants(fs::linux_fs(), state).list().empty());
  scene.check_others();
}

TEST_CASE("a client has so many sessions at a time, one more is told to wait", "[server][hostile]") {
  Scene scene;
  scene.live.config.limits.sessions_per_client_max = 2;
  scene.start();
  const auto begin = [&](const std::string& path) {
    auto rogue = std::make_unique<Rogue>(scene, wire::Role::sender);
    rogue->channel.send(open_share(path)), rogue->channel.send(wire::Hello{}), rogue->channel.flush();
    return rogue;
  };
  auto one = begin("a");
  auto two = begin("b");
  for (auto* rogue : {one.get(), two.get()})
    CHECK(std::holds_alternative<wire::Opened>(rogue->channel.receive().value()));
  const auto fatal = begin("c")->hear_fatal();
  CHECK(fatal.code == static_cast<std::uint32_t>(Errc::locked));
  CHECK(fatal.message.find("2 sessions") != std::string::npos);
  scene.line(Kind::refused, "2 sessions");
  scene.check_others();
  one->channel.close();
  scene.line(Kind::session_failed, "");
  CHECK(std::holds_alternative<wire::Opened>(begin("d")->channel.receive().value()));
}

TEST_CASE("a client has so many connections at a time, one more is told so", "[server][hostile]") {
  Scene scene;
  scene.live.config.limits.connections_per_client_max = 3;
  scene.start();
  std::vector<std::unique_ptr<Rogue>> silent;
  for (int i = 0; i < 3; ++i) silent.push_back(std::make_unique<Rogue>(scene, wire::Role::sender));
  const auto fatal = Rogue(scene, wire::Role::sender).hear_fatal();
  CHECK(fatal.code == static_cast<std::uint32_t>(Errc::locked));
  CHECK(fatal.message.find("3 connections") != std::string::npos);
  scene.line(Kind::refused, "3 connections");
  scene.check_others();
  silent.pop_back();
  // The server hears a little later that a connection has ended.
  const auto is_let_in = [&] {
    try {
      Rogue again(scene, wire::Role::sender);
      again.channel.send(open_share("d")), again.channel.send(wire::Hello{}), again.channel.flush();
      const auto answer = again.channel.receive();
      return answer && std::holds_alternative<wire::Opened>(*answer);
    } catch (const Error&) {
      return false;
    }
  };
  bool let_in = false;
  for (const auto begun = std::chrono::steady_clock::now();
       !let_in && std::chrono::steady_clock::now() - begun < patience;)
    let_in = is_let_in();
  CHECK(let_in);
}

TEST_CASE("a client makes as many states as it may, and one more costs its oldest", "[server][hostile]") {
  Scene scene;
  scene.start();
  const auto count = [&] {
    return std::ranges::count_if(stdfs::directory_iterator(scene.live.config.state_dir + "/replicas"),
                                 [](const auto& entry) { return entry.path().extension() == ".db"; });
  };
  scene.check_others();
  Rogue rogue(scene, wire::Role::sender);
  const auto visit = [&](std::size_t number) {
    auto open = open_share();
    open.entries = {"f" + std::to_string(number)};
    open.flags = wire::open_dry_run;
    wire::Begin begin;
    begin.flags = wire::begin_dry_run;
    rogue.channel.begin_session(wire::Conversation::asking(wire::Role::sender), {});
    rogue.channel.send(open), rogue.channel.send(wire::Hello{}), rogue.channel.send(begin);
    rogue.channel.send(wire::Roots{}), rogue.channel.flush();
    while (!std::holds_alternative<wire::ListEnd>(rogue.channel.receive().value())) continue;
    rogue.channel.send(wire::Finish{false, true, {}}), rogue.channel.flush();
  };
  for (std::size_t i = 0; i < limits::states_per_client_max; ++i) visit(i);
  CHECK(count() == static_cast<std::ptrdiff_t>(limits::states_per_client_max + 1));  // and the other client's
  visit(limits::states_per_client_max);
  const auto line = scene.line(Kind::note, "least recently");
  CHECK(line.detail.find(std::to_string(limits::states_per_client_max)) != std::string::npos);
  CHECK(count() == static_cast<std::ptrdiff_t>(limits::states_per_client_max + 1));
  scene.check_others();
}
