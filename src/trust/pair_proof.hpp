// SPDX-License-Identifier: Apache-2.0
// One-time pairing codes and the proofs by which both sides show that they know the same one.
//
// Pairing is the only time that two installations talk without knowing each other's key. A person carries
// a code from the server to the client; each side then proves, over the TLS connection between
// them, that it knows the code. A proof covers the two keys and the exporter of that very connection (RFC
// 8446 7.5), so that somebody in the middle, who has one connection with each side, cannot pass it on: his
// two connections have different exporters, and he ends each with a key of his own.
//
// Why no PAKE is needed. What he in the middle does get is the client's proof for a connection whose
// exporter he knows: something to try codes against, at his leisure. With a code of six digits that would be
// the end, and a PAKE (SPAKE2, OPAQUE) would be the remedy. Here the code has 80 random bits, chosen by a
// machine, and every try costs one scrypt of 16 MiB and some 50 ms, salted with the exporter, so nothing can
// be computed ahead or shared between victims. 2^79 tries on average are 10^15 years of one core, for a
// code that is void after ten minutes, after its first use and after three wrong proofs: what would be found
// is worth nothing by then. The server gives its own proof only in answer to a right one. In return all of
// it are primitives that every OpenSSL has.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/world.hpp"
#include "trust/fingerprint.hpp"

namespace syncline::trust {

/// Label for SSL_export_keying_material (no context, 32 bytes). RFC 5705 4 leaves what begins so to anybody.
inline constexpr std::string_view pair_exporter_label = "EXPERIMENTAL-syncline-pair-1";

/// 80 random bits as XXXX-XXXX-XXXX-XXXX in Crockford's base32 (no I, L, O, U).
std::string make_pair_code(Random& random);
/// The one form of a code out of what a person typed: case, dashes and blanks do not matter, O counts as 0,
/// I and L as 1. Throws Error(usage), which does not repeat the text, for anything that is not a code.
std::string parse_pair_code(std::string_view typed);

enum class ProofSide : unsigned char { client = 1, server = 2 };

/// One TLS connection as both of its ends see it.
struct PairSession {
  std::array<std::byte, 32> exporter{};
  Fingerprint client;
  Fingerprint server;
};

using PairProof = std::array<std::byte, 32>;

/// HMAC-SHA-256 under scrypt(the 16 digits of the code, salt = exporter, N = 2^14, r = 8, p = 1) of "syncline
/// pairing proof 1", one byte for the side, the client's and the server's fingerprint. About 50 ms and 16
/// MiB; for a thread that may be busy so long. Throws Error(usage) for what is not a code.
PairProof pair_proof(std::string_view code, ProofSide side, const PairSession& session);

/// In constant time. The client compares the server's answer with its own pair_proof(code, ProofSide::server,
/// ...) and pins the server's key only if they are equal.
bool equal_proofs(const PairProof& a, const PairProof& b);

/// Both proofs of one code for the price of one.
struct ProofPair {
  PairProof client;
  PairProof server;
};
ProofPair pair_proofs(std::string_view code, const PairSession& session);

}  // namespace syncline::trust
