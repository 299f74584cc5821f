// SPDX-License-Identifier: Apache-2.0
// Users and groups by name: what those of the sender's tree are at the receiver.
#pragma once

#include "base/accounts.hpp"
#include "sync/identity.hpp"

namespace syncline::sync {

struct OwnerQuestion {
  bool users = true;
  bool groups = true;
  bool by_name = true;  ///< else numbers stay as they are
};

/// The users and groups of the tree, as `rules` take them to be at the receiver so far. Root stays root; what
/// has no name here, and what is beyond limits::owners_max, stays a number.
wire::Owners owners_of(const Tree& tree, const IdentityRules& rules, const Accounts& accounts,
                       const OwnerQuestion& question);
/// What they are on this machine. `privileged`: every group can be set.
wire::OwnerIds ids_of(const wire::Owners& owners, const Accounts& accounts, bool privileged);
bool as_expected(const wire::Owners& owners, const wire::OwnerIds& ids);
/// Takes over an answer. Throws Error(protocol) if it does not fit the question.
void take_ids(OwnerMap& map, const wire::Owners& owners, const wire::OwnerIds& ids);

/// To keep it; the other way round anything that does not decode is an empty map.
Bytes encode_owners(const OwnerMap& map);
OwnerMap decode_owners(ByteView coded);

}  // namespace syncline::sync
