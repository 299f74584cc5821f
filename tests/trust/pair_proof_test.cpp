// SPDX-License-Identifier: Apache-2.0
// Pairing codes as people type them, and the proofs made with them.
#include "trust/pair_proof.hpp"

#include <set>

#include "samples.hpp"

using namespace syncline;
using namespace syncline::test;
using namespace syncline::trust;

namespace {

constexpr const char* sample_code = "0123-4567-89AB-CDEF";

PairSession sample_session() {
  PairSession out{{}, key_of(0xC1), key_of(0x5E)};
  for (unsigned k = 0; k < out.exporter.size(); ++k) out.exporter[k] = static_cast<std::byte>(k);
  return out;
}

}  // namespace

TEST_CASE("a pairing code has 80 random bits in Crockford's base32", "[trust]") {
  FakeRandom random(from_hex("00443214c74254b635cfffffffffffffffffffff"));
  CHECK(make_pair_code(random) == sample_code);
  CHECK(make_pair_code(random) == "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
  std::set<std::string> seen;
  for (int k = 0; k < 1000; ++k) {
    const auto code = make_pair_code(system_random());
    CHECK(parse_pair_code(code) == code);
    CHECK(seen.insert(code).second);
  }
}

TEST_CASE("a code may be typed in lower case, without dashes and with look-alikes", "[trust]") {
  for (const char* typed : {"0123456789ABCDEF", "o123-4567-89ab-cdef", "OI23456789abcdef",
                            "0L23 4567 89AB CDEF", "-0i2-345-6789ABCD--EF ", "0l23\t4567-89AB-CDEF"}) {
    CAPTURE(typed);
    CHECK(parse_pair_code(typed) == sample_code);
  }
  CHECK(parse_pair_code("ghjk-mnpq-rstv-wxyz") == "GHJK-MNPQ-RSTV-WXYZ");
}

TEST_CASE("what is no code is refused without being repeated", "[trust]") {
  for (const std::string typed :
       {"", "-", "0123-4567-89AB-CDE", "0123-4567-89AB-CDEF0", "0123-4567-89AB-CDEU", "0123-4567-89AB-CDE!",
        "0123-4567-89AB-CDE\xC3\xA9", "0123_4567_89AB_CDEF"}) {
    CAPTURE(typed);
    const auto error = error_of([&] { parse_pair_code(typed); });
    CHECK(error.is(Errc::usage));
    if (!typed.empty() && typed != "-") CHECK_FALSE(contains(error.what(), typed));
    CHECK(error_of([&] { pair_proof(typed, ProofSide::client, sample_session()); }).is(Errc::usage));
  }
  CHECK(error_of([&] { parse_pair_code(std::string(1 << 20, 'A')); }).is(Errc::usage));
}

// Computed with Python: hashlib.scrypt(b"0123456789ABCDEF", salt=bytes(range(32)), n=2**14, r=8, p=1,
// dklen=32) and hmac over b"syncline pairing proof 1", the side, 32 times C1, 32 times 5E.
TEST_CASE("a proof is HMAC-SHA-256 under scrypt of the code and the exporter", "[trust]") {
  CHECK(to_hex(pair_proof(sample_code, ProofSide::client, sample_session())) ==
        "de30ee135c7825c61ae79be00d494db071f75e7a36cb3c55f6d0a1597410ae81");
  CHECK(to_hex(pair_proof("o123 4567 89ab cdef", ProofSide::server, sample_session())) ==
        "ca82b146df6ed28ea540462a7b3d6d58482a4f12116f791cea23fcfd82ffec14");
  const auto both = pair_proofs(sample_code, sample_session());
  CHECK(both.client == pair_proof(sample_code, ProofSide::client, sample_session()));
  CHECK(both.server == pair_proof(sample_code, ProofSide::server, sample_session()));
}

TEST_CASE("a proof is good for one code, side, connection and pair of keys only", "[trust]") {
  std::set<PairProof> seen;
  const auto take = [&](std::string_view code, const PairSession& session) {
    const auto both = pair_proofs(code, session);
    CHECK(seen.insert(both.client).second);
    CHECK(seen.insert(both.server).second);
  };
  take(sample_code, sample_session());
  take("0123-4567-89AB-CDEG", sample_session());
  auto other = sample_session();
  other.exporter[31] ^= std::byte{1};
  take(sample_code, other);
  other = sample_session();
  other.client.bytes[0] ^= std::byte{0x80};
  take(sample_code, other);
  other = sample_session();
  other.server.bytes[31] ^= std::byte{1};
  take(sample_code, other);
  other = sample_session();
  std::swap(other.client, other.server);
  take(sample_code, other);
}

TEST_CASE("proofs are equal only if every bit is", "[trust]") {
  PairProof a{};
  CHECK(equal_proofs(a, PairProof{}));
  for (std::size_t k = 0; k < 8 * a.size(); ++k) {
    auto b = a;
    b[k / 8] ^= static_cast<std::byte>(1 << k % 8);
    CHECK_FALSE(equal_proofs(a, b));
  }
}
