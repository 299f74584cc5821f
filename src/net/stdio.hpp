// SPDX-License-Identifier: Apache-2.0
// Links over pipes: to a child, or to whoever started this process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "child/child.hpp"
#include "net/error_tap.hpp"
#include "net/io_threads.hpp"
#include "net/link.hpp"

namespace syncline::net {

/// A link that reads from `in_fd` and writes to `out_fd`: pipes, sockets or terminals, which may be the same.
/// They are duplicated and stay the caller's; for the other side to see the end, the caller has to close them
/// too. While the link lives they do not block, for whoever shares them either. Throws Error(errno).
std::unique_ptr<Link> make_stdio_link(IoThreads& threads, int in_fd, int out_fd,
                                      const LinkOptions& options = {});

/// A link over standard input and output of this process, which it takes away: from now on standard input is
/// empty and what is printed goes to standard error, so that it cannot get between frames.
std::unique_ptr<Link> take_stdio_link(IoThreads& threads, const LinkOptions& options = {});

struct Spawned {
  std::unique_ptr<ErrorTap> errors;  ///< destroyed last: it passes on what the child says at its end
  child::Child child;
  std::unique_ptr<Link> link;  ///< destroyed first: the child sees the end of its input
};

/// Starts `argv` (searched in PATH) with pipes as its standard input and output; what it says on standard
/// error is passed on to ours. Throws Error(errno) with argv[0] when it cannot be started.
Spawned spawn_link(IoThreads& threads, const std::vector<std::string>& argv, const LinkOptions& options = {});

}  // namespace syncline::net
