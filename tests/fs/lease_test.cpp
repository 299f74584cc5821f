// SPDX-License-Identifier: Apache-2.0
// Leases tell who has a file open; breaking one harms nobody.
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/limits.hpp"
#include "expect.hpp"
#include "support/catch.hpp"
#include "support/child.hpp"
#include "support/temp_dir.hpp"

using namespace syncline;
using namespace syncline::test;

namespace {

/// A process that opens `path` when it is told to and exits 0 once it has it. It is started before
/// the lease is taken: a forked copy of the leased descriptor would keep the lease alive.
class Opener {
 public:
  Opener(const std::string& path, int flags) {
    if (::pipe(start_) != 0) throw std::runtime_error("pipe");
    std::fflush(nullptr);
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // not left waiting when the holder dies
    char go = 0;
    const bool told = ::read(start_[0], &go, 1) == 1;
    ::_exit(told && ::open(path.c_str(), flags) >= 0 ? 0 : 1);
  }
  Opener(const Opener&) = delete;
  Opener& operator=(const Opener&) = delete;
  ~Opener() {
    ::close(start_[0]);
    ::close(start_[1]);
  }
  pid_t start() const {
    if (::write(start_[1], "g", 1) != 1) throw std::runtime_error("write");
    return pid_;
  }

 private:
  int start_[2];
  pid_t pid_ = -1;
};

int exit_code(pid_t pid) {
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

constexpr int no_leases = 77;

/// Of a process that returned 0 for all that it wanted to see.
template <class Result>
void check_holder(const Result& result) {
  if (result.exit_code == no_leases) {
    WARN("no leases on this file system");
    return;
  }
  CHECK(result.signal == 0);
  CHECK(result.exit_code == 0);
}

}  // namespace

TEST_CASE("a lease is refused while anybody has the file open", "[fs]") {
  TempDir temp;
  temp.write("f", "x");
  auto dir = temp.open();
  auto reader = dir->open_read("f");
  {
    auto writer = dir->open_write("f");
    CHECK_FALSE(writer->try_lease());
  }
  reader.reset();
  auto writer = dir->open_write("f");
  CHECK(writer->try_lease());
  CHECK(writer->try_lease());
}

TEST_CASE("an opener waits for the end of the lease and kills nobody", "[fs]") {
  TempDir temp;
  temp.write("f", "x");
  auto dir = temp.open();
  // The holder is a process of its own: a signal that kills would end it.
  const auto result = run_in_child([&] {
    for (const int sig : {SIGIO, SIGURG}) ::signal(sig, SIG_DFL);
    // O_NONBLOCK starts the break and comes back at once: the signal, if any, is sent by then.
    const Opener hasty_reader(temp.path("f"), O_RDONLY | O_NONBLOCK);
    const Opener hasty_writer(temp.path("f"), O_RDWR | O_NONBLOCK);
    const Opener patient(temp.path("f"), O_RDONLY);
    auto file = dir->open_write("f");
    if (!file->try_lease()) return no_leases;
    if (exit_code(hasty_reader.start()) != 1) return 1;
    if (exit_code(hasty_writer.start()) != 1) return 2;
    const pid_t opener = patient.start();
    file->pwrite(as_bytes("y"), 0);
    int status = 0;
    ::usleep(20'000);
    if (::waitpid(opener, &status, WNOHANG) != 0) return 3;  // it must still wait
    file.reset();
    return exit_code(opener) == 0 ? 0 : 4;
  });
  check_holder(result);
  if (result.exit_code == 0) CHECK(temp.read("f") == "y");
}

TEST_CASE("a lease is kept a little while somebody waits, and not for long", "[fs]") {
  TempDir temp;
  temp.write("f", "x");
  auto dir = temp.open();
  const int flags = GENERATE(O_RDONLY, O_RDWR);
  const auto result = run_in_child([&] {
    const Opener patient(temp.path("f"), flags);
    auto file = dir->open_write("f");
    const auto leased_at = std::chrono::steady_clock::now();
    if (!file->try_lease()) return no_leases;
    const pid_t opener = patient.start();
    ::usleep(50'000);
    const bool is_held = file->try_lease();
    // A machine that sleeps is no reason to fail.
    if (!is_held && std::chrono::steady_clock::now() - leased_at < limits::lease_hold) return 1;
    std::this_thread::sleep_for(limits::lease_hold);
    if (file->try_lease()) return 2;
    int status = 0;
    if (::waitpid(opener, &status, WNOHANG) != 0) return 3;  // it must still wait
    file.reset();
    return exit_code(opener) == 0 ? 0 : 4;
  });
  check_holder(result);
}

TEST_CASE("a file leased by another process is opened once that one is done", "[fs]") {
  TempDir temp;
  temp.write("f", "old");
  auto dir = temp.open();
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  std::fflush(nullptr);
  const pid_t holder = ::fork();
  if (holder == 0) {
    auto file = dir->open_write("f");
    const char told = file->try_lease() ? 'y' : 'n';
    if (::write(ready[1], &told, 1) != 1) ::_exit(1);
    ::usleep(50'000);
    file->pwrite(as_bytes("new"), 0);
    ::_exit(0);
  }
  char told = 0;
  REQUIRE(::read(ready[0], &told, 1) == 1);
  if (told == 'y') CHECK(content(*dir->open_read("f")) == "new");
  CHECK(exit_code(holder) == 0);
  ::close(ready[0]);
  ::close(ready[1]);
}
