// SPDX-License-Identifier: Apache-2.0
// Copies to and from a server: what only they can meet.
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <random>

#include "base/limits.hpp"
#include "remote.hpp"
#include "support/fast_clock.hpp"
#include "support/fault_fs.hpp"
#include "tree_picture.hpp"

using namespace syncline;
using namespace syncline::test;
namespace stdfs = std::filesystem;

namespace {

/// Closes after so many bytes have been received or sent, counted over all connections.
class CutLink final : public wire::Transport {
 public:
  CutLink(std::unique_ptr<wire::Transport> link, std::atomic<std::int64_t>& left)
      : link_(std::move(link)), left_(left) {}
  void send(Bytes frame) override {
    spend(frame.size());
    link_->send(std::move(frame));
  }
  void hand_over(wire::Message message, std::size_t bytes) override {
    link_->hand_over(std::move(message), bytes);
  }
  std::optional<wire::Parcel> receive() override {
    auto out = link_->receive();
    if (out) spend(std::get<Bytes>(*out).size());
    return out;
  }
  bool has_input() const override { return link_->has_input(); }
  void close() override { link_->close(); }
  std::uint64_t sent_bytes() const override { return link_->sent_bytes(); }
  std::uint64_t received_bytes() const override { return link_->received_bytes(); }
  std::uint64_t waiting_bytes() const override { return link_->waiting_bytes(); }
  bool is_local() const override { return false; }

 private:
  void spend(std::size_t bytes) {
    if ((left_ -= static_cast<std::int64_t>(bytes)) >= 0) return;
    link_->close();
    throw Error(Errc::disconnected, "the test cut it");
  }
  std::unique_ptr<wire::Transport> link_;
  std::atomic<std::int64_t>& left_;
};

/// Counts the frames that the client sends after it has heard something.
class CountingLink final : public wire::Transport {
 public:
  CountingLink(std::unique_ptr<wire::Transport> link, int& answers)
      : link_(std::move(link)), answers_(answers) {}
  void send(Bytes frame) override {
    if (heard_) ++answers_;
    link_->send(std::move(frame));
  }
  void hand_over(wire::Message message, std::size_t bytes) override {
    link_->hand_over(std::move(message), bytes);
  }
  std::optional<wire::Parcel> receive() override {
    auto out = link_->receive();
    heard_ = true;
    return out;
  }
  bool has_input() const override { return link_->has_input(); }
  void close() override { link_->close(); }
  std::uint64_t sent_bytes() const override { return link_->sent_bytes(); }
  std::uint64_t received_bytes() const override { return link_->received_bytes(); }
  std::uint64_t waiting_bytes() const override { return link_->waiting_bytes(); }
  bool is_local() const override { return false; }

 private:
  std::unique_ptr<wire::Transport> link_;
  int& answers_;
  bool heard_ = false;
};

}  // namespace

TEST_CASE("an address without a share means the only one, both ways", "[remote]") {
  Remote remote;
  remote.dir.write("here/f", "1");
  CHECK(remote.push("syncline://host/").report.in_step);
  CHECK(remote.dir.read("share/f") == "1");
  remote.dir.write("share/g", "2");
  CHECK(remote.pull("syncline://host/").report.in_step);
  CHECK(remote.dir.read("here/g") == "2");
}

TEST_CASE("what is pushed can be pulled again", "[sync][remote]") {
  Remote remote;
  remote.dir.make_dir("here/sub");
  remote.dir.write("here/sub/f", random_text(200'000, 1));
  remote.dir.write("here/g", "g");
  stdfs::create_symlink("g", remote.dir.path("here/link"));
  const auto pushed = remote.push();
  CHECK(pushed.report.in_step);
  CHECK(pushed.report.files_changed >= 3);
  CHECK(pushed.change("sub/f") != nullptr);
  const auto picture = picture_of(remote.dir.path("here"));
  CHECK(differences(picture, picture_of(remote.dir.path("share"))).empty());

  stdfs::remove_all(remote.dir.path("here"));
  const auto pulled = remote.pull();
  CHECK(pulled.report.in_step);
  CHECK(pulled.change("sub/f") != nullptr);
  CHECK(pulled.report.bytes_literal >= 200'000);
  CHECK(differences(picture, picture_of(remote.dir.path("here"))).empty());
}

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

/// In January, when no clock is changed.
std::int64_t moment_in_week(std::int64_t week_second) {
  const std::int64_t january = 1'768'000'000 * second_ns;
  return january + (week_second - wire::local_week_second(january)) * second_ns;
}

}  // namespace

TEST_CASE("a server that sends keeps to the client's timetable by the client's clock", "[sync][remote]") {
  constexpr std::int64_t day_time = 12 * 3600, night = 20 * 3600;  // of Monday
  TempDir dir;
  sync::ServedShare share;
  share.dir = dir.make_dir("share");
  share.state_dir = dir.make_dir("server");
  dir.write("share/f", random_text(400'000, 1));
  FastClock there(moment_in_week(night), 200);
  sync::World server_world;
  server_world.clock = &there;
  Served served(share, server_world);
  CopyOptions options;
  options.state_dir = dir.path("client");
  options.durability = Durable::none;
  options.sources = {"syncline://host/share/"};
  options.destination = dir.path("here") + "/";
  options.bwlimit = {{8 * 60, 10'000}, {19 * 60, 0}};
  options.compress_level = 0;
  const auto seconds_from = [&](std::int64_t week_second) {
    stdfs::remove_all(dir.path("here"));
    FastClock here(moment_in_week(week_second), 200);
    sync::World world;
    world.clock = &here;
    const auto before = there.passed_ns();
    const auto report = served.copy(options, {}, world);
    CHECK(report.in_step);
    CHECK(dir.read("here/f") == dir.read("share/f"));
    return (there.passed_ns() - before) / second_ns;
  };
  CHECK(seconds_from(day_time) >= 38);
  options.bwlimit[0].bytes_per_second = 1;
  CHECK(seconds_from(19 * 3600 - 10) < 400'000);  // the limit ends after ten of them
}

TEST_CASE("a client that sends keeps to the server's limit", "[sync][remote]") {
  Remote remote;
  remote.dir.write("here/f", random_text(400'000, 1));
  auto share = remote.share();
  share.bwlimit = 10'000;
  Served served(share);
  FastClock clock(0, 200);
  sync::World world;
  world.clock = &clock;
  remote.options.sources = {remote.dir.path("here") + "/"};
  remote.options.destination = "syncline://host/share/";
  remote.options.compress_level = 0;
  CHECK(served.copy(remote.options, {}, world).in_step);
  CHECK(clock.passed_ns() / second_ns >= 38);
}

TEST_CASE("a push that changes nothing takes one round trip and some hundred bytes", "[sync][remote]") {
  Remote remote;
  for (int i = 0; i < 100; ++i) remote.dir.write("here/" + std::to_string(i), "x");
  remote.push();
  int answers = 0;
  remote.served.wrap = [&](std::unique_ptr<wire::Transport> link) {
    return std::make_unique<CountingLink>(std::move(link), answers);
  };
  const auto again = remote.push();
  CHECK(again.report.in_step);
  CHECK(again.report.files_changed == 0);
  CHECK(answers == 1);  // the finish, which nobody answers
  CHECK(again.report.sent_bytes + again.report.received_bytes < 600);
}

TEST_CASE("of a file that could not be read at first contact the server's manifest is asked for", "[sync][remote]") {
  Remote remote;
  auto content = random_text(8'000'000, 7);
  for (const char* name : {"here/f", "share/f"}) {
    remote.dir.write(name, content);
    set_mtime(remote.dir.path(name), 1'000'000);
  }
  remote.options.sources = {remote.dir.path("here") + "/"};
  remote.options.destination = "syncline://host/share/";
  FaultFs faults(fs::linux_fs());
  faults.fail_every("open_read", EIO);
  sync::World unreadable;
  unreadable.files = &faults;
  CHECK(remote.served.copy(remote.options, {}, unreadable).exit_code == 0);
  REQUIRE(faults.struck() > 0);
  SECTION("and what is equal is not sent") {
    set_mtime(remote.dir.path("here/f"), 2'000'000);
    const auto report = remote.push().report;
    CHECK(report.bytes_matched == content.size());
    CHECK(report.sent_bytes < 1'000);
  }
  SECTION("and what has moved is found by its chunks") {
    content.insert(4'000'000, "an insertion");
    remote.dir.write("here/f", content);
    const auto report = remote.push().report;
    CHECK(report.bytes_matched > content.size() - 200'000);
    CHECK(remote.dir.read("share/f") == content);
  }
}

TEST_CASE("a server that is another one than last time is begun with anew", "[sync][remote]") {
  Remote remote;
  remote.dir.write("here/f", "x");
  remote.push();
  stdfs::remove_all(remote.dir.path("server"));
  remote.dir.make_dir("server");
  remote.dir.write("here/g", "y");
  CHECK(remote.push().report.in_step);
  CHECK(remote.dir.read("share/g") == "y");
  CHECK(remote.push().report.in_step);
}

TEST_CASE("a pushed file becomes the path or goes into it", "[sync][remote]") {
  Remote remote;
  remote.dir.write("f", "x");
  remote.dir.make_dir("share/dir");
  remote.options.sources = {remote.dir.path("f")};
  for (const auto& [to, arrives] : std::vector<std::pair<std::string, std::string>>{
           {"share/dir", "share/dir/f"}, {"share/new/", "share/new/f"}, {"share/other", "share/other"}}) {
    CAPTURE(to);
    remote.options.destination = "syncline://host/" + to;
    CHECK(remote.run(remote.served).report.in_step);
    CHECK(remote.dir.read(arrives) == "x");
    CHECK(remote.run(remote.served).report.files_changed == 0);
  }
}

TEST_CASE("a pulled file becomes the destination or goes into it", "[sync][remote]") {
  Remote remote;
  remote.dir.write("share/f", "x");
  remote.options.sources = {"syncline://host/share/f"};
  for (const std::string to : {"here/f", "here/other"}) {
    CAPTURE(to);
    remote.options.destination = remote.dir.path(to == "here/f" ? "here" : to);
    CHECK(remote.run(remote.served).report.in_step);
    CHECK(remote.dir.read(to) == "x");
    CHECK(remote.run(remote.served).report.files_changed == 0);
  }
}

TEST_CASE("a directory without a slash keeps its name on the way", "[sync][remote]") {
  Remote remote;
  remote.dir.write("here/f", "x");
  remote.options.sources = {remote.dir.path("here")};
  remote.options.destination = "syncline://host/share";
  remote.run(remote.served);
  CHECK(remote.dir.read("share/here/f") == "x");
  remote.options.sources = {"syncline://host/share/here"};
  remote.options.destination = remote.dir.path("back");
  remote.run(remote.served);
  CHECK(remote.dir.read("back/here/f") == "x");
}

TEST_CASE("a share that is not there or may not be written to is told", "[sync][remote]") {
  Remote remote;
  remote.dir.write("here/f", "x");
  CHECK(remote.errno_of_push("syncline://host/nowhere/") == ENOENT);
  auto share = remote.share();
  share.may_write = false;
  Served reading(share);
  remote.options.sources = {remote.dir.path("here") + "/"};
  remote.options.destination = "syncline://host/share/";
  CHECK_THROWS_AS(remote.run(reading), Error);
  reading.join();
  CHECK(reading.errors.size() == 1);
  CHECK(stdfs::is_empty(remote.dir.path("share")));
}

TEST_CASE("without the right to delete nothing is, and each is told", "[sync][remote]") {
  Remote remote;
  remote.dir.write("here/f", "x");
  remote.dir.write("share/kept", "k");
  remote.dir.write("share/f", "old");
  auto share = remote.share();
  share.may_delete = false;
  Served server(share);
  remote.options.sources = {remote.dir.path("here") + "/"};
  remote.options.destination = "syncline://host/share/";
  remote.options.delete_extra = true;
  const auto outcome = remote.run(server);
  CHECK(outcome.report.exit_code == 23);
  CHECK(outcome.failed("kept"));
  CHECK(remote.dir.read("share/kept") == "k");
  CHECK(remote.dir.read("share/f") == "x");
}

TEST_CASE("no symlink in a share leads out of it", "[sync][remote]") {
  Remote remote;
  remote.dir.write("here/f", "x");
  remote.dir.make_dir("outside");
  stdfs::create_directory_symlink(remote.dir.path("outside"), remote.dir.path("share/link"));
  CHECK_THROWS_AS(remote.push("syncline://host/share/link/"), Error);
  remote.served.join();
  CHECK_THROWS_AS(remote.push("syncline://host/share/link/deeper/"), Error);
  remote.served.join();
  CHECK(stdfs::is_empty(remote.dir.path("outside")));
  remote.dir.write("outside/secret", "s");
  CHECK_THROWS_AS(remote.pull("syncline://host/share/link/secret"), Error);
}

TEST_CASE("a client that names a path in the server's own directory ends its session", "[sync][remote]") {
  Remote remote;
  const std::vector<wire::Op> ops{wire::MakeDir{".syncline/evil"}, wire::Remove{".syncline", true},
                                  wire::Rename{"a", ".syncline/journal"},
                                  wire::MakeSymlink{".syncline", "/tmp", {}}};
  for (const auto& op : ops) {
    CAPTURE(op.index());
    wire::Channel channel(remote.served.dial(), wire::Conversation::asking(wire::Role::sender), {});
    wire::Open open;
    open.share = "share";
    channel.send(open);
    channel.send(wire::Hello{});
    channel.send(wire::Begin{});
    channel.send(wire::Roots{});
    channel.flush();
    while (!std::holds_alternative<wire::ListEnd>(channel.receive().value())) continue;
    channel.send(wire::Batch{{op}});
    channel.flush();
    const auto answer = channel.receive();
    REQUIRE(answer);
    const auto* fatal = std::get_if<wire::Fatal>(&*answer);
    REQUIRE(fatal != nullptr);
    CHECK(fatal->syncline_code);
    CHECK(fatal->code == static_cast<std::uint32_t>(Errc::protocol));
    channel.close();
    remote.served.join();
    CHECK_FALSE(remote.dir.exists("share/.syncline/evil"));
    CHECK_FALSE(remote.dir.exists("share/.syncline/journal"));
  }
}

TEST_CASE("a transfer that is cut anywhere goes on where it stopped", "[sync][remote]") {
  const bool push = GENERATE(true, false);
  CAPTURE(push);
  const std::int64_t total = 12'000'000;
  const bool is_slow = std::getenv("SYNCLINE_SANITIZED") != nullptr;
  for (const std::int64_t cut : {20'000, 3'000'000, 9'000'000}) {
    if (is_slow && cut != 3'000'000) continue;
    CAPTURE(cut);
    Remote remote;
    const std::string from = push ? "here/" : "share/";
    remote.dir.make_dir(from);
    remote.dir.write(from + "large", random_text(10'000'000, 1));
    for (unsigned i = 0; i < 200; ++i) remote.dir.write(from + std::to_string(i), random_text(10'000, i));
    std::atomic<std::int64_t> left = cut;
    remote.served.wrap = [&](std::unique_ptr<wire::Transport> link) {
      return std::make_unique<CutLink>(std::move(link), left);
    };
    remote.options.retries = 0;
    CHECK_THROWS_AS((push ? remote.push() : remote.pull()), Error);
    remote.served.join();
    left = INT64_MAX;
    const auto outcome = push ? remote.push() : remote.pull();
    CHECK(outcome.report.in_step);
    CHECK(differences(picture_of(remote.dir.path("here")), picture_of(remote.dir.path("share"))).empty());
    CHECK_FALSE(remote.dir.exists(push ? "share/.syncline/partial" : "here/.syncline/partial"));
    // What was under way in queues and buffers is lost, and what has come is told.
    const auto again = static_cast<std::int64_t>(outcome.report.sent_bytes + outcome.report.received_bytes);
    CHECK(again < total - cut + 5'000'000);
  }
}

TEST_CASE("a change in place that is cut goes on where it stopped", "[sync][remote][long]") {
  const bool push = GENERATE(true, false);
  CAPTURE(push);
  Remote remote;
  const std::string from = push ? "here/" : "share/";
  remote.dir.make_dir(from);
  auto content = random_text(60'000'000, 1);
  remote.dir.write(from + "large", content);
  remote.options.update = Update::inplace;
  CHECK((push ? remote.push() : remote.pull()).report.in_step);
  constexpr std::uint64_t changed = 24'000'000;
  constexpr std::int64_t cut = 20'000'000;
  content.replace(5'000'000, changed, random_text(changed, 2));
  remote.dir.write(from + "large", content);
  std::atomic<std::int64_t> left = cut;
  remote.served.wrap = [&](std::unique_ptr<wire::Transport> link) {
    return std::make_unique<CutLink>(std::move(link), left);
  };
  remote.options.retries = 0;
  CHECK_THROWS_AS((push ? remote.push() : remote.pull()), Error);
  remote.served.join();
  left = INT64_MAX;
  const auto outcome = push ? remote.push() : remote.pull();
  CHECK(outcome.report.in_step);
  CHECK(remote.dir.read(push ? "share/large" : "here/large") == content);
  CHECK_FALSE(remote.dir.exists(push ? "share/.syncline/partial" : "here/.syncline/partial"));
  // What the search in one gap found comes in one message, of which nothing is there until all of it is; at
  // least one had arrived whole. Not so in a pull: there the link counts what is put into its queue, and all
  // of that may be lost.
  if (push) {
    CHECK(outcome.report.sent_bytes + outcome.report.received_bytes <
          changed - limits::gap_side_bytes_max + 2'000'000);
  }
}

TEST_CASE("what a cut transfer left gives way where the disk is full", "[sync][remote]") {
  Remote remote;
  remote.dir.write("here/large", random_text(10'000'000, 1));
  std::atomic<std::int64_t> left = 8'000'000;
  remote.served.wrap = [&](std::unique_ptr<wire::Transport> link) {
    return std::make_unique<CutLink>(std::move(link), left);
  };
  remote.options.retries = 0;
  CHECK_THROWS_AS(remote.push(), Error);
  remote.served.join();
  left = INT64_MAX;
  FaultFs faults(fs::linux_fs());
  faults.fail_every("pwrite", ENOSPC);
  sync::World full;
  full.files = &faults;
  Served server(remote.share(), full);
  const auto outcome = remote.run(server);
  CHECK(outcome.failed("large"));
  CHECK_FALSE(remote.dir.exists("share/.syncline/partial"));
  CHECK(remote.push().report.in_step);
}

TEST_CASE("a full disk of the server: who, which file, how much is missing, and the next run goes on",
          "[sync][remote]") {
  const bool large = GENERATE(true, false);
  CAPTURE(large);
  Remote remote;
  remote.dir.write("here/file", random_text(large ? 10'000'000 : 1000, 1));
  FaultFs faults(fs::linux_fs());
  faults.fail_every("pwrite", ENOSPC);
  sync::World full;
  full.files = &faults;
  Served server(remote.share(), full);
  remote.options.sources = {remote.dir.path("here") + "/"};
  remote.options.destination = "syncline://host/share/";
  const auto outcome = remote.run(server);
  REQUIRE(outcome.errors.size() == 1);
  const auto& error = outcome.errors[0];
  CHECK(error.path == "file");
  CHECK(error.side == "destination");
  CHECK(error.cause.find("No space left on device in share 'share' of 'host': ") == 0);
  CHECK(error.cause.find(std::string(large ? "10000000" : "1000") + " bytes are needed, ") !=
        std::string::npos);
  CHECK(error.cause.find(" are free") != std::string::npos);
  CHECK(error.next.find("make room there and run again") == 0);
  CHECK(outcome.report.exit_code == 23);
  REQUIRE(server.notices.size() == 1);  // for whoever can make room
  CHECK(server.notices[0].find("'file': No space left on device in share 'share': ") == 0);
  CHECK_FALSE(remote.dir.exists("share/file"));
  CHECK(remote.push().report.in_step);
  CHECK(remote.dir.read("share/file") == remote.dir.read("here/file"));
}

TEST_CASE("a read-only disk of the server is told with the share", "[sync][remote]") {
  Remote remote;
  remote.dir.make_dir("here/sub");
  FaultFs faults(fs::linux_fs());
  faults.fail_every("make_dir", EROFS);
  sync::World read_only;
  read_only.files = &faults;
  Served server(remote.share(), read_only);
  remote.options.sources = {remote.dir.path("here") + "/"};
  for (const std::string below : {"", "new/"}) {
    CAPTURE(below);
    remote.options.destination = "syncline://host/share/" + below;
    std::optional<Error> error;
    try {
      remote.run(server);
    } catch (const Error& caught) {
      error = caught;
    }
    REQUIRE(error);
    CHECK(error->is_errno(EROFS));
    CHECK(error->context().find("in share 'share'") != std::string::npos);
  }
  CHECK(remote.push().report.in_step);
}

TEST_CASE("what is missing here is told without a place, and how much it is", "[sync][remote]") {
  Remote remote;
  remote.dir.write("share/file", random_text(2'000'000, 1));
  FaultFs faults(fs::linux_fs());
  faults.fail_every("pwrite", ENOSPC);
  sync::World full;
  full.files = &faults;
  remote.options.sources = {"syncline://host/share/"};
  remote.options.destination = remote.dir.path("here") + "/";
  std::vector<ErrorEvent> errors;
  CopyObserver observer;
  observer.on_error = [&](const ErrorEvent& event) { errors.push_back(event); };
  remote.served.copy(remote.options, observer, full);
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].cause.find("No space left on device: 2000000 bytes are needed, ") == 0);
  CHECK(remote.pull().report.in_step);
}

namespace {

/// Pushes until the server stops in the middle of patching a file in place.
void leave_journal(Remote& remote) {
  remote.options.update = Update::inplace;
  remote.options.durability = Durable::batch;
  remote.options.retries = 0;
  auto text = random_text(3'000'000, 1);
  remote.dir.write("here/large", text);
  remote.push();
  for (std::uint64_t nth = 1; nth < 100; ++nth) {
    for (std::size_t at = 1000; at < text.size(); at += 400'000) text[at] = static_cast<char>(text[at] + 1);
    remote.dir.write("here/large", text);
    FaultFs faults(fs::linux_fs());
    faults.fail_op("pwrite", EIO, nth, Moment::torn);
    sync::World broken;
    broken.files = &faults;
    Served server(remote.share(), broken);
    try {
      remote.run(server);
    } catch (const Error&) {}
    server.join();
    std::error_code none;
    if (stdfs::file_size(remote.dir.path("share/.syncline/journal"), none) > 1000 && !none) return;
  }
  throw std::runtime_error("no call left a journal");
}

}  // namespace

TEST_CASE("a client hears what the server set aside and what it recovered", "[sync][remote]") {
  const bool push = GENERATE(true, false);
  CAPTURE(push);
  Remote remote;
  remote.dir.write("here/f", "1");
  CHECK(remote.push().report.in_step);
  const auto heard = [](const Outcome& outcome, const std::string& text) {
    return std::ranges::any_of(outcome.notices, [&](const std::string& notice) {
      return notice.find("the server: ") == 0 && notice.find(text) != std::string::npos;
    });
  };
  if (push) {
    leave_journal(remote);
    const auto recovered = remote.push();
    CHECK(recovered.report.in_step);
    CHECK(heard(recovered, "an interrupted run was recovered"));
  }
  for (const auto& entry : stdfs::recursive_directory_iterator(remote.dir.path("server")))
    if (entry.path().extension() == ".db" && entry.path().filename() != "recent-chunks.db")
      std::ofstream(entry.path()) << std::string(8192, 'x');
  remote.dir.write("here/f", "123");
  const auto outcome = push ? remote.push() : remote.pull();
  CHECK(outcome.report.in_step);
  CHECK(heard(outcome, "was damaged; set aside"));
}

TEST_CASE("a connection that breaks is dialled again, and the person hears of it", "[sync][remote]") {
  Remote remote;
  remote.dir.write("here/large", random_text(6'000'000, 1));
  std::atomic<std::int64_t> left = 2'000'000;
  remote.served.wrap = [&](std::unique_ptr<wire::Transport> link) {
    if (remote.served.dial_count > 1) left = INT64_MAX;
    return std::make_unique<CutLink>(std::move(link), left);
  };
  const auto outcome = remote.push();
  CHECK(outcome.report.in_step);
  CHECK(remote.served.dial_count == 2);
  REQUIRE(outcome.notices.size() >= 1);
  CHECK(outcome.notices[0].find("connection was lost") != std::string::npos);
  CHECK(remote.dir.read("share/large") == remote.dir.read("here/large"));
}

TEST_CASE("a dry run at a server makes nothing there", "[sync][remote]") {
  Remote remote;
  remote.dir.write("here/f", "x");
  remote.options.dry_run = true;
  const auto outcome = remote.push("syncline://host/share/new/");
  CHECK(outcome.change("f") != nullptr);
  CHECK(stdfs::is_empty(remote.dir.path("share")));
}

TEST_CASE("all threads that were asked for write small files at the same time", "[sync][remote]") {
  Remote remote;
  constexpr unsigned threads = 6;
  std::mt19937_64 random(1);
  std::string content(20'000, '\0');
  for (int i = 0; i < 700; ++i) {
    for (auto& letter : content) letter = static_cast<char>(random());
    remote.dir.write("share/f" + std::to_string(i), content);
  }
  // Each thread's first write waits for those of all others.
  FaultFs faults(fs::linux_fs());
  std::mutex mutex;
  std::condition_variable all_there;
  unsigned writing = 0;
  bool waited_in_vain = false;
  for (std::uint64_t nth = 1; nth <= threads; ++nth)
    faults.call_op(
        "pwrite",
        [&] {
          std::unique_lock lock(mutex);
          ++writing;
          all_there.notify_all();
          const auto met =
              all_there.wait_for(lock, std::chrono::seconds(10), [&] { return writing == threads; });
          waited_in_vain = waited_in_vain || !met;
        },
        nth);
  remote.options.threads = threads;
  remote.options.sources = {"syncline://host/share/"};
  remote.options.destination = remote.dir.path("here") + "/";
  const auto report = remote.served.copy(remote.options, {}, {&faults});
  CHECK(report.in_step);
  CHECK(writing == threads);
  CHECK_FALSE(waited_in_vain);
}

TEST_CASE("addresses of other machines", "[sync][remote]") {
  using sync::parse_remote;
  using Kind = sync::RemotePlace::Kind;
  const auto one = parse_remote("syncline://[::1]:99/my%20share/a//./b%25/");
  REQUIRE(one);
  CHECK(one->kind == Kind::server);
  CHECK(one->host == "::1");
  CHECK(one->port == 99);
  CHECK(one->share == "my share");
  CHECK(one->path == "a/b%");
  CHECK(one->contents);
  const auto bare = parse_remote("syncline://host");
  REQUIRE(bare);
  CHECK(bare->port == sync::default_port);
  CHECK(bare->share.empty());
  CHECK(bare->contents);
  const auto named = parse_remote("syncline://host/s/x/y");
  CHECK(named->name() == "y");
  CHECK_FALSE(named->contents);
  const auto home = parse_remote("me@host:dir/f");
  REQUIRE(home);
  CHECK(home->kind == Kind::ssh);
  CHECK(home->host == "me@host");
  CHECK(home->share == ".");
  CHECK(home->path == "dir/f");
  CHECK(parse_remote("me@[::1]:x")->host == "me@::1");
  CHECK(parse_remote("[::1]:x")->path == "x");
  CHECK(parse_remote("host:/abs")->share == "/");
  CHECK(parse_remote("host:")->contents);
  for (const char* local : {"a", "/a:b", "./a:b", ":a", "a/b:c"}) {
    CAPTURE(local);
    CHECK_FALSE(parse_remote(local));
  }
  for (const char* wrong :
       {"syncline://", "syncline:///s", "syncline://h:0/s", "syncline://h:70000/s", "syncline://h:x/s",
        "syncline://[::1/s", "syncline://h/s/../t", "syncline://h/s/%zz", "syncline://h/s/%0", "host:../x",
        "rsync://h/x", "host::module", "-oProxyCommand=x:y"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_remote(wrong), Error);
  }
}
