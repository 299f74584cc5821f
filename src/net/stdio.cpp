// SPDX-License-Identifier: Apache-2.0
// Links over descriptors, and the start of a child.
#include "net/stdio.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "child/spawn.hpp"
#include "net/descriptor_stream.hpp"
#include "net/fd.hpp"
#include "net/io_thread.hpp"

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
  child::SpawnOptions spawn;
  spawn.argv = argv;
  spawn.in_fd = to_child.read.get();
  spawn.out_fd = from_child.write.get();
  auto errors = std::make_unique<ErrorTap>();
  spawn.err_fd = errors->write_fd();
  auto child = child::spawn(spawn);
  errors->start();
  auto link = link_over(threads, std::move(from_child.read), std::move(to_child.write), options);
  return {std::move(errors), std::move(child), std::move(link)};
}

}  // namespace syncline::net
