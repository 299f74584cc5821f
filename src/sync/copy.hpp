// SPDX-License-Identifier: Apache-2.0
// The copy engine with its outside world given: what the public copy() and the tests call.
#pragma once

#include "sync/replica.hpp"
#include "syncline/copy.hpp"

namespace syncline::sync {

CopyReport run_copy(const World& source_world, const World& target_world, const CopyOptions& options,
                    const CopyObserver& observer);

}  // namespace syncline::sync
