// SPDX-License-Identifier: Apache-2.0
// Who a peer is, and how TLS is spoken: version 1.3, both sides with a pinned key, nothing resumed.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

struct ssl_ctx_st;

namespace syncline::net {

/// SHA-256 of the SubjectPublicKeyInfo (DER) of a certificate: who somebody is. Nothing else in it matters.
using PeerKey = std::array<std::byte, 32>;
/// Is this a key to talk to?
using AcceptKey = std::function<bool(const PeerKey&)>;

/// A self-signed certificate and its private key (Ed25519; P-256 will do), both PEM.
struct TlsIdentity {
  std::string certificate_pem;
  std::string private_key_pem;
};

/// Throws Error(malformed) unless the certificate can be read.
PeerKey key_of(const TlsIdentity& identity);

/// What all connections of one side share. Thread-safe.
class TlsContext {
 public:
  enum class Role { client, server };
  /// Throws Error(malformed) when the identity cannot be read or its parts do not belong together.
  TlsContext(const TlsIdentity& identity, Role role);
  ssl_ctx_st* native() const { return context_.get(); }
  Role role() const { return role_; }

 private:
  std::shared_ptr<ssl_ctx_st> context_;
  Role role_;
};

}  // namespace syncline::net
