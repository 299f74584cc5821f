// SPDX-License-Identifier: Apache-2.0
// Links over descriptors, and the start of a child.
#include "net/stdio.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <cerrno>

#include "net/descriptor_stream.hpp"
#include "net/fd.hpp"
#include "net/io_thread.hpp"

extern char** environ;

namespace syncline::net {
namespace {

constexpr int first_free_fd = 3;  // above the standard ones, which a child replaces
constexpr int pipe_bytes = 1024 * 1024;

Fd duplicate(int fd) {
  Fd out(::fcntl(fd, F_DUPFD_CLOEXEC, first_free_fd));
  if (out.get() < 0) throw_errno("descriptor " + std::to_string(fd));
  return out;
}

struct Pipe {
  Fd read;
  Fd write;
};

Pipe make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) throw_errno("pipe");
  const Fd read(fds[0]);
  const Fd write(fds[1]);
  ::fcntl(fds[1], F_SETPIPE_SZ, pipe_bytes);  // may be refused; fewer wake-ups if not
  return {duplicate(read.get()), duplicate(write.get())};
}

std::unique_ptr<Link> link_over(IoThreads& threads, Fd in, Fd out, const LinkOptions& options) {
  auto thread = threads.next();
  auto stream = std::make_unique<DescriptorStream>(*thread, std::move(in), std::move(out));
  return std::make_unique<Link>(std::move(thread), std::move(stream), options);
}

/// The descriptors and signals that a child starts with.
class SpawnRules {
 public:
  SpawnRules(int in_fd, int out_fd) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawn_file_actions_adddup2(&actions_, in_fd, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, out_fd, STDOUT_FILENO);
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, first_free_fd);
#endif
#endif
    sigset_t none;
    sigset_t defaults;
    ::sigemptyset(&none);
    ::sigemptyset(&defaults);
    ::sigaddset(&defaults, SIGPIPE);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnRules() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnRules(const SpawnRules&) = delete;
  SpawnRules& operator=(const SpawnRules&) = delete;
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

pid_t spawn(const std::vector<std::string>& argv, int in_fd, int out_fd) {
  if (argv.empty()) throw Error(Errc::usage, "an empty command");
  std::vector<char*> arguments;
  arguments.reserve(argv.size() + 1);
  for (const auto& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const SpawnRules rules(in_fd, out_fd);
  pid_t pid = -1;
  const int failed =
      ::posix_spawnp(&pid, arguments[0], rules.actions(), rules.attributes(), arguments.data(), environ);
  if (failed != 0) throw Error(failed, "command '" + escape_name(argv[0]) + "'");
  return pid;
}

}  // namespace

std::unique_ptr<Link> make_stdio_link(IoThreads& threads, int in_fd, int out_fd, const LinkOptions& options) {
  auto in = duplicate(in_fd);
  auto out = duplicate(out_fd);
  return link_over(threads, std::move(in), std::move(out), options);
}

std::unique_ptr<Link> take_stdio_link(IoThreads& threads, const LinkOptions& options) {
  auto in = duplicate(STDIN_FILENO);
  auto out = duplicate(STDOUT_FILENO);
  const auto empty = make_pipe();
  if (::dup2(empty.read.get(), STDIN_FILENO) < 0) throw_errno("standard input");
  if (::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) throw_errno("standard output");
  return link_over(threads, std::move(in), std::move(out), options);
}

Spawned spawn_link(IoThreads& threads, const std::vector<std::string>& argv, const LinkOptions& options) {
  auto to_child = make_pipe();
  auto from_child = make_pipe();
  Child child(spawn(argv, to_child.read.get(), from_child.write.get()));
  auto link = link_over(threads, std::move(from_child.read), std::move(to_child.write), options);
  return {std::move(child), std::move(link)};
}

}  // namespace syncline::net
