// SPDX-License-Identifier: Apache-2.0
// A copy whose source or destination is another machine: the client's end.
#pragma once

#include <functional>
#include <memory>

#include "sync/remote_place.hpp"
#include "sync/replica.hpp"
#include "syncline/copy.hpp"
#include "wire/transport.hpp"

namespace syncline::sync {

/// Connects to where `place` is. Blocks; throws Error. Bytes of the handshake count as sent and received.
using Dial = std::function<std::unique_ptr<wire::Transport>(const RemotePlace& place)>;

/// True when a path of `options` names a place on another machine.
bool is_remote(const CopyOptions& options);

struct Standing;

/// As run_copy(). A connection that breaks is dialled again, options.retries times without progress in
/// between, after a pause that grows; what was transferred is not sent again.
CopyReport run_remote_copy(const World& world, const CopyOptions& options, const CopyObserver& observer,
                           const Dial& dial, Standing* standing = nullptr);

}  // namespace syncline::sync
