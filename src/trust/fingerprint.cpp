// SPDX-License-Identifier: Apache-2.0
// Fingerprints: from certificates, to text and back.
#include "trust/fingerprint.hpp"

#include <openssl/pem.h>
#include <openssl/sha.h>

#include "trust/certificate.hpp"
#include "trust/openssl.hpp"

namespace syncline::trust {
namespace {

constexpr std::string_view prefix = "SHA256:";
constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t base64_digits_count = 43;  // 256 bits in pieces of 6

[[noreturn]] void refuse(std::string_view text) {
  throw Error(Errc::usage,
              "'" + escape_name(text) + "' is not a key fingerprint (SHA256: and 43 characters)");
}

}  // namespace

Fingerprint fingerprint_of(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) throw Error(Errc::malformed, "certificate without a public key");
  Fingerprint out;
  SHA256(der, static_cast<std::size_t>(size), reinterpret_cast<unsigned char*>(out.bytes.data()));
  OPENSSL_free(der);
  return out;
}

std::string Fingerprint::text() const {
  std::string out(prefix);
  unsigned bits = 0;
  unsigned count = 0;
  for (const auto byte : bytes) {
    bits = bits << 8 | std::to_integer<unsigned>(byte);
    for (count += 8; count >= 6; count -= 6) out += base64_alphabet[bits >> (count - 6) & 63];
  }
  out += base64_alphabet[bits << (6 - count) & 63];
  return out;
}

Fingerprint Fingerprint::parse(std::string_view text) {
  if (!text.starts_with(prefix) || text.size() != prefix.size() + base64_digits_count) refuse(text);
  Fingerprint out;
  unsigned bits = 0;
  unsigned count = 0;
  auto next = out.bytes.begin();
  for (const char digit : text.substr(prefix.size())) {
    const auto value = base64_alphabet.find(digit);
    if (value == base64_alphabet.npos) refuse(text);
    bits = bits << 6 | static_cast<unsigned>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    *next++ = static_cast<std::byte>(bits >> count & 255);
  }
  if ((bits & ((1U << count) - 1)) != 0) refuse(text);  // bits that no fingerprint has
  return out;
}

Fingerprint fingerprint_of_certificate_der(ByteView der) {
  const OpensslErrors errors;
  const auto* begin = reinterpret_cast<const unsigned char*>(der.data());
  const auto* at = begin;
  const CertificatePtr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!certificate || at != begin + der.size()) throw Error(Errc::malformed, "certificate");
  return fingerprint_of(certificate.get());
}

Fingerprint fingerprint_of_certificate_pem(std::string_view pem) {
  const OpensslErrors errors;
  const BioPtr in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  expect_openssl(in != nullptr, "open a buffer");
  const CertificatePtr certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  if (!certificate) throw Error(Errc::malformed, "certificate (PEM)");
  return fingerprint_of(certificate.get());
}

}  // namespace syncline::trust
