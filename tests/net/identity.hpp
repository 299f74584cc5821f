// SPDX-License-Identifier: Apache-2.0
// Self-signed identities, made afresh.
#pragma once

#include <string>

#include "net/tls.hpp"

namespace syncline::test {

/// A new Ed25519 key with a certificate of the least that X.509 asks for. `padding_bytes` more of a comment
/// in it.
net::TlsIdentity make_identity(std::size_t padding_bytes = 0);

}  // namespace syncline::test
