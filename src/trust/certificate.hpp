// SPDX-License-Identifier: Apache-2.0
// Private to src/trust: Ed25519 keys and the self-signed certificates around them, in PEM.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "trust/fingerprint.hpp"
#include "trust/openssl.hpp"

namespace syncline::trust {

/// 32 random bytes are an Ed25519 private key (RFC 8032 5.1.5).
using KeySeed = std::array<std::byte, 32>;

struct KeyAndCertificate {
  std::string private_key_pem;  ///< PKCS #8, not encrypted
  std::string certificate_pem;
  Fingerprint fingerprint;
};

/// Throws Error(malformed) for a certificate without a key.
Fingerprint fingerprint_of(X509* certificate);

/// The certificate is a function of the key: Ed25519 signatures are deterministic, the serial number comes
/// from the fingerprint, the dates are constants.
KeyAndCertificate make_certified_key(const KeySeed& seed);

/// Reads the one PRIVATE KEY and the one CERTIFICATE of `pem`, in either order; text around them is
/// ignored. Throws Error(malformed | unsupported | corrupt | untrusted) whose context says what is wrong with
/// them, for the caller to put the path before it.
KeyAndCertificate read_certified_key(std::string_view pem);

}  // namespace syncline::trust
