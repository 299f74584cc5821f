// SPDX-License-Identifier: Apache-2.0
// Which key a server was found to have: the pins of the client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "trust/fingerprint.hpp"
#include "trust/text_file.hpp"

namespace syncline::trust {

/// What pin() does about another key that is pinned for the same place.
enum class OtherPin { refuse, replace };

/// DIR/known_servers (docs/format/trust.md), which a person may edit. Every call reads the file; calls
/// from several threads and processes do not lose each other's changes. A line that cannot be read
/// makes every call throw Error(malformed) with path and line number: guessing around it could hide a pin.
///
/// Hosts are compared without regard to case, IPv6 addresses by value (with or without brackets); names are
/// not resolved. Bad ones and port 0 are Error(usage).
class KnownServers {
 public:
  /// `files` must outlive it. Nothing is read or made yet.
  KnownServers(fs::Fs& files, const std::string& dir);

  /// Nothing: this server has never been met, and nobody may talk to it before pin() has had its key from
  /// a person or from pairing. Never pin what a connection happens to show.
  std::optional<Fingerprint> lookup(const std::string& host, std::uint16_t port) const;
  /// Durable when it returns. Throws Error(untrusted), with both keys and what to do, when another key
  /// is pinned there and `other` says refuse.
  void pin(const std::string& host, std::uint16_t port, const Fingerprint& key,
           OtherPin other = OtherPin::refuse);
  /// False when there was no pin.
  bool forget(const std::string& host, std::uint16_t port);

  const std::string& path() const { return file_.path(); }

 private:
  TextFile file_;
};

/// "HOST:PORT" as the file has it: host in lower case, IPv6 in brackets in its shortest form. Throws
/// Error(usage).
std::string server_place(const std::string& host, std::uint16_t port);

}  // namespace syncline::trust
