// SPDX-License-Identifier: Apache-2.0
// The copy engine with its outside world given: what the public copy() and the tests call.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "sync/replica.hpp"
#include "syncline/copy.hpp"
#include "wire/transport.hpp"

namespace syncline::sync {

/// Both ends of the connection of a session: the sender's and the receiver's.
using MakeLink =
    std::function<std::pair<std::unique_ptr<wire::Transport>, std::unique_ptr<wire::Transport>>()>;

struct Standing;

/// `standing`: of the round before and for the next one, where there are any.
CopyReport run_copy(const World& source_world, const World& target_world, const CopyOptions& options,
                    const CopyObserver& observer, const MakeLink& make_link = wire::make_pipe,
                    Standing* standing = nullptr);

}  // namespace syncline::sync
