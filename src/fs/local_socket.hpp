// SPDX-License-Identifier: Apache-2.0
// Stream sockets that have a name in a directory (unix(7)).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "fs/fd.hpp"
#include "fs/fs.hpp"

namespace syncline::fs {

/// Listens at `name`, which must not be there (EADDRINUSE), with mode 0600. However long the path of the
/// directory is: what is used in its place fits into a socket's address. Close the name with Dir::unlink.
Fd listen_local(Dir& dir, const std::string& name);

/// Nothing where nobody listens: there is no such name, or it is left over from one who is gone. `dir` is the
/// Linux file system's. Waits at most a second for a place in the queue of a listener (EAGAIN after that).
std::optional<Fd> connect_local(const Dir& dir, const std::string& name);

/// The user who runs the other end.
std::uint32_t peer_user(int connected);

}  // namespace syncline::fs
