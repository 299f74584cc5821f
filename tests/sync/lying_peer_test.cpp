// SPDX-License-Identifier: Apache-2.0
// Clients that lie to a server: as receivers of a pull and as senders of a push. Each ends its own session.
#include <chrono>
#include <memory>
#include <thread>

#include "base/limits.hpp"
#include "delta/gap.hpp"
#include "remote.hpp"
#include "sync/under_way.hpp"

using namespace syncline;
using namespace syncline::test;

namespace {

/// A client that says whatever it likes.
class Rogue {
 public:
  Rogue(Remote& remote, wire::Role role) : Rogue(remote, role, remote.served.dial()) {}
  ~Rogue() { end(); }

  template <class... Messages>
  void say(const Messages&... messages) {
    (channel_.send(messages), ...);
    channel_.flush();
  }
  /// What comes next of this kind; others are passed over.
  template <class T>
  T hear() {
    for (;;) {
      auto message = channel_.receive();
      if (!message) throw std::runtime_error("the server is gone");
      if (auto* wanted = std::get_if<T>(&*message)) return std::move(*wanted);
      if (const auto* fatal = std::get_if<wire::Fatal>(&*message)) throw std::runtime_error(fatal->message);
    }
  }
  /// Ends the connection; what the server says of the session for its log.
  std::string end() {
    channel_.close();
    remote_.served.join();
    return remote_.served.errors.empty() ? "" : remote_.served.errors.back();
  }
  wire::Channel& channel() { return channel_; }
  /// Until the server has taken all that was said, and has had the time to wait for more.
  void wait_until_heard() {
    channel_.flush();
    while (transport_->waiting_bytes() != 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }

  /// Up to our roots, which differ.
  void begin_pull() {
    wire::Open open;
    open.share = "share";
    open.direction = wire::Direction::pull;
    open.pull.emplace();
    open.pull->flags = wire::pull_recursive | wire::pull_times | wire::pull_delete;
    open.pull->level = 0;  // what is sent twice takes the same room again
    say(open, wire::Hello{});
    hear<wire::Roots>();
  }
  /// Up to the server's answers to our requests.
  void begin_push(const wire::Begin& begin = {}) {
    wire::Open open;
    open.share = "share";
    say(open, wire::Hello{}, begin, wire::Roots{});
    hear<wire::ListEnd>();
  }

 private:
  Rogue(Remote& remote, wire::Role role, std::unique_ptr<wire::Transport> transport)
      : remote_(remote),
        transport_(transport.get()),
        // Not compressed: what is said again and again would all find room in the pipe.
        channel_(std::move(transport), wire::Conversation::asking(role), {.level = 0}) {}

  Remote& remote_;
  wire::Transport* transport_;
  wire::Channel channel_;
};

wire::EntryInfo entry(const std::string& name, std::uint64_t size_bytes = 0) {
  wire::EntryInfo out;
  out.name = name;
  out.size_bytes = size_bytes;
  return out;
}

wire::Listing listing(const std::string& dir, std::vector<wire::EntryInfo> entries) {
  wire::Listing out;
  out.dir = dir;
  out.entries = std::move(entries);
  return out;
}

/// The server has `f` and takes us for having another one; it has sent a gap of it.
wire::StepGap pull_a_gap(Remote& remote, Rogue& rogue, std::uint64_t base_bytes = 300'000) {
  remote.dir.write("share/f", random_text(base_bytes, 1));
  rogue.begin_pull();
  rogue.say(wire::Roots{}, wire::ListEnd{});
  CHECK(rogue.hear<wire::ListRequest>().dirs == std::vector<std::string>{""});
  rogue.say(listing("", {entry("f", base_bytes)}), wire::ListEnd{});
  CHECK(rogue.hear<wire::ManifestRequest>().paths == std::vector<std::string>{"f"});
  wire::ManifestReply none;
  none.path = "f";
  rogue.say(none);
  for (;;) {
    for (auto& step : rogue.hear<wire::FileSteps>().steps)
      if (auto* gap = std::get_if<wire::StepGap>(&step)) return std::move(*gap);
  }
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a receiver tells what it was asked for and nothing else", "[sync][remote][bounds]") {
  Remote remote;
  remote.dir.write("share/f", "x");
  Rogue rogue(remote, wire::Role::receiver);
  rogue.begin_pull();
  SECTION("drift without an agreement") {
    rogue.say(wire::Roots{}, listing("", {entry("f")}));
    CHECK(has(rogue.end(), "a listing without an agreement"));
  }
  SECTION("an agreement that the server knows nothing of") {
    wire::Roots roots;
    roots.agreed.emplace();
    rogue.say(roots, wire::ListEnd{});
    CHECK(has(rogue.end(), "an agreement that was not told"));
  }
  SECTION("differences of one that is in step") {
    wire::Roots roots;
    roots.in_step = true;
    rogue.say(roots, wire::Partials{0, {1}, {0}, {{}}});
    CHECK(has(rogue.end(), "in step"));
  }
  SECTION("a directory twice") {
    rogue.say(wire::Roots{}, wire::ListEnd{});
    rogue.hear<wire::ListRequest>();
    rogue.say(listing("", {entry("f")}), listing("other", {}));
    CHECK(has(rogue.end(), "'other' that was not asked for"));
  }
  SECTION("a listing while files are sent") {
    rogue.say(wire::Roots{}, wire::ListEnd{});
    rogue.hear<wire::ListRequest>();
    rogue.say(listing("", {}), wire::ListEnd{});
    rogue.hear<wire::Batch>();
    rogue.say(listing("", {entry("f")}));
    CHECK(has(rogue.end(), "listing that was not asked for"));
  }
  SECTION("an ack of what was not sent") {
    rogue.say(wire::Roots{}, wire::ListEnd{});
    rogue.hear<wire::ListRequest>();
    rogue.say(wire::ListEnd{});
    rogue.say(wire::Ack{rogue.hear<wire::Flush>().token + 1});
    CHECK(has(rogue.end(), "ack of what was not sent"));
  }
  SECTION("a manifest that nobody wants") {
    rogue.say(wire::Roots{}, wire::ListEnd{});
    rogue.hear<wire::ListRequest>();
    rogue.say(listing("", {}), wire::ListEnd{});
    rogue.hear<wire::Batch>();
    wire::ManifestReply none;
    none.path = "f";
    rogue.say(none);
    CHECK(has(rogue.end(), "manifest of 'f' that was not asked for"));
  }
}

TEST_CASE("partials are as many as a receiver keeps and not one more", "[sync][remote][bounds]") {
  Remote remote;
  remote.dir.write("share/f", "x");
  Rogue rogue(remote, wire::Role::receiver);
  rogue.begin_pull();
  rogue.say(wire::Roots{});
  for (std::uint32_t i = 0; i < limits::partial_count_max; ++i)
    for (int part = 0; part < 2; ++part) rogue.say(wire::Partials{i, {1}, {0}, {{}}});
  SECTION("the limit is reached") {
    rogue.say(wire::ListEnd{});
    CHECK(rogue.hear<wire::ListRequest>().dirs.size() == 1);
  }
  SECTION("it is passed by one") {
    rogue.say(wire::Partials{limits::partial_count_max, {1}, {0}, {{}}});
    CHECK(has(rogue.end(), "which keeps " + std::to_string(limits::partial_count_max)));
  }
  SECTION("one is told again") {
    rogue.say(wire::Partials{3, {1}, {0}, {{}}});
    CHECK(has(rogue.end(), "told already"));
  }
  SECTION("one is empty") {
    rogue.say(wire::Partials{limits::partial_count_max - 1, {}, {}, {}});
    CHECK(has(rogue.end(), "empty"));
  }
}

TEST_CASE("sums come for gaps that wait for them, once each", "[sync][remote][bounds]") {
  Remote remote;
  Rogue rogue(remote, wire::Role::receiver);
  const auto gap = pull_a_gap(remote, rogue);
  const std::uint8_t first = gap.plan.coarse_block_bytes != 0 ? 1 : 2;
  SECTION("of an unknown gap") {
    rogue.say(wire::GapSums{1, 1, first, {}});
    CHECK(has(rogue.end(), "unknown gap"));
  }
  SECTION("of another round") {
    rogue.say(wire::GapSums{1, 0, 3, {}});
    CHECK(has(rogue.end(), "nobody waits for"));
  }
  SECTION("more than the gap has blocks") {
    rogue.say(wire::GapSums{1, 0, first, Bytes(delta::sum_bytes_max(gap.plan) + 1)});
    CHECK(has(rogue.end(), "more sums than a gap has blocks"));
  }
  SECTION("given up twice") {
    rogue.say(wire::GapSums{1, 0, 0, {}}, wire::GapSums{1, 0, 0, {}});
    CHECK(has(rogue.end(), "nobody waits for"));
  }
  SECTION("a second time for the round that is looked at") {
    const auto sums = first == 1 ? delta::round1_sums(gap.plan, {}, Bytes(gap.plan.old_bytes))
                                 : delta::round2_sums(gap.plan, {}, {}, Bytes(gap.plan.old_bytes));
    rogue.say(wire::GapSums{1, 0, first, sums}, wire::GapSums{1, 0, first, sums});
    CHECK(has(rogue.end(), "nobody waits for"));
  }
}

TEST_CASE(
    "nothing of a file comes after its end, also where the receiver gives it up while its sums are looked at",
    "[sync][remote]") {
  Remote remote;
  Rogue rogue(remote, wire::Role::receiver);
  const auto gap = pull_a_gap(remote, rogue, 6'000'000);
  const std::uint8_t round = gap.plan.coarse_block_bytes != 0 ? 1 : 2;
  const auto sums = round == 1 ? delta::round1_sums(gap.plan, {}, Bytes(gap.plan.old_bytes))
                               : delta::round2_sums(gap.plan, {}, {}, Bytes(gap.plan.old_bytes));
  rogue.say(wire::GapSums{1, 0, round, sums}, wire::GapSums{1, 0, 0, {}});
  std::vector<std::string> heard;
  const auto hear = [&] {
    auto message = rogue.channel().receive();
    if (!message) FAIL(rogue.end());
    heard.emplace_back(wire::name_of(wire::type_of(*message)));
    return std::move(*message);
  };
  for (;;) {
    auto message = hear();
    if (auto* flush = std::get_if<wire::Flush>(&message)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));  // for what is on its way
      rogue.say(wire::Ack{flush->token});
    }
    if (std::holds_alternative<wire::Finish>(message)) break;
  }
  const auto end = std::ranges::find(heard, "file end");
  REQUIRE(end != heard.end());
  for (const auto* of_file : {"file steps", "gap matches", "gap delta"}) {
    CAPTURE(of_file);
    CHECK(std::find(end, heard.end(), of_file) == heard.end());
  }
}

TEST_CASE("requests for chunks wait up to their limit, and one more ends the session",
          "[sync][remote][bounds][long]") {
  Remote remote;
  Rogue rogue(remote, wire::Role::receiver);
  const auto gap = pull_a_gap(remote, rogue);
  // Nothing is read any more: after some answers the server can only keep what is asked for, and ends it.
  const wire::ChunkRequest request{1, 0, gap.chunks.front().length_bytes};
  std::size_t asked = 0;
  try {
    for (; asked < 4 * limits::chunk_requests_max; ++asked) {
      rogue.channel().send(request);
      // That far its answers have filled the pipe.
      if (asked == limits::chunk_requests_max / 2) rogue.wait_until_heard();
    }
  } catch (const Error& error) {
    CHECK(error.is(Errc::disconnected));
  }
  CHECK(asked >= limits::chunk_requests_max);
  CHECK(has(rogue.end(), "more than " + std::to_string(limits::chunk_requests_max) + " requests"));
}

TEST_CASE("a request for a chunk of no file ends the session", "[sync][remote][bounds]") {
  Remote remote;
  Rogue rogue(remote, wire::Role::receiver);
  pull_a_gap(remote, rogue);
  rogue.say(wire::ChunkRequest{9, 0, 1});
  CHECK(has(rogue.end(), "unknown file"));
}

TEST_CASE("a sender that exceeds the gap window is told the limit", "[sync][remote][bounds][long]") {
  Remote remote;
  constexpr std::uint32_t old_bytes = 8 * limits::mib, new_bytes = 16 * limits::kib;
  constexpr std::size_t count = limits::gap_window_bytes_max / old_bytes;
  remote.dir.write("share/f", random_text(old_bytes, 1));
  Rogue rogue(remote, wire::Role::sender);
  rogue.begin_push();
  wire::FileBegin begin;
  begin.file = 1;
  begin.path = "f";
  begin.size_bytes = (count + 1) * new_bytes;
  begin.has_base = true;
  begin.base_bytes = old_bytes;
  wire::StepGap gap;
  gap.plan = delta::plan_gap(0, old_bytes, new_bytes);
  gap.chunks = {{new_bytes, {}}};
  rogue.say(begin, wire::FileSteps{1, std::vector<wire::Step>(count, gap)});
  for (std::size_t i = 0; i < count; ++i) CHECK(rogue.hear<wire::GapSums>().round != 0);
  SECTION("by one gap") {
    rogue.say(wire::FileSteps{1, {gap}});
    const auto fatal = rogue.hear<wire::Fatal>();
    CHECK(fatal.code == static_cast<std::uint32_t>(Errc::protocol));
    CHECK(has(fatal.message, std::to_string(limits::gap_window_bytes_max)));
  }
  SECTION("not after an answer") {
    wire::GapDelta answer{1, 0, {}, Bytes(new_bytes)};
    ByteWriter writer(answer.matches);
    delta::write_fine_matches(writer, gap.plan, {}, {});
    rogue.say(answer, wire::FileSteps{1, {gap}});
    CHECK(rogue.hear<wire::GapSums>().gap == count);
  }
  rogue.end();
  CHECK(remote.dir.read("share/f").size() == old_bytes);
}

TEST_CASE("a sender has as many files under way as the limit and not one more", "[sync][remote][bounds]") {
  Remote remote;
  Rogue rogue(remote, wire::Role::sender);
  rogue.begin_push();
  wire::FileBegin begin;
  begin.path = "missing/f";  // costs no open file here
  for (begin.file = 1; begin.file <= limits::open_files_max; ++begin.file) rogue.channel().send(begin);
  rogue.say(wire::FileEnd{1, true, {}, {}}, begin);
  for (std::size_t i = 0; i <= limits::open_files_max; ++i)
    CHECK(rogue.hear<wire::Failure>().path == begin.path);
  ++begin.file;
  rogue.say(begin);
  const auto fatal = rogue.hear<wire::Fatal>();
  CHECK(fatal.code == static_cast<std::uint32_t>(Errc::protocol));
  CHECK(has(fatal.message, std::to_string(limits::open_files_max)));
}

TEST_CASE("a file of more chunks than its size allows fails alone", "[sync][remote][bounds]") {
  Remote remote;
  Rogue rogue(remote, wire::Role::sender);
  rogue.begin_push();
  wire::FileBegin begin;
  begin.file = 1;
  begin.path = "f";
  begin.size_bytes = 100'000;
  const Bytes byte(1, std::byte{7});
  wire::StepData data{{1, {}}, byte};
  const auto id = hash::blake3(byte);
  std::copy_n(id.bytes.begin(), data.chunk.id.size(), data.chunk.id.begin());
  const auto limit = sync::chunk_count_max(begin.size_bytes);
  rogue.say(begin, wire::FileSteps{1, std::vector<wire::Step>(limit, data)}, wire::Flush{1});
  rogue.say(wire::FileSteps{1, {data}});
  const auto failure = rogue.hear<wire::Failure>();
  CHECK(failure.code == static_cast<std::uint32_t>(Errc::limit_exceeded));
  CHECK(has(failure.message, std::to_string(limit) + " at most"));
  rogue.say(wire::FileEnd{1, true, {}, {}});
  CHECK(rogue.hear<wire::Ack>().token == 1);
}

TEST_CASE("a sender takes our owners for others only so often", "[sync][remote][bounds]") {
  Remote remote;
  Rogue rogue(remote, wire::Role::sender);
  wire::Open open;
  open.share = "share";
  wire::Owners owners;
  owners.users.push_back({1'234'567, "", 1, true});
  rogue.say(open, wire::Hello{});
  for (int round = 0; round < limits::owner_rounds_max; ++round) {
    rogue.say(wire::Begin{}, owners, wire::Roots{});
    CHECK(rogue.hear<wire::OwnerIds>().users == std::vector<std::uint32_t>{1'234'567});
  }
  rogue.say(wire::Begin{}, owners, wire::Roots{});
  CHECK(has(rogue.hear<wire::Fatal>().message, "owners"));
}
