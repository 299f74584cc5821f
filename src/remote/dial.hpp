// SPDX-License-Identifier: Apache-2.0
// Connections to other machines, as the options of a copy want them.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "net/connection.hpp"
#include "net/io_threads.hpp"
#include "sync/remote_place.hpp"
#include "sync/replica.hpp"
#include "syncline/copy.hpp"
#include "wire/transport.hpp"

namespace syncline::remote {

/// Dials with this installation's identity, which is made on the first use.
class Dialer {
 public:
  /// All must outlive it.
  Dialer(const sync::World& world, const CopyOptions& options) : world_(world), options_(options) {}

  /// Throws Error(untrusted) for a server whose key is not pinned or is another one; the text says what to
  /// do. A server over ssh is whatever ssh leads to.
  std::unique_ptr<wire::Transport> dial(const sync::RemotePlace& place);

 private:
  std::unique_ptr<wire::Transport> dial_server(const sync::RemotePlace& place);
  std::unique_ptr<wire::Transport> dial_ssh(const sync::RemotePlace& place);

  const sync::World& world_;
  const CopyOptions& options_;
  net::IoThreads threads_;
};

}  // namespace syncline::remote
