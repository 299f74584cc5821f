// SPDX-License-Identifier: Apache-2.0
// Where OpenSSL's types meet ours. Internal to src/net.
#pragma once

#include <openssl/err.h>
#include <openssl/x509.h>

#include <string>

#include "base/error.hpp"
#include "net/tls.hpp"

namespace syncline::net {

PeerKey key_of(const x509_st* certificate);

/// The oldest error of this thread's OpenSSL queue, which is emptied: the one that was the cause.
Error tls_error();

}  // namespace syncline::net
