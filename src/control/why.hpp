// SPDX-License-Identifier: Apache-2.0
// How one path of a watched tree stands.
#pragma once

#include <string>

#include "control/watch_desk.hpp"

namespace syncline::control {

/// An answer of type "why" with one "verdict" of `path` below the source. Where that is on another machine
/// only what is here can be looked at, and a change there that is not copied yet may be of any path. Throws
/// Error(malformed) for what is no path.
Json why_answer(fs::Fs& files, const watch::Board& board, const Watched& watched, const std::string& path,
                const IgnoredBy& ignored_by);

/// Side, cause and since when.
void put_failing(Json& record, const watch::FailingEntry& entry);

}  // namespace syncline::control
