// SPDX-License-Identifier: Apache-2.0
// The one exchange that is no session: a client that is not known shows a code. Recorded above TLS, whose
// exporter and keys are given here.
#pragma once

#include <string>

#include "players.hpp"
#include "recording.hpp"

namespace syncline::test {

inline constexpr const char* pairing_name = "pair";

RecordedConnection record_pairing();
Played pair_with_live_server(const RecordedConnection& connection);
/// `report`: what a live client was told.
Played pair_with_live_client(const RecordedConnection& connection, std::string& report);

}  // namespace syncline::test
