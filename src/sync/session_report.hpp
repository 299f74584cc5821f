// SPDX-License-Identifier: Apache-2.0
// What sessions of one copy did, added up for the person.
#pragma once

#include "sync/events.hpp"
#include "sync/sender.hpp"

namespace syncline::sync {

/// Of a session whose sender was here.
void add_to_report(CopyReport& report, Counters& counters, SenderResult result, const Tree& tree);
/// Exit codes of what was held or left because of a limit, unless something worse happened.
void count_guards(Counters& counters, std::uint64_t held_count, bool delete_limit_reached);
/// Before a second session is begun, as the first one left something else than it was to. What that has
/// deleted counts for limits of deletions.
void prepare_another(Events& events, CopyOptions& options, const CopyReport& report);

}  // namespace syncline::sync
