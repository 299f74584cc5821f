// SPDX-License-Identifier: Apache-2.0
#include "net/stdio.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "base/limits.hpp"
#include "net_pair.hpp"
#include "support/catch.hpp"

namespace syncline::net {
namespace {

using child::ExitStatus;

using namespace std::chrono_literals;
using test::error_of;
using test::frame_of;
using test::receive_frame;

/// Two links joined by two pipes, and nothing else that holds them.
struct PipePair {
  explicit PipePair(const LinkOptions& options = {}) {
    int there_to_here[2];
    int here_to_there[2];
    REQUIRE(::pipe2(there_to_here, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(here_to_there, O_CLOEXEC) == 0);
    here = make_stdio_link(io, there_to_here[0], here_to_there[1], options);
    there = make_stdio_link(io, here_to_there[0], there_to_here[1], options);
    for (const int fd : {there_to_here[0], there_to_here[1], here_to_there[0], here_to_there[1]}) ::close(fd);
  }
  IoThreads io;
  std::unique_ptr<Link> here;
  std::unique_ptr<Link> there;
};

TEST_CASE("frames cross pipes both ways at once, and the bytes are counted", "[stdio]") {
  PipePair pair;
  std::thread there([&] {
    for (std::uint32_t k = 0; k < 100; ++k) pair.there->send(receive_frame(*pair.there));
    pair.there->close();
  });
  std::thread sender([&] {
    for (std::uint32_t k = 0; k < 100; ++k) pair.here->send(frame_of(1 + k * 3001, k));
  });
  std::uint64_t bytes = 0;
  for (std::uint32_t k = 0; k < 100; ++k) {
    CHECK((receive_frame(*pair.here) == frame_of(1 + k * 3001, k)));
    bytes += 5 + k * 3001;
  }
  CHECK_FALSE(pair.here->receive());
  sender.join();
  there.join();
  CHECK(pair.here->received_bytes() == bytes);
  CHECK(pair.here->sent_bytes() == bytes);
  CHECK(pair.there->received_bytes() == bytes);
}

TEST_CASE("close() over a pipe delivers what was sent before", "[stdio]") {
  PipePair pair;
  for (std::uint32_t k = 0; k < 20; ++k) pair.here->send(frame_of(200'000, k));
  std::thread closing([&] { pair.here.reset(); });
  for (std::uint32_t k = 0; k < 20; ++k) CHECK((receive_frame(*pair.there) == frame_of(200'000, k)));
  CHECK_FALSE(pair.there->receive());
  closing.join();
}

TEST_CASE("one socket may be both directions", "[stdio]") {
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  IoThreads io;
  auto here = make_stdio_link(io, fds[0], fds[0]);
  auto there = make_stdio_link(io, fds[1], fds[1]);
  here->send(frame_of(100'000));
  CHECK(receive_frame(*there) == frame_of(100'000));
  there->send(frame_of(5));
  CHECK(receive_frame(*here) == frame_of(5));
  here.reset();
  CHECK_FALSE(there->receive());  // although fds[0] is still open
  there.reset();
  for (const int fd : fds) {
    CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
    ::close(fd);
  }
}

TEST_CASE("a pipe that ends inside a frame has failed, one that ends after it has not", "[stdio]") {
  for (const std::size_t bytes : {103u, 104u}) {
    int in[2];
    int out[2];
    REQUIRE(::pipe2(in, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
    IoThreads io;
    const auto link = make_stdio_link(io, in[0], out[1]);
    REQUIRE(::write(in[1], frame_of(100).data(), bytes) == static_cast<ssize_t>(bytes));
    ::close(in[1]);
    if (bytes == 104) {
      CHECK(receive_frame(*link) == frame_of(100));
      CHECK_FALSE(link->receive());
    } else {
      CHECK(error_of([&] { link->receive(); }).is(Errc::truncated));
    }
    for (const int fd : {in[0], out[0], out[1]}) ::close(fd);
  }
}

TEST_CASE("a reader that went away is an error and no signal", "[stdio]") {
  int in[2];
  int out[2];
  REQUIRE(::pipe2(in, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
  REQUIRE(std::signal(SIGPIPE, SIG_DFL) != SIG_ERR);
  IoThreads io;
  const auto link = make_stdio_link(io, in[0], out[1]);
  ::close(out[0]);
  CHECK(error_of([&] {
          for (;;) link->send(frame_of(10));
        }).is(Errc::disconnected));
  // What they said before still comes.
  REQUIRE(::write(in[1], frame_of(7).data(), 11) == 11);
  CHECK(receive_frame(*link) == frame_of(7));
  for (const int fd : {in[0], in[1], out[1]}) ::close(fd);
}

TEST_CASE("silence over a pipe has its limit too, and keepalives pass", "[stdio]") {
  LinkOptions options;
  options.keepalive_interval = 20ms;
  options.silence_limit = 5s;
  PipePair pair(options);
  while (pair.here->received_bytes() < 12) std::this_thread::yield();
  CHECK_FALSE(pair.here->has_input());

  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  options.silence_limit = 100ms;
  const auto lonely = make_stdio_link(pair.io, fds[0], fds[0], options);
  CHECK(error_of([&] { lonely->receive(); }).is_errno(ETIMEDOUT));
  for (const int fd : fds) ::close(fd);
}

TEST_CASE("a child is spoken to over its standard input and output", "[stdio]") {
  IoThreads io;
  auto cat = spawn_link(io, {"cat"});
  for (std::uint32_t k = 0; k < 10; ++k) {
    cat.link->send(frame_of(100'000, k));
    CHECK((receive_frame(*cat.link) == frame_of(100'000, k)));
  }
  CHECK_FALSE(cat.child.wait(0ms));
  cat.link.reset();
  CHECK(cat.child.wait(60s) == ExitStatus{0, 0});
  CHECK(cat.child.wait(0ms) == ExitStatus{0, 0});
}

TEST_CASE("a program that serves over its standard output cannot print between frames", "[stdio]") {
  IoThreads io;
  auto echo = spawn_link(io, {SYNCLINE_STDIO_ECHO});
  for (std::uint32_t k = 0; k < 10; ++k) {
    echo.link->send(frame_of(50'000, k));
    CHECK((receive_frame(*echo.link) == frame_of(50'000, k)));
  }
  echo.link.reset();
  CHECK(echo.child.wait(60s) == ExitStatus{5, 0});
}

TEST_CASE("how a child ended is known", "[stdio]") {
  IoThreads io;
  CHECK(spawn_link(io, {"sh", "-c", "exit 3"}).child.wait(60s) == ExitStatus{3, 0});
  CHECK(spawn_link(io, {"sh", "-c", "kill -KILL $$"}).child.wait(60s) == ExitStatus{-1, SIGKILL});
  auto gone = spawn_link(io, {"true"});
  CHECK_FALSE(gone.link->receive());
  CHECK(error_of([&] { spawn_link(io, {"no-such-program-here"}); }).is_errno(ENOENT));
  CHECK(error_of([&] { spawn_link(io, {}); }).is(Errc::usage));
}

TEST_CASE("the last line that a child says is known, as far as a limit", "[stdio][limits]") {
  IoThreads io;
  const auto said = [&](const std::string& script, std::chrono::milliseconds limit = 60s) {
    return spawn_link(io, {"sh", "-c", script}).errors->last_line(limit);
  };
  CHECK(said("echo one >&2; echo two >&2; echo >&2") == "two");
  CHECK(said("printf 'one\\r\\nno end' >&2") == "no end");
  CHECK(said("exit 1").empty());
  const auto so_long = [&](std::size_t count) {
    return said("head -c " + std::to_string(count) + " /dev/zero | tr '\\0' x >&2").size();
  };
  CHECK(so_long(limits::tapped_line_bytes_max) == limits::tapped_line_bytes_max);
  CHECK(so_long(limits::tapped_line_bytes_max + 1) == limits::tapped_line_bytes_max);
  // Somebody who holds it open does not hold us up.
  CHECK(said("echo x >&2; sleep 20 & exit 1", 300ms) == "x");
}

TEST_CASE("a child inherits three descriptors and no blocked or ignored signal", "[stdio]") {
  IoThreads io;
  const int open = ::fcntl(0, F_DUPFD, 100);  // not close-on-exec
  // ls itself opens the directory that it lists.
  CHECK(spawn_link(io, {"sh", "-c", "exit $(ls /proc/self/fd | wc -l)"}).child.wait(60s) == ExitStatus{4, 0});
  ::close(open);
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  CHECK(spawn_link(io, {"sh", "-c", "kill -PIPE $$; exit 1"}).child.wait(60s) == ExitStatus{-1, SIGPIPE});
  std::signal(SIGPIPE, before);
}

TEST_CASE("a child that will not go is made to", "[stdio]") {
  IoThreads io;
  pid_t pid = -1;
  {
    auto sleeper = spawn_link(io, {"sleep", "1000"});
    pid = sleeper.child.pid();
    CHECK_FALSE(sleeper.child.wait(10ms));
    CHECK(::kill(pid, 0) == 0);
    sleeper.link->abort();
  }
  CHECK(::kill(pid, 0) != 0);
}

}  // namespace
}  // namespace syncline::net
