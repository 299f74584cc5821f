// SPDX-License-Identifier: Apache-2.0
// The client's end of pairing.
#pragma once

#include <optional>
#include <string>

#include "sync/remote_place.hpp"
#include "sync/replica.hpp"
#include "trust/fingerprint.hpp"
#include "trust/grants.hpp"

namespace syncline::remote {

struct PairResult {
  trust::Fingerprint server;
  std::string share;
  trust::Right right = trust::Right::read;
};

/// Shows the server at `place` that we know `code`, checks that it knows it too, and pins its key. Throws
/// Error(untrusted) for a wrong or expired code, and for a server that does not know it: then nothing is
/// pinned.
PairResult pair(const sync::World& world, const sync::RemotePlace& place, const std::string& code,
                const std::optional<std::string>& config_dir);

}  // namespace syncline::remote
