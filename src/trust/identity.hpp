// SPDX-License-Identifier: Apache-2.0
// The key and the certificate by which an installation is known to the ones it talks to.
#pragma once

#include <optional>
#include <string>

#include "base/world.hpp"
#include "fs/fs.hpp"
#include "trust/fingerprint.hpp"

namespace syncline::trust {

/// DIR/identity.pem (docs/format/trust.md): an Ed25519 key and a self-signed certificate. Whoever has the
/// file is the installation, so it is read only if nobody else can read it, and never replaced: with
/// another key every pin and every grant elsewhere would be void.
class Identity {
 public:
  /// What is there, else a new one. The file appears in one step: of two processes at once both
  /// end up with the same identity. Throws as load; system errors name the path.
  static Identity load_or_create(fs::Fs& files, const std::string& dir, Random& random = system_random());
  /// Nothing where there is no file. Throws Error(untrusted) for a file that others can read or that
  /// belongs to another user, and for a key that does not fit its certificate; Error(malformed |
  /// corrupt) for a damaged one; Error(unsupported) for another kind of key. The message has the path and
  /// what to do.
  static std::optional<Identity> load(fs::Fs& files, const std::string& dir);

  Identity(Identity&&) noexcept = default;
  Identity& operator=(Identity&& other) noexcept;
  ~Identity();

  const Fingerprint& fingerprint() const { return fingerprint_; }
  const std::string& certificate_pem() const { return certificate_pem_; }
  /// PKCS #8 without a password; wiped when this object goes.
  const std::string& private_key_pem() const { return private_key_pem_; }

 private:
  Identity() = default;

  Fingerprint fingerprint_;
  std::string certificate_pem_;
  std::string private_key_pem_;
};

}  // namespace syncline::trust
