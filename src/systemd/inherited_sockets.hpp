// SPDX-License-Identifier: Apache-2.0
// Socket activation (sd_listen_fds(3)): listening sockets that the service manager opened.
#pragma once

#include <string>
#include <vector>

#include "fs/fd.hpp"

namespace syncline::systemd {

struct InheritedSocket {
  fs::Fd fd;         ///< listens already; closes on exec
  std::string name;  ///< FileDescriptorName= of the unit; systemd's own default is the unit's name
};

/// The sockets of $LISTEN_FDS, if $LISTEN_PID is this process; then they replace `listen` of the
/// configuration. Removes $LISTEN_FDS, $LISTEN_PID and $LISTEN_FDNAMES in any case. Call it once, before
/// anything else opens descriptors and while the process has one thread. Throws Error(usage) for
/// numbers that are none, more than limits::inherited_sockets_max, and for a descriptor that is not
/// a listening stream socket (Accept=yes in the unit).
std::vector<InheritedSocket> take_inherited_sockets();

}  // namespace syncline::systemd
