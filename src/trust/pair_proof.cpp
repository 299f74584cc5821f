// SPDX-License-Identifier: Apache-2.0
// Codes in Crockford's base32; proofs of scrypt and HMAC.
#include "trust/pair_proof.hpp"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include "trust/openssl.hpp"

namespace syncline::trust {
namespace {

constexpr std::string_view code_alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t code_digits_count = 16;
constexpr std::size_t group_digits = 4;
constexpr std::string_view label = "syncline pairing proof 1";

constexpr std::uint64_t scrypt_n = 1 << 14;
constexpr std::uint64_t scrypt_r = 8;
constexpr std::uint64_t scrypt_p = 1;
constexpr std::uint64_t scrypt_bytes_max = std::uint64_t{32} << 20;  // 128 * N * r and some

std::string grouped(std::string_view digits) {
  std::string out;
  for (std::size_t k = 0; k < digits.size(); ++k) {
    if (k != 0 && k % group_digits == 0) out += '-';
    out += digits[k];
  }
  return out;
}

char canonical_digit(char typed) {
  const char upper = typed >= 'a' && typed <= 'z' ? static_cast<char>(typed - 'a' + 'A') : typed;
  if (upper == 'O') return '0';
  if (upper == 'I' || upper == 'L') return '1';
  return upper;
}

/// The 16 digits of a typed code, without its dashes.
std::string digits_of(std::string_view typed) {
  std::string digits;
  for (const char c : typed) {
    if (c == '-' || c == ' ' || c == '\t') continue;
    digits += canonical_digit(c);
    if (code_alphabet.find(digits.back()) == code_alphabet.npos || digits.size() > code_digits_count) break;
  }
  if (digits.size() != code_digits_count || digits.find_first_not_of(code_alphabet) != digits.npos)
    throw Error(Errc::usage, "a pairing code has 16 letters and digits (XXXX-XXXX-XXXX-XXXX, without U)");
  return digits;
}

/// The key of a code on one connection; wiped at the end.
class ProofKey {
 public:
  ProofKey(const std::string& digits, const PairSession& session) {
    const auto* salt = reinterpret_cast<const unsigned char*>(session.exporter.data());
    expect_openssl(EVP_PBE_scrypt(digits.data(), digits.size(), salt, session.exporter.size(), scrypt_n,
                                  scrypt_r, scrypt_p, scrypt_bytes_max, key_.data(), key_.size()) == 1,
                   "derive a key with scrypt");
  }
  ProofKey(const ProofKey&) = delete;
  ProofKey& operator=(const ProofKey&) = delete;
  ~ProofKey() { OPENSSL_cleanse(key_.data(), key_.size()); }

  PairProof proof(ProofSide side, const PairSession& session) const {
    Bytes message;
    ByteWriter writer(message);
    writer.bytes(as_bytes(label));
    writer.u8(static_cast<std::uint8_t>(side));
    writer.bytes(session.client.bytes);
    writer.bytes(session.server.bytes);
    PairProof out;
    expect_openssl(HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
                        reinterpret_cast<const unsigned char*>(message.data()), message.size(),
                        reinterpret_cast<unsigned char*>(out.data()), nullptr) != nullptr,
                   "compute an HMAC");
    return out;
  }

 private:
  std::array<unsigned char, 32> key_{};
};

}  // namespace

std::string make_pair_code(Random& random) {
  std::array<std::byte, 10> bytes{};
  random.fill(bytes);
  std::string digits;
  unsigned bits = 0;
  unsigned count = 0;
  for (const auto byte : bytes) {
    bits = bits << 8 | std::to_integer<unsigned>(byte);
    for (count += 8; count >= 5; count -= 5) digits += code_alphabet[bits >> (count - 5) & 31];
  }
  return grouped(digits);
}

std::string parse_pair_code(std::string_view typed) { return grouped(digits_of(typed)); }

ProofPair pair_proofs(std::string_view code, const PairSession& session) {
  const OpensslErrors errors;
  const ProofKey key(digits_of(code), session);
  return {key.proof(ProofSide::client, session), key.proof(ProofSide::server, session)};
}

PairProof pair_proof(std::string_view code, ProofSide side, const PairSession& session) {
  const auto both = pair_proofs(code, session);
  return side == ProofSide::client ? both.client : both.server;
}

bool equal_proofs(const PairProof& a, const PairProof& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace syncline::trust
