// SPDX-License-Identifier: Apache-2.0
// The server's open pairing codes. What a code is worth, and why: trust/pair_proof.hpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "base/world.hpp"
#include "trust/grants.hpp"
#include "trust/pair_proof.hpp"
#include "trust/text_file.hpp"

namespace syncline::trust {

/// What the client gets that shows a code, once its key is known.
struct PendingGrant {
  std::string share{every_share};
  Right right = Right::write;
  std::string name;
  bool operator==(const PendingGrant&) const = default;
};

/// An open code as the server's owner may see it again: without the code.
struct OpenPairing {
  PendingGrant grant;
  std::int64_t expires_at_s = 0;  ///< since the epoch
  int attempts_left = 0;
  bool operator==(const OpenPairing&) const = default;
};

enum class PairOutcome {
  accepted,
  wrong,      ///< it fits no code, and every code has an attempt less
  expired,    ///< it fits a code that was right until lately: make a new one
  none_open,  ///< there is no code that it could fit
};

struct Redemption {
  PairOutcome outcome = PairOutcome::none_open;
  PendingGrant grant;        ///< accepted: for the caller to write into Grants under the client's key
  PairProof server_proof{};  ///< accepted: to be sent after that; else zeros
};

/// STATE/pairing (docs/format/trust.md), 0600. Every call reads the file: `pair` on the command line makes a
/// code that a running server takes. Safe from several threads and processes. A damaged file throws
/// Error(malformed) and no code is good.
class PairingCodes {
 public:
  /// All three must outlive it. Nothing is read or made yet.
  PairingCodes(fs::Fs& files, const Clock& clock, Random& random, const std::string& state_dir);

  /// A new code for whoever shows it first. Throws Error(limit_exceeded) when limits::pairing_codes_max codes
  /// are open, Error(usage) for a grant that cannot be written down or a lifetime of less than a second or
  /// more than limits::pairing_lifetime_s_max.
  std::string create(const PendingGrant& grant, std::chrono::seconds lifetime =
                                                    std::chrono::seconds(limits::pairing_lifetime_s_default));

  /// Looks for the code that `client_proof` was made with on `session` and, if it is open, uses it up. Of
  /// several redemptions of one code exactly one is accepted. Whatever comes out is on disk before it
  /// returns; if that fails it throws and the caller tells the client nothing.
  ///
  /// Costs 50 ms for each code in the file, under the lock that create() takes too: call it on a thread that
  /// may block, for few clients at once. Unknown clients cannot make that more than
  /// limits::pairing_attempts_max times, because then no code is left and the call is one look at an empty
  /// file. (They can thus spoil pairing, which needs a person at both ends, but nothing else.)
  Redemption redeem(const PairProof& client_proof, const PairSession& session);

  std::vector<OpenPairing> list() const;
  /// Voids all codes; how many were open.
  std::size_t close_all();

  const std::string& path() const { return file_.path(); }

 private:
  std::int64_t now_s() const;

  const Clock& clock_;
  Random& random_;
  TextFile file_;
};

}  // namespace syncline::trust
