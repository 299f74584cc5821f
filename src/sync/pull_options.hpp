// SPDX-License-Identifier: Apache-2.0
// The options of a copy whose sender is the server, on their way to it.
#pragma once

#include "sync/identity.hpp"
#include "syncline/copy.hpp"
#include "wire/messages.hpp"

namespace syncline::sync {

/// `owners`: what --chown gave. Owners are numbers from here on. `now_ns`: when a timetable of rates begins
/// to count over there.
wire::PullOptions pull_options(const CopyOptions& options, const IdentityRules& owners, std::int64_t now_ns);

/// Of one that is followed by others. `source`: as the summary of the one before told it. Of the names of
/// recent files limits::round_names_bytes_max are told; of what was changed the rest as a number.
wire::PullRound pull_round(const CopyOptions& options, const wire::SourceId& source);

/// Of a client: throws Error(limit_exceeded) where its lists, which are kept for as long as the session
/// takes, are longer than that, or its paths of mounts than limits::mount_names_bytes_max.
void check_round(const wire::PullRound& round);

/// The other way round; of `owners` the numbers are set.
CopyOptions copy_options(const wire::Open& open, IdentityRules& owners);

}  // namespace syncline::sync
