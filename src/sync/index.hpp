// SPDX-License-Identifier: Apache-2.0
// Giving files their manifests outside of a transfer.
#pragma once

#include <atomic>
#include <functional>

#include "sync/replica.hpp"

namespace syncline::sync {

/// Smaller files gain nothing from a stored manifest: as a whole they are one gap.
inline constexpr std::uint64_t index_bytes_min = 16 * 1024;

/// Imports every regular file of index_bytes_min or more, in directories that are not as recorded,
/// whose content is unknown. Files that cannot be read or change are left without; `check` may throw to stop.
void index_contents(Replica& replica, unsigned threads, std::atomic<std::uint64_t>& read_bytes,
                    const std::function<void()>& check);

/// Reads every regular file and settles what its content is, whatever its times say (checksum
/// comparison). Recomputes the tree's digests.
void verify_contents(Replica& replica, const IdentityRules& rules, unsigned threads,
                     std::atomic<std::uint64_t>& read_bytes, const std::function<void()>& check);

}  // namespace syncline::sync
