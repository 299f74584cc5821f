// SPDX-License-Identifier: Apache-2.0
// What an installation is called on the network: the digest of its public key.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace syncline::trust {

/// SHA-256 of a SubjectPublicKeyInfo in DER (RFC 5280 4.1). It names the key and not the certificate
/// around it: a certificate made anew for the same key keeps its fingerprint.
struct Fingerprint {
  std::array<std::byte, 32> bytes{};

  auto operator<=>(const Fingerprint&) const = default;
  /// "SHA256:" and 43 characters of base64url without padding (RFC 4648 5).
  std::string text() const;
  /// Takes exactly what text() gives: one form for one key, so texts may be compared as well. Throws
  /// Error(usage).
  static Fingerprint parse(std::string_view text);
};

/// Of the key in a certificate, whose signature and dates are not looked at. That the peer has the key too is
/// for TLS to show. Throws Error(malformed)
/// unless it is one X.509 certificate and nothing behind it.
Fingerprint fingerprint_of_certificate_der(ByteView der);
/// The same for the first CERTIFICATE of a PEM text.
Fingerprint fingerprint_of_certificate_pem(std::string_view pem);

}  // namespace syncline::trust
